"""Pairs of records that look like one person."""

from __future__ import annotations

from django.db.models import Q

from customers.models import DuplicatePair
from customers.selectors import aliases_of

PAGE = 30


def open_duplicates(*, before: int | None = None) -> list[DuplicatePair]:
    """Return open proposals, the newest first, one more than a page when there are more."""
    rows = DuplicatePair.objects.filter(
        dismissed_at=None, low__erased_at=None, high__erased_at=None, low__merged_into=None, high__merged_into=None
    )
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.select_related("low", "high").order_by("-pk")[: PAGE + 1])


def duplicates_of(customer_id: int) -> list[DuplicatePair]:
    """Return open proposals about one customer."""
    rows = DuplicatePair.objects.filter(dismissed_at=None, low__merged_into=None, high__merged_into=None)
    family = aliases_of(customer_id)
    mine = rows.filter(Q(low_id__in=family) | Q(high_id__in=family))
    return list(mine.select_related("low", "high").order_by("-pk")[:10])


def count_duplicates() -> int:
    """Return how many proposals stand open."""
    return DuplicatePair.objects.filter(dismissed_at=None).count()
