"""Upkeep of the customers app."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import periodic
from customers.services.codes import forget_codes


@periodic("customers.forget_codes", every=timedelta(hours=6), fill=False)
def forget_old_codes(*, period_start: datetime) -> None:
    """Drop one-time codes that nobody can use any more."""
    forget_codes(now=timezone.now())
