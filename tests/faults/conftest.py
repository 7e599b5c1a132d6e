"""A product to break: seeded, with two web servers, and addresses of our own choice for the visitors."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from tests.faults.story import Story
from tests.stack import running_stack


@pytest.fixture
def story() -> Iterator[Story]:
    """A seeded product at rest; CS_FAULT_SEED repeats a run."""
    seed = int(os.environ.get("CS_FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    print(f"CS_FAULT_SEED={seed}")
    with running_stack(TRUSTED_PROXIES="1", CONTACT_FORM_MIN_SECONDS="0", UNDO_SEND_SECONDS="0") as stack:
        story = Story(stack, seed)
        story.prepare()
        yield story
