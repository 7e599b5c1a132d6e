"""Files and raw mail of each test lie in a folder of its own."""

from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def file_folder(tmp_path: Path, settings: Any) -> Path:
    """Keep attachments below the test's own folder."""
    options = {**settings.STORAGES["attachments"]["OPTIONS"], "location": str(tmp_path / "attachments")}
    settings.STORAGES = {
        **settings.STORAGES,
        "attachments": {**settings.STORAGES["attachments"], "OPTIONS": options},
    }
    return tmp_path / "attachments"
