"""Which notices an order got, and which steps are told at all."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.notice_enums import NoticeStep


class OrderNotice(models.Model):
    """One step of an order told to its customer; the constraint sees to it that it is told once.

    `reason` says why nothing was given to the notifications app at all (then `notice` is empty).
    """

    event_type = "order_notice"

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="notices")
    parcel = models.ForeignKey("orders.Parcel", on_delete=models.CASCADE, null=True, related_name="+")
    step = models.CharField(max_length=20, choices=NoticeStep)
    notice = models.OneToOneField("notifications.Notice", on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=24, blank=True, default="")
    happened_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_notice"
        constraints = [
            models.UniqueConstraint(fields=["order", "parcel", "step"], name="order_notice_once", nulls_distinct=False),
            models.CheckConstraint(condition=Q(step__in=NoticeStep.values), name="order_notice_step_known"),
            models.CheckConstraint(condition=Q(notice__isnull=True) | Q(reason=""), name="order_notice_given_or_not"),
        ]
        indexes = [models.Index(fields=["parcel"], name="order_notice_parcel", condition=Q(parcel__isnull=False))]

    def __str__(self) -> str:
        return f"{self.step} of order {self.order_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to."""
        return {"order_id": self.order_id}


class NoticeRule(models.Model):
    """How one step is told where somebody changed what is usual; `is_everywhere`: on every channel at once."""

    event_type = "notice_rule"

    step = models.CharField(max_length=20, choices=NoticeStep, unique=True)
    is_on = models.BooleanField(default=True)
    is_urgent = models.BooleanField(default=False)
    is_critical = models.BooleanField(default=False)
    is_everywhere = models.BooleanField(default=False, db_default=False)
    hours = models.SmallIntegerField(default=24)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "orders_notice_rule"
        constraints = [
            models.CheckConstraint(condition=Q(step__in=NoticeStep.values), name="notice_rule_step_known"),
            models.CheckConstraint(condition=Q(hours__range=(1, 240)), name="notice_rule_hours_sane"),
        ]

    def __str__(self) -> str:
        return f"rule for {self.step}"

    def event_streams(self) -> dict[str, int | None]:
        """A rule belongs to no stream of its own."""
        return {}
