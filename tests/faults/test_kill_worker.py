"""The worker is killed in the middle of the story: every answer still reaches its customer, once for each message."""

from __future__ import annotations

import random

import pytest

from tests.faults.story import Story

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
LEASE = 90


def test_killed_workers_lose_and_double_nothing(story: Story) -> None:
    def kill(dice: random.Random) -> int:
        if not story.is_up("worker"):
            return 0
        story.stack.kill9("worker")
        return 1

    kills = story.play(kill, breaks=4)
    story.settle(LEASE - 5)  # less than a lease: what a dead worker held is free at once
    story.report(kills, story.check())


def test_a_frozen_worker_that_wakes_after_its_lease_changes_nothing_twice(story: Story) -> None:
    def freeze(dice: random.Random) -> int:
        if not story.is_up("worker"):
            return 0
        story.stack.stop("worker")
        with story.stack.db() as db:  # as if it had slept for longer than its lease
            db.execute("UPDATE core_job SET lease_until = now() - interval '1 second' WHERE state = 'running'")
        story.stack.cont("worker")
        return 1

    freezes = story.play(freeze)
    story.settle(LEASE + 120)
    story.report(freezes, story.check())
