"""What is promised to whom, by which rule, and the promise of each order with its arithmetic."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from core.models.fields import ClockTimestamp
from orders.promise_enums import PromiseSource, RunKind


class PromiseRule(models.Model):
    """When an order is promised to arrive. Rules are asked by position; the first whose every condition holds applies.

    An empty condition always holds. `regions` are keys of orders.gazetteer. After `cut_off` an order counts as placed
    on the next day; then come `dispatch_days` and `transit_days`, each in working days of the calendar or plain ones.
    """

    event_type = "promise_rule"

    name = models.CharField(max_length=80)
    position = models.IntegerField(default=0)
    shop_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    carrier_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    regions = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    categories = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    skus = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_until = models.DateField(null=True, blank=True)
    cut_off = models.TimeField(null=True, blank=True)
    dispatch_days = models.PositiveSmallIntegerField(default=0)
    is_dispatch_working = models.BooleanField(default=True)
    transit_days = models.PositiveSmallIntegerField(default=3)
    is_transit_working = models.BooleanField(default=False)
    calendar = models.ForeignKey("core.CalendarDefinition", on_delete=models.PROTECT, null=True, related_name="+")
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "orders_promise_rule"
        constraints = [
            models.UniqueConstraint(Lower("name"), name="promise_rule_name_once"),
            models.CheckConstraint(
                condition=Q(dispatch_days__lte=60, transit_days__lte=90), name="promise_rule_days_sane"
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="promise_rule_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A rule belongs to no stream of its own."""
        return {}


class DeliveryPromise(models.Model):
    """When one order is promised to arrive; orders.Order.promised_at is `promised_at` of here.

    `first_at` was promised first and stays. `base_at` is what rule or shop say now, `promised_at` with the days plans
    added. On time is measured by `counted_at`: the first promise, or a later one the customer was told of before the
    one she knew had passed. `steps` is the arithmetic: codes with values. `looked_at`: when `counted_at` had come and
    somebody looked, `passed_at` when the order had not arrived by then. `told_at`: the last extension was told.
    """

    order = models.OneToOneField("orders.Order", on_delete=models.CASCADE, related_name="promise")
    source = models.CharField(max_length=8, choices=PromiseSource)
    rule = models.ForeignKey(PromiseRule, on_delete=models.SET_NULL, null=True, related_name="promises")
    rule_version = models.IntegerField(default=0)
    first_at = models.DateTimeField()
    base_at = models.DateTimeField()
    promised_at = models.DateTimeField()
    counted_at = models.DateTimeField()
    steps = models.JSONField(default=list)
    told_at = models.DateTimeField(null=True)
    delay_expected_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_delivery_promise"
        constraints = [
            models.CheckConstraint(condition=Q(source__in=PromiseSource.values), name="promise_source_known"),
            models.CheckConstraint(condition=Q(promised_at__gte=F("base_at")), name="promise_plans_only_add"),
            models.CheckConstraint(
                condition=Q(passed_at__isnull=True) | Q(looked_at__isnull=False), name="promise_passed_was_looked_at"
            ),
        ]
        indexes = [
            models.Index(fields=["counted_at", "id"], name="promise_due", condition=Q(looked_at__isnull=True)),
            models.Index(fields=["order"], name="promise_open", condition=Q(looked_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"promise of order {self.order_id}"


class PromiseRun(models.Model):
    """Many promises on their way to new terms; `after` is the order the run has come to."""

    kind = models.CharField(max_length=8, choices=RunKind)
    after = models.BigIntegerField(default=0)
    total = models.IntegerField(default=0)
    done_count = models.IntegerField(default=0)
    earlier_count = models.IntegerField(default=0)
    later_count = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_promise_run"
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RunKind.values), name="promise_run_kind_known"),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="promise_run_ends_after_it_begins",
            ),
        ]
        indexes = [
            models.Index(fields=["-id"], name="promise_run_open", condition=Q(finished_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"
