"""PostgreSQL is killed or stopped at once in the middle of the story: what was acknowledged is there, once."""

from __future__ import annotations

import os
import random
import signal

import pytest

from tests.faults.story import Story

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
LEASE = 90


def test_a_killed_postgres_loses_and_doubles_nothing(story: Story) -> None:
    def kill(dice: random.Random) -> int:
        if not story.is_up("postgres") or not story.stack._stack.postgres.is_ready():
            return 0
        story.stack.kill9("postgres")
        return 1

    kills = story.play(kill)
    story.settle(LEASE + 120)
    story.report(kills, story.check())


def test_a_postgres_stopped_at_once_loses_and_doubles_nothing(story: Story) -> None:
    """`immediate`: no checkpoint, every session cut off in the middle of its statement."""

    def cut_off(dice: random.Random) -> int:
        if not story.is_up("postgres") or not story.stack._stack.postgres.is_ready():
            return 0
        os.kill(story.stack.pid("postgres"), signal.SIGQUIT)
        return 1

    stops = story.play(cut_off)
    story.settle(LEASE + 120)
    story.report(stops, story.check())
