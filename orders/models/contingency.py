"""Plans for when promises cannot be kept: which orders, how many days more, and what was done to each."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from core.models.fields import ClockTimestamp
from orders.promise_enums import CompensationKind, PlanKind, PlanState


class ContingencyPlan(models.Model):
    """Days added to the promise of the orders it takes, as long as it is on. An empty condition always holds.

    `placed_from` and `placed_until` are days in the shop's time. `after`, `done_count` and `total` are how far
    switching on, or calling off, has come with open orders; `finished_at` when it had.
    """

    event_type = "contingency_plan"

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=8, choices=PlanKind)
    state = models.CharField(max_length=10, choices=PlanState, default=PlanState.DRAFT)
    shop_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    carrier_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    regions = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    placed_from = models.DateField(null=True, blank=True)
    placed_until = models.DateField(null=True, blank=True)
    extra_days = models.PositiveSmallIntegerField()
    is_told = models.BooleanField(default=True)
    compensation = models.CharField(max_length=8, choices=CompensationKind, default=CompensationKind.NONE)
    compensation_amount = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    after = models.BigIntegerField(default=0)
    total = models.IntegerField(default=0)
    done_count = models.IntegerField(default=0)
    on_at = models.DateTimeField(null=True)
    off_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_contingency_plan"
        constraints = [
            models.UniqueConstraint(Lower("name"), name="plan_name_once"),
            models.CheckConstraint(condition=Q(kind__in=PlanKind.values), name="plan_kind_known"),
            models.CheckConstraint(condition=Q(state__in=PlanState.values), name="plan_state_known"),
            models.CheckConstraint(condition=Q(extra_days__range=(1, 60)), name="plan_adds_days"),
            models.CheckConstraint(condition=Q(state="draft") | Q(on_at__isnull=False), name="plan_on_has_time"),
            models.CheckConstraint(
                condition=Q(compensation="none", compensation_amount=0)
                | (~Q(compensation="none") & Q(compensation_amount__gt=0)),
                name="plan_compensation_has_amount",
            ),
            models.CheckConstraint(
                condition=Q(placed_from__isnull=True)
                | Q(placed_until__isnull=True)
                | Q(placed_until__gte=F("placed_from")),
                name="plan_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A plan belongs to no stream of its own."""
        return {}


class PlanOrder(models.Model):
    """What a plan did to one order, once: the promise before and after. `undone_at`: taken back before it was told.

    `is_first`: the order came while the plan was on, so its first promise has the days in it and nothing is told.
    """

    plan = models.ForeignKey(ContingencyPlan, on_delete=models.PROTECT, related_name="orders")
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="plans")
    days = models.PositiveSmallIntegerField()
    before_at = models.DateTimeField()
    after_at = models.DateTimeField()
    is_first = models.BooleanField(default=False)
    applied_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_plan_order"
        constraints = [
            models.UniqueConstraint(fields=["plan", "order"], name="plan_once_per_order"),
            models.CheckConstraint(condition=Q(after_at__gt=F("before_at")), name="plan_order_is_later"),
            models.CheckConstraint(
                condition=Q(undone_at__isnull=True) | Q(told_at__isnull=True), name="plan_order_told_stays"
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.plan_id} on order {self.order_id}"
