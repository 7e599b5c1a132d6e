"""The limiter counts in windows of the clock; a test begins with a window of its own."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core import ratelimit
from core.errors import RateLimited

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def test_hits_count_until_the_window_ends_and_the_next_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "time", time)  # as in the product
    with time_machine.travel(datetime(2026, 12, 31, 23, 59, 57, tzinfo=UTC), tick=False) as clock:
        for _time in range(2):
            ratelimit.check("probe", "x", limit=2, period=MINUTE)
        clock.shift(1)
        with pytest.raises(RateLimited) as refused:
            ratelimit.check("probe", "x", limit=2, period=MINUTE)
        assert refused.value.retry_after == 2
        assert ratelimit.peek("probe", "x", period=MINUTE) == 3
        clock.shift(2)
        assert ratelimit.peek("probe", "x", period=MINUTE) == 0
        ratelimit.check("probe", "x", limit=2, period=MINUTE)


@pytest.mark.parametrize("period", [MINUTE, timedelta(minutes=10), timedelta(minutes=15), timedelta(days=1)])
def test_a_test_has_nearly_the_whole_window_before_it(period: timedelta) -> None:
    assert ratelimit.hit("probe", "x", period=period) == 1
    passed = ratelimit.time.time() % period.total_seconds()
    assert passed < 50  # at most what the test took so far, never the time of day
