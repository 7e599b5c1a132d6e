"""The rows behind a number."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from core.folds import active_version
from kpi.metrics import METRICS
from kpi.models import Fact
from kpi.selectors.filters import Filters


def rows_behind(key: str, first: date, last: date, filters: Filters) -> QuerySet[Fact]:
    """Return the facts a figure counts, newest first. Raises KeyError for an unknown metric."""
    metric = METRICS[key]
    rows = Fact.objects.filter(metric=key, version=active_version(metric.fold), day__gte=first, day__lte=last).order_by(
        "-at", "-id"
    )
    if filters.shops is not None:
        rows = rows.filter(shop_id__in=filters.shops)
    return rows.filter(**filters.chosen())
