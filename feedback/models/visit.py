"""Follow-up visits: the plan, each visit owed for a completed order, each attempt."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from feedback.enums import OPEN_VISITS, Outcome, SkipReason, VisitChannel, VisitState


class FollowUpPlan(models.Model):
    """What is owed after an order is completed: from `due_after_days` on, within `within_days`, up to `max_attempts`.

    `shop` null = every shop without a plan of its own.
    """

    event_type = "follow_up_plan"

    name = models.CharField(max_length=80)
    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    due_after_days = models.PositiveSmallIntegerField(default=2)
    within_days = models.PositiveSmallIntegerField(default=7)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    channel = models.CharField(max_length=8, choices=VisitChannel, default=VisitChannel.PHONE)
    script_zh = models.TextField(blank=True, default="")
    script_en = models.TextField(blank=True, default="")
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "feedback_follow_up_plan"
        constraints = [
            models.UniqueConstraint(
                fields=["shop"], name="plan_one_active_per_shop", condition=Q(is_active=True), nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(due_after_days__lt=F("within_days")), name="plan_due_before_deadline"),
            models.CheckConstraint(condition=Q(within_days__range=(1, 60)), name="plan_window_in_reason"),
            models.CheckConstraint(condition=Q(max_attempts__range=(1, 10)), name="plan_attempts_in_reason"),
            models.CheckConstraint(condition=Q(channel__in=VisitChannel.values), name="plan_channel_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this plan belong to."""
        return {"shop_id": self.shop_id}

    def script_in(self, language: str) -> str:
        """Return the script in a language, in the other one when it has none."""
        pair = (self.script_en, self.script_zh) if language == "en" else (self.script_zh, self.script_en)
        return pair[0] or pair[1]


class Visit(models.Model):
    """One visit owed. `show_at` is when it stands in the list: its due time, after an attempt the next try.

    `agent` holds it since `claimed_at`; `window_closed_at` is set when its time was counted.
    """

    event_type = "visit"

    plan = models.ForeignKey(FollowUpPlan, on_delete=models.PROTECT, related_name="visits")
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="visits")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="visits")
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, related_name="+")
    channel = models.CharField(max_length=8, choices=VisitChannel)
    tier = models.CharField(max_length=12, blank=True, default="")
    state = models.CharField(max_length=12, choices=VisitState, default=VisitState.PLANNED)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="visits"
    )
    claimed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    show_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    outcome = models.CharField(max_length=16, choices=Outcome, blank=True, default="")
    skip_reason = models.CharField(max_length=16, choices=SkipReason, blank=True, default="")
    satisfaction = models.PositiveSmallIntegerField(null=True)
    note = models.TextField(blank=True, default="")
    recovery_ticket = models.ForeignKey("tickets.Ticket", on_delete=models.SET_NULL, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    window_closed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "feedback_visit"
        constraints = [
            models.UniqueConstraint(fields=["plan", "order"], name="visit_once_per_order"),
            models.CheckConstraint(condition=Q(state__in=VisitState.values), name="visit_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=[str(s) for s in OPEN_VISITS], done_at__isnull=True)
                | (~Q(state__in=[str(s) for s in OPEN_VISITS]) & Q(done_at__isnull=False)),
                name="visit_done_has_time",
            ),
            models.CheckConstraint(
                condition=Q(satisfaction__isnull=True) | Q(satisfaction__range=(1, 5)), name="visit_satisfaction_range"
            ),
            models.CheckConstraint(condition=~Q(state="skipped") | ~Q(skip_reason=""), name="visit_skipped_has_reason"),
            models.CheckConstraint(condition=Q(deadline_at__gt=F("completed_at")), name="visit_deadline_later"),
        ]
        indexes = [
            models.Index(
                fields=["show_at", "id"], name="visit_open", condition=Q(state__in=[str(s) for s in OPEN_VISITS])
            ),
            models.Index(
                fields=["deadline_at", "id"], name="visit_due", condition=Q(state__in=[str(s) for s in OPEN_VISITS])
            ),
            models.Index(
                fields=["agent", "deadline_at", "id"],
                name="visit_mine",
                condition=Q(state__in=[str(s) for s in OPEN_VISITS]),
            ),
            models.Index(F("done_at").desc(), F("id").desc(), name="visit_done", condition=Q(done_at__isnull=False)),
            models.Index(fields=["customer"], name="visit_customer"),
            models.Index(fields=["order"], name="visit_order"),
        ]

    def __str__(self) -> str:
        return f"visit {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this visit belong to."""
        return {"shop_id": self.shop_id, "customer_id": self.customer_id, "order_id": self.order_id}


class VisitAttempt(models.Model):
    """One attempt of a visit, kept as it was written down."""

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=16, choices=Outcome)
    channel = models.CharField(max_length=8, choices=VisitChannel)
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.TextField(blank=True, default="")
    next_try_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "feedback_visit_attempt"
        constraints = [
            models.UniqueConstraint(fields=["visit", "number"], name="visit_attempt_number"),
            models.CheckConstraint(condition=Q(outcome__in=Outcome.values), name="visit_attempt_outcome_known"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of visit {self.visit_id}"
