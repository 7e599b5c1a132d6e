"""Valkey is killed or emptied in the middle of the story: it only carries hints, so nothing is lost or doubled."""

from __future__ import annotations

import random

import pytest
import redis

from tests.faults.story import Story

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]


def test_a_killed_valkey_loses_and_doubles_nothing(story: Story) -> None:
    def kill(dice: random.Random) -> int:
        if not story.is_up("valkey"):
            return 0
        story.stack.kill9("valkey")
        return 1

    kills = story.play(kill)
    story.settle(150)
    story.report(kills, story.check())


def test_an_emptied_valkey_loses_and_doubles_nothing(story: Story) -> None:
    def empty(dice: random.Random) -> int:
        with redis.Redis.from_url(story.stack.env["REDIS_URL"], socket_timeout=5) as bus:
            bus.flushall()
        return 1

    flushes = story.play(empty)
    story.settle(150)
    story.report(flushes, story.check())
