"""The system page says when periodic work stops."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from core.jobs.clock import make_periods
from core.jobs.registry import PERIODIC
from core.models import Period
from core.system.selectors import own_health

pytestmark = pytest.mark.django_db


def clock() -> tuple[str, str]:
    line = next(one for one in own_health() if str(one["label"]) in {"定时任务的时钟", "Clock of periodic work"})
    return line["state"], str(line["hint"])


def test_a_ticker_that_stopped_is_seen() -> None:
    Period.objects.all().delete()
    assert clock()[0] == "bad", "nothing ever began"
    now = timezone.now()
    for item in PERIODIC.values():
        make_periods(item, now - timedelta(hours=3))
    state, hint = clock()
    assert state == "bad"
    assert "ticker" in hint
    for item in PERIODIC.values():
        make_periods(item, now)
    assert clock() == ("ok", "")
