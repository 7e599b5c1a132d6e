"""The metric registry: one definition per number, shown beside it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from core.errors import Text


class Shape(StrEnum):
    """How a metric's facts make a figure."""

    COUNT = "count"
    DURATION = "duration"
    RATIO = "ratio"
    MEAN = "mean"
    NET = "net"


class Stat(StrEnum):
    """Which statistic of a distribution the target speaks of."""

    SUM = "sum"
    MEAN = "mean"
    P50 = "p50"
    P90 = "p90"
    RATE = "rate"


@dataclass(frozen=True)
class Metric:
    """One number; `target` is in the metric's own unit: seconds, percent, points.

    `rows_need` is the right to open the rows it counts, beyond seeing the board.
    """

    key: str
    name: Text
    question: Text
    formula: Text
    shape: Shape
    headline: Stat
    unit: str
    fold: str
    target: float | None = None
    is_lower_better: bool = False
    at: Text = ""
    rows_need: str = ""


METRICS: dict[str, Metric] = {}


def _register(metric: Metric) -> None:
    METRICS[metric.key] = metric


_register(
    Metric(
        "tickets_opened",
        _("Tickets opened"),
        _("How many came to us?"),
        _("Tickets opened, without spam and merged ones."),
        Shape.COUNT,
        Stat.SUM,
        "count",
        "tickets",
        at=_("opened"),
    )
)
_register(
    Metric(
        "first_response_time",
        _("First response time"),
        _("Are we answering in time?"),
        _("From opening to the first public message by a person. Automatic acknowledgements do not count."),
        Shape.DURATION,
        Stat.P90,
        "seconds",
        "tickets",
        target=7200,
        is_lower_better=True,
        at=_("first reply"),
    )
)
_register(
    Metric(
        "resolution_time",
        _("Resolution time"),
        _("Are we solving it in time?"),
        _("From opening to resolution, minus the time spent waiting for the customer. Reopened ones do not count."),
        Shape.DURATION,
        Stat.P90,
        "seconds",
        "tickets",
        target=172800,
        is_lower_better=True,
        at=_("resolved"),
    )
)
_register(
    Metric(
        "satisfaction_score",
        _("Satisfaction"),
        _("Are customers content?"),
        _("Mean of the valid answers from 1 to 5, scaled to 0–100."),
        Shape.MEAN,
        Stat.MEAN,
        "points",
        "surveys",
        target=90,
        at=_("answered"),
    )
)
_register(
    Metric(
        "tickets_resolved",
        _("Tickets resolved"),
        _("How many did we solve?"),
        _("Resolutions, each one a fact even when the ticket comes back."),
        Shape.COUNT,
        Stat.SUM,
        "count",
        "tickets",
        at=_("resolved"),
    )
)
_register(
    Metric(
        "resolution_time_total",
        _("Resolution time, end to end"),
        _("How long did it take for the customer?"),
        _("From opening to resolution, waiting included."),
        Shape.DURATION,
        Stat.P90,
        "seconds",
        "tickets",
        is_lower_better=True,
        at=_("resolved"),
    )
)
_register(
    Metric(
        "response_time",
        _("Response time"),
        _("How long does each question wait?"),
        _("From the first unanswered message of the customer to the next public reply by a person."),
        Shape.DURATION,
        Stat.P90,
        "seconds",
        "tickets",
        is_lower_better=True,
        at=_("reply"),
    )
)
_register(
    Metric(
        "reopen_rate",
        _("Reopened"),
        _("Does it stay solved?"),
        _("Resolutions that were reopened ÷ resolutions."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "tickets",
        target=5,
        is_lower_better=True,
        at=_("resolved"),
    )
)
_register(
    Metric(
        "one_touch_rate",
        _("Solved with one reply"),
        _("Do we solve it at once?"),
        _("Resolved with exactly one public reply ÷ resolved, reopened ones left out."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "tickets",
        at=_("resolved"),
    )
)
_register(
    Metric(
        "complaints_opened",
        _("Complaints opened"),
        _("How many complained?"),
        _("Tickets opened in a complaint category."),
        Shape.COUNT,
        Stat.SUM,
        "count",
        "tickets",
        is_lower_better=True,
        at=_("opened"),
    )
)
_register(
    Metric(
        "csat",
        _("Satisfied customers"),
        _("How many were satisfied?"),
        _("Answers of 4 or 5 ÷ valid answers."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "surveys",
        at=_("answered"),
    )
)
_register(
    Metric(
        "nps",
        _("Would recommend us (NPS)"),
        _("Would they send a friend?"),
        _("Share of 9–10 minus share of 0–6."),
        Shape.NET,
        Stat.RATE,
        "points",
        "surveys",
        at=_("answered"),
    )
)
_register(
    Metric(
        "ces",
        _("Effort"),
        _("Was it easy?"),
        _("Mean effort from 1 to 7."),
        Shape.MEAN,
        Stat.MEAN,
        "score",
        "surveys",
        at=_("answered"),
    )
)
_register(
    Metric(
        "survey_response_rate",
        _("Survey response"),
        _("Do customers answer us?"),
        _("Valid answers ÷ invitations delivered."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "surveys",
        at=_("invited"),
    )
)
_register(
    Metric(
        "followup_coverage",
        _("Follow-up coverage"),
        _("Did we ask after every order?"),
        _("Completed orders with a visit attempted within 7 days ÷ completed orders whose 7 days have passed."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "visits",
        target=100,
        at=_("order completed"),
    )
)
_register(
    Metric(
        "feedback_collection_rate",
        _("Feedback collected"),
        _("Did we hear from every order?"),
        _("Completed orders with an answered visit or a valid survey ÷ completed orders whose 7 days have passed."),
        Shape.RATIO,
        Stat.RATE,
        "percent",
        "visits",
        target=80,
        at=_("order completed"),
    )
)
_register(
    Metric(
        "quality_score",
        _("Quality score"),
        _("Are our conversations good?"),
        _("Mean rubric score of reviewed conversations, 0–100; an appeal that changed a score corrects its day."),
        Shape.MEAN,
        Stat.MEAN,
        "points",
        "quality",
        target=90,
        at=_("reviewed"),
        rows_need="quality.review",
    )
)
