"""Raw mail goes to a folder of each test's own; a real SMTP server stands by."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.smtp import Sink, smtp_server


@pytest.fixture(autouse=True)
def mail_folder(tmp_path: Path, settings: Any) -> Path:
    """Keep attachments and raw mail below the test's own folder."""
    options = {**settings.STORAGES["attachments"]["OPTIONS"], "location": str(tmp_path / "attachments")}
    settings.STORAGES = {
        **settings.STORAGES,
        "attachments": {**settings.STORAGES["attachments"], "OPTIONS": options},
    }
    return tmp_path / "attachments"


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    """Let outgoing mail go to a real server of the test's own."""
    with smtp_server() as server:
        settings.SMTP = server.settings
        yield server
