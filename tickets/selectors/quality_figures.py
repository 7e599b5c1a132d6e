"""Quality in figures: means with the number behind them, by agent, criterion and week; each opens its reviews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Avg, Count, Q, QuerySet

from tickets.models import QualityReview
from tickets.quality_enums import ReviewState

FEW = 5
"""Means of fewer reviews than this are shown with the word that they are few."""
MOST_ROWS = 200


@dataclass(frozen=True)
class Mean:
    """A mean of `n` scores; `key` and `label` say of what."""

    key: Any
    label: str
    mean: float | None
    n: int

    @property
    def is_few(self) -> bool:
        """Say whether so few reviews carry the mean that it says little."""
        return 0 < self.n < FEW


def counted(rows: QuerySet[QualityReview], since: datetime, until: datetime) -> QuerySet[QualityReview]:
    """Return the reviews that count in a stretch of time: submitted in it, no calibrations."""
    return rows.filter(
        state=ReviewState.SUBMITTED, calibration__isnull=True, submitted_at__gte=since, submitted_at__lt=until
    )


def overall(rows: QuerySet[QualityReview]) -> dict[str, Any]:
    """Return the mean with its number, the fatal ones, and how appeals went, in one statement."""
    found = rows.aggregate(
        mean=Avg("score"), n=Count("pk"), fatal=Count("pk", filter=Q(is_fatal=True)),
        appeals=Count("appeal"), changed=Count("pk", filter=Q(appeal__state="changed")),
        kept=Count("pk", filter=Q(appeal__state="kept")), open=Count("pk", filter=Q(appeal__state="open")),
    )  # fmt: skip
    return {**found, "mean": None if found["mean"] is None else float(found["mean"]), "is_few": 0 < found["n"] < FEW}


def by_agent(rows: QuerySet[QualityReview]) -> list[Mean]:
    """Return the mean of each agent, the lowest first."""
    found = rows.values("agent_id", "agent__display_name").annotate(mean=Avg("score"), n=Count("pk"))
    means = [Mean(row["agent_id"], row["agent__display_name"], float(row["mean"]), row["n"]) for row in found]
    return sorted(means, key=lambda one: (one.mean or 0, one.key))


_ANSWERS = """
SELECT c ->> 'key', max(c ->> %s), 100 * avg((m.mark)::numeric / CASE c ->> 'kind' WHEN 'scale' THEN 5 ELSE 1 END),
       count(*)
  FROM tickets_quality_review r
  JOIN tickets_rubric_version v ON v.id = r.rubric_version_id,
       jsonb_array_elements(v.sections) s, jsonb_array_elements(s -> 'criteria') c,
       LATERAL (SELECT r.answers -> (c ->> 'key') ->> 'value' AS mark) m
 WHERE r.id = ANY (%s) AND m.mark IS NOT NULL AND m.mark <> 'na'
 GROUP BY c ->> 'key' ORDER BY 3, 1
"""


def by_criterion(rows: QuerySet[QualityReview], language: str) -> list[Mean]:
    """Return the mean share of each criterion in percent, what did not apply left out, the weakest first."""
    ids = list(rows.values_list("pk", flat=True)[:20_000])
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, ["en" if language == "en" else "zh", ids])
        return [Mean(key, label, float(mean), n) for key, label, mean, n in cursor.fetchall()]


_WEEKS = """
SELECT date_trunc('week', submitted_at AT TIME ZONE %s)::date, avg(score), count(*)
  FROM tickets_quality_review WHERE id = ANY (%s) GROUP BY 1 ORDER BY 1
"""


def by_week(rows: QuerySet[QualityReview]) -> list[tuple[date, float, int]]:
    """Return (Monday, mean, n) of each week with reviews, the oldest first."""
    ids = list(rows.values_list("pk", flat=True)[:20_000])
    with connection.cursor() as cursor:
        cursor.execute(_WEEKS, [settings.BUSINESS_TIME_ZONE, ids])
        return [(monday, float(mean), n) for monday, mean, n in cursor.fetchall()]


def rows_behind(
    rows: QuerySet[QualityReview], *, criterion: str = "", appeal: str = "", fatal: bool = False
) -> list[Any]:
    """Return the reviews a number counts, newest first: all, those that mark a criterion, fatal ones, by appeal."""
    if criterion:
        rows = rows.filter(**{f"answers__{criterion}__value__isnull": False}).exclude(
            **{f"answers__{criterion}__value": "na"}
        )
    if appeal:
        rows = rows.filter(appeal__isnull=False) if appeal == "all" else rows.filter(appeal__state=appeal)
    if fatal:
        rows = rows.filter(is_fatal=True)
    return list(
        rows.select_related("ticket", "agent", "reviewer", "appeal").order_by("-submitted_at", "-pk")[:MOST_ROWS]
    )
