"""Quality review: rubrics in versions, sampling plans, reviews, calibration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from tickets.quality_enums import ReviewState, SamplePeriod, SampleWay


class Rubric(models.Model):
    """What conversations are measured by; `current` is the version new reviews use."""

    event_type = "rubric"

    name = models.CharField(max_length=80)
    current = models.ForeignKey("tickets.RubricVersion", on_delete=models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_rubric"

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A rubric belongs to no stream."""
        return {}


class RubricVersion(models.Model):
    """One wording of a rubric. Triggers refuse changes, and weights that do not add up to 100.

    `sections` is a list of {key, zh, en, criteria}; a criterion is {key, zh, en, guide_zh, guide_en, weight, kind,
    is_fatal, may_skip, source}.
    """

    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    sections = models.JSONField()
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    published_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_rubric_version"
        constraints = [models.UniqueConstraint(fields=["rubric", "number"], name="rubric_version_number")]

    def __str__(self) -> str:
        return f"rubric {self.rubric_id} v{self.number}"

    def criteria(self) -> list[dict[str, Any]]:
        """Return the criteria of all sections in their order."""
        return [criterion for section in self.sections for criterion in section["criteria"]]


class SamplingPlan(models.Model):
    """Which conversations are reviewed. Empty lists of teams, agents, channels, categories or reviewers mean all.

    `team_ids` are the plan's reach too: whoever sees only her teams sets plans that lie within them.

    `boosts` are codes of Why; each that fits a conversation multiplies its chance by `factor`. `next_period` is the
    first day of the next period to draw, in the business time zone; None while the plan rests.
    """

    event_type = "sampling_plan"

    name = models.CharField(max_length=80)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="plans")
    is_active = models.BooleanField(default=True)
    period = models.CharField(max_length=8, choices=SamplePeriod, default=SamplePeriod.WEEK)
    way = models.CharField(max_length=12, choices=SampleWay, default=SampleWay.PER_AGENT)
    amount = models.PositiveSmallIntegerField(default=2)
    boosts = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    factor = models.PositiveSmallIntegerField(default=3)
    team_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    agent_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    category_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    reviewer_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    due_days = models.PositiveSmallIntegerField(default=5)
    seed = models.CharField(max_length=32)
    next_period = models.DateField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_sampling_plan"
        constraints = [
            models.CheckConstraint(condition=Q(period__in=SamplePeriod.values), name="sampling_plan_period_known"),
            models.CheckConstraint(condition=Q(way__in=SampleWay.values), name="sampling_plan_way_known"),
            models.CheckConstraint(
                condition=Q(amount__gte=1) & (~Q(way="percent") | Q(amount__lte=100)), name="sampling_plan_amount"
            ),
            models.CheckConstraint(condition=Q(factor__gte=1, factor__lte=20), name="sampling_plan_factor"),
            models.CheckConstraint(
                condition=Q(is_active=True, next_period__isnull=False) | Q(is_active=False, next_period__isnull=True),
                name="sampling_plan_rests_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A plan belongs to no stream."""
        return {}


class SampleDraw(models.Model):
    """A period a plan has drawn: the row that makes it happen once."""

    plan = models.ForeignKey(SamplingPlan, on_delete=models.CASCADE, related_name="draws")
    period_start = models.DateField()
    period_end = models.DateField()
    candidate_count = models.PositiveIntegerField()
    drawn_count = models.PositiveIntegerField()
    at = models.DateTimeField()

    class Meta:
        db_table = "tickets_sample_draw"
        constraints = [models.UniqueConstraint(fields=["plan", "period_start"], name="sample_draw_once")]

    def __str__(self) -> str:
        return f"plan {self.plan_id} of {self.period_start}"


class Calibration(models.Model):
    """One conversation scored blind by several reviewers, to see how far apart they are."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="+")
    rubric_version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="+")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_calibration"

    def __str__(self) -> str:
        return f"calibration {self.pk}"


class QualityReview(models.Model):
    """One conversation of one agent, scored by one reviewer.

    the product filled in. Team and shop are those of the ticket when it was chosen. Triggers keep the
       reviewer out of conversations she answered in, and a submitted review as it is unless an appeal changed it.
    """

    event_type = "quality_review"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="quality_reviews")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="quality_reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    rubric_version = models.ForeignKey(RubricVersion, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(SamplingPlan, on_delete=models.PROTECT, null=True, related_name="reviews")
    period_start = models.DateField(null=True)
    calibration = models.ForeignKey(Calibration, on_delete=models.CASCADE, null=True, related_name="reviews")
    team_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=12, choices=ReviewState, default=ReviewState.WAITING)
    why = ArrayField(models.CharField(max_length=20), default=list)
    answers = models.JSONField(default=dict)
    note = models.TextField(blank=True, default="")
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    is_fatal = models.BooleanField(default=False)
    assigned_at = models.DateTimeField()
    due_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True)
    submitted_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_quality_review"
        constraints = [
            models.UniqueConstraint(
                fields=["plan", "period_start", "ticket"], name="quality_review_once", condition=Q(plan__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["calibration", "reviewer"], name="quality_review_calibrates_once",
                condition=Q(calibration__isnull=False),
            ),
            models.CheckConstraint(condition=Q(state__in=ReviewState.values), name="quality_review_state_known"),
            models.CheckConstraint(
                condition=Q(reviewer__isnull=True) | ~Q(reviewer=F("agent")), name="quality_review_not_of_oneself"
            ),
            models.CheckConstraint(
                condition=~Q(state="submitted")
                | Q(score__isnull=False, submitted_at__isnull=False, reviewer__isnull=False),
                name="quality_review_submitted_whole",
            ),
            models.CheckConstraint(
                condition=Q(score__isnull=True) | Q(score__gte=0, score__lte=100), name="quality_review_score_range"
            ),
            models.CheckConstraint(
                condition=Q(plan__isnull=True) | Q(period_start__isnull=False), name="quality_review_plan_has_period"
            ),
        ]  # fmt: skip
        indexes = [
            models.Index(fields=["reviewer", "due_at"], name="quality_waiting", condition=Q(state="waiting")),
            models.Index(
                fields=["agent", "-submitted_at"], name="quality_of_agent",
                condition=Q(state="submitted", calibration__isnull=True),
            ),
            models.Index(
                fields=["-submitted_at"], name="quality_submitted",
                condition=Q(state="submitted", calibration__isnull=True),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"review {self.pk} of ticket {self.ticket_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this review belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()
