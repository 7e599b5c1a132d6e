"""Owe the asking: for each account with due numbers a few short jobs side by side, never a heap of them."""

from __future__ import annotations

from datetime import datetime

from core.jobs import Owed, schedule_many
from orders.carrying_enums import TRACKING_LIVE
from orders.models import CarrierAccount, Tracking

ASK = "orders.ask_carrier"
EVERY_SECONDS = 10
LANES, ONE_LANE, PER_LANE = (
    4,
    20,
    240,
)  # numbers one lane asks for; how often in a minute


def owe_due_asking(*, now: datetime) -> int:
    """Owe a slice of asking per account and lane for these ten seconds; return how many are new."""
    going = CarrierAccount.objects.filter(is_active=True, halted_code="").exclude(open_until__gt=now)
    begun = int(now.timestamp()) // EVERY_SECONDS * EVERY_SECONDS
    return schedule_many(
        [
            Owed(ASK, f"{pk}:{lane}:{begun}", now, f"carrier:{pk}:{lane}", {"account_id": pk})
            for pk, per_minute in going.values_list("pk", "per_minute")
            for lane in range(_lanes(pk, per_minute, now))
        ]
    )


def _lanes(account_id: int, per_minute: int, now: datetime) -> int:
    """Return how many jobs side by side the due numbers are worth; counts no further than it matters."""
    due = Tracking.objects.filter(account_id=account_id, state__in=TRACKING_LIVE, next_query_at__lte=now)
    count = due.order_by("next_query_at")[: LANES * ONE_LANE].count()
    return min(LANES, -(-per_minute // PER_LANE), -(-count // ONE_LANE))
