"""The rows behind a number."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, DateTimeField, DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet
from django.db.models import Value as Given
from django.db.models.functions import Extract

from core.folds import active_version
from kpi.folds.standing import NOW
from kpi.metrics import METRICS, Shape
from kpi.models import Fact
from kpi.selectors.filters import Filters

DAY = 86_400
AGES = (DAY, 3 * DAY, 7 * DAY, 30 * DAY)
"""Where the age buckets of a backlog end, in seconds; the last one is open."""


def rows_behind(key: str, first: date, last: date, filters: Filters) -> QuerySet[Fact]:
    """Return the facts a figure counts, newest first; of a level the beginnings that stand as the period ends.

    Raises KeyError for an unknown metric.
    """
    metric = METRICS[key]
    version = active_version(metric.fold)
    rows = Fact.objects.filter(metric=key, version=version).order_by("-at", "-id")
    is_level = metric.shape is Shape.LEVEL
    rows = _standing(rows, version, last) if is_level else rows.filter(day__gte=first, day__lte=last)
    if filters.shops is not None:
        rows = rows.filter(shop_id__in=filters.shops)
    return rows.filter(**filters.chosen())


def ages_of(rows: QuerySet[Fact]) -> list[int]:
    """Return how many rows of a level (see with_ages) fall into each of AGES and beyond: one statement."""
    edges = [0, *AGES, None]
    counts = {
        f"bucket_{number}": Count("pk", filter=Q(age__gte=low) & (Q() if high is None else Q(age__lt=high)))
        for number, (low, high) in enumerate(pairwise(edges))
    }
    found = rows.order_by().aggregate(**counts)
    return [found[name] for name in counts]


def level_moment(last: date, now: datetime) -> datetime:
    """Return when a level is read: as its last day ends, or now while it goes on."""
    end = datetime.combine(last + timedelta(days=1), time(0), ZoneInfo(settings.BUSINESS_TIME_ZONE))
    return min(end, now)


def with_ages(rows: QuerySet[Fact], moment: datetime) -> QuerySet[Fact]:
    """Add the age in seconds at a moment to rows of a level, whose value is the age at their own time."""
    since: Any = ExpressionWrapper(Given(moment, DateTimeField()) - F("at"), DurationField())
    return rows.annotate(age=F("value") + Extract(since, "epoch"))


def _standing(rows: QuerySet[Fact], version: int, last: date) -> QuerySet[Fact]:
    """Keep the beginnings that still stood as a day ended: of tickets that stand now or ended later."""
    ends = Fact.objects.filter(metric="backlog", version=version, numerator=-1)
    now = Fact.objects.filter(metric=NOW, version=version)
    roots = now.values("root_id").union(ends.filter(day__gt=last).values("root_id"), all=True)
    over = ends.filter(fold=OuterRef("fold"), root_id=OuterRef("root_id"), day__gt=OuterRef("day"), day__lte=last)
    return rows.filter(numerator=1, day__lte=last, root_id__in=roots).exclude(Exists(over))
