"""Web servers are killed in the middle of the story: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import random

import pytest

from tests.faults.story import Story

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_killed_web_servers_lose_and_double_nothing(story: Story) -> None:
    def kill(dice: random.Random) -> int:
        name = dice.choice(story.stack.names("web"))
        if not story.is_up(name):  # one that is still starting serves nobody
            return 0
        story.stack.kill9(name)
        return 1

    kills = story.play(kill)
    story.settle(120)
    story.report(kills, story.check())
