"""Owe the asking: for each account with due numbers a few short jobs side by side, never a heap of them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count, Q

from core.jobs import Owed, schedule_many
from orders.carrying_enums import TRACKING_LIVE
from orders.models import CarrierAccount

ASK = "orders.ask_carrier"
EVERY_SECONDS = 10
LANES, PER_LANE = 4, 240  # one lane asks about so often in a minute when the provider answers in a quarter second


def owe_due_asking(*, now: datetime) -> int:
    """Owe a slice of asking per account and lane for these ten seconds; return how many are new."""
    going = CarrierAccount.objects.filter(is_active=True, halted_code="").exclude(open_until__gt=now)
    due = Q(trackings__state__in=TRACKING_LIVE, trackings__next_query_at__lte=now)
    rows = going.annotate(due=Count("trackings", filter=due)).filter(due__gt=0).values_list("pk", "per_minute", "due")
    begun = int(now.timestamp()) // EVERY_SECONDS * EVERY_SECONDS
    return schedule_many(
        [
            Owed(ASK, f"{pk}:{lane}:{begun}", now, f"carrier:{pk}:{lane}", {"account_id": pk})
            for pk, per_minute, count in rows
            for lane in range(max(1, min(LANES, -(-per_minute // PER_LANE), -(-count // 20))))
        ]
    )
