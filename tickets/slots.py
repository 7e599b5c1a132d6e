"""What changes from call to call in the desk's kept statements (core.kept)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from core.kept import Slot, number_slot

SAMPLE = datetime(2000, 1, 1, 13, 7, 11, 131, tzinfo=UTC)
END = Slot("end", datetime(2000, 1, 1, 17, 19, 23, 137, tzinfo=UTC), "timestamptz")


def day_start(now: datetime) -> datetime:
    """Return the midnight that began today in the company's zone."""
    return now.astimezone(ZoneInfo(settings.BUSINESS_TIME_ZONE)).replace(hour=0, minute=0, second=0, microsecond=0)


STAFF = number_slot("staff", 1)
TICKET = number_slot("ticket", 2)
LAST = number_slot("last", 3)


def person_and_times() -> tuple[Slot, ...]:
    """Return the slots of statements about what a person sees now: her key, the moment, the start of its day."""
    return STAFF, Slot("now", SAMPLE, "timestamptz"), Slot("today", day_start(SAMPLE), "timestamptz")


def person_times_and_place() -> tuple[Slot, ...]:
    """Return the slots of one page of such a statement: those above, and the moment and the key where it begins."""
    return *person_and_times(), END, LAST


def one_ticket() -> tuple[Slot, ...]:
    """Return the slot of statements about one ticket, whoever looks."""
    return (TICKET,)


def person_and_ticket() -> tuple[Slot, ...]:
    """Return the slots of statements about one ticket as a person sees it."""
    return STAFF, TICKET


def moments(now: datetime) -> dict[str, Any]:
    """Return what fills the slots of the moment and of the start of its day."""
    return {"now": now, "today": day_start(now)}
