"""What is promised to whom, and the work of setting running clocks anew when a promise changes."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tickets.enums import BreachMove


class SlaPolicy(models.Model):
    """What we promise: minutes to the first reply, to each next one and to the solution, in plain or business time.

    Policies are asked in the order of `position`; the first whose conditions all hold is taken, the default last.
    An empty condition holds always; a category also stands for those below it. `calendar_id` None = the default
    calendar. A clock warns at `warn_percent` of its target. A resolved ticket closes after `close_after_days`.
    """

    event_type = "sla_policy"

    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=100)
    is_active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)

    category_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    stages = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    priorities = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    tiers = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    shop_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)

    first_response_minutes = models.PositiveIntegerField(default=120)
    next_response_minutes = models.PositiveIntegerField(default=240, null=True, blank=True)
    resolution_minutes = models.PositiveIntegerField(default=2880)
    close_after_days = models.PositiveSmallIntegerField(default=7)
    is_business_time = models.BooleanField(default=False)
    calendar_id = models.BigIntegerField(null=True, blank=True)
    pauses_for_department = models.BooleanField(default=False)

    warn_percent = models.PositiveSmallIntegerField(default=75)
    breach_raises_priority = models.BooleanField(default=True)
    breach_notifies = models.BooleanField(default=True)
    breach_move = models.CharField(max_length=8, choices=BreachMove, default=BreachMove.KEEP)
    breach_team = models.ForeignKey("accounts.Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_sla_policy"
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                name="sla_policy_one_default",
                condition=Q(is_default=True),
            ),
            models.CheckConstraint(
                condition=Q(first_response_minutes__gt=0, resolution_minutes__gt=0),
                name="sla_policy_positive",
            ),
            models.CheckConstraint(
                condition=Q(next_response_minutes__isnull=True) | Q(next_response_minutes__gt=0),
                name="sla_policy_next_positive",
            ),
            models.CheckConstraint(
                condition=Q(warn_percent__gte=1, warn_percent__lte=99), name="sla_policy_warns_before"
            ),
            models.CheckConstraint(condition=Q(is_default=False) | Q(is_active=True), name="sla_policy_default_active"),
            models.CheckConstraint(condition=Q(breach_move__in=BreachMove.values), name="sla_policy_move_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A policy belongs to no stream."""
        return {}


class RepriceRun(models.Model):
    """Running clocks being set anew, in batches, after policies or a calendar changed; counts grow as it goes."""

    policy_ids = ArrayField(models.BigIntegerField())
    calendar_id = models.BigIntegerField(null=True)
    total = models.IntegerField(default=0)
    done_count = models.IntegerField(default=0)
    earlier_count = models.IntegerField(default=0)
    later_count = models.IntegerField(default=0)
    overdue_before = models.IntegerField(default=0)
    overdue_after = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_reprice_run"
        constraints = [
            models.CheckConstraint(condition=Q(done_count__gte=0, total__gte=0), name="reprice_run_counts"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")), name="reprice_run_in_order"
            ),
        ]
        indexes = [models.Index(fields=["-id"], name="reprice_run_open", condition=Q(finished_at__isnull=True))]

    def __str__(self) -> str:
        return f"reprice run {self.pk}"
