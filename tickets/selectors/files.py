"""Reads about files."""

from __future__ import annotations

from django.db.models import Sum

from tickets.models import StoredBytes


def bytes_used() -> int:
    """Return how many bytes all files together take."""
    return int(StoredBytes.objects.aggregate(total=Sum("delta"))["total"] or 0)
