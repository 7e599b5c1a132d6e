"""Notices: one message to one person over whichever channel reaches her, and when she wants none."""

from __future__ import annotations

from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from notifications.enums import Channel, NoticeState

ORDER = [Channel.PUSH, Channel.WECHAT, Channel.SMS, Channel.EMAIL]


def usual_order() -> list[str]:
    """Return the order in which channels are tried where nobody chose another."""
    return [str(channel) for channel in ORDER]


class Notice(models.Model):
    """One notice; `key` is the caller's, so the same one is given once. Each channel of its plan is tried once.

    `plan_enc` is the encrypted JSON list of {channel, to}, `step` how many of them were taken; `context_enc` holds the
    values of its template. `skips` says which channels were left out and why. A critical one is not counted against
    the daily cap, an urgent one does not wait for the end of quiet hours (in `zone`). One `is_everywhere` goes to every
    channel of its plan at once; `channel` is then the one that did best so far.
    """

    event_type = "notice"

    key = models.CharField(max_length=120, unique=True)
    template = models.CharField(max_length=64)
    language = models.CharField(max_length=10)
    zone = models.CharField(max_length=64)
    plan_enc = models.BinaryField()
    context_enc = models.BinaryField()
    step = models.SmallIntegerField(default=0)
    channel = models.CharField(max_length=12, blank=True, default="")
    skips = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=NoticeState, default=NoticeState.OPEN)
    reason = models.CharField(max_length=64, blank=True, default="")
    is_urgent = models.BooleanField(default=False)
    is_critical = models.BooleanField(default=False)
    is_counted = models.BooleanField(default=False)
    is_everywhere = models.BooleanField(default=False, db_default=False)
    shop_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_notice"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=NoticeState.values), name="notice_state_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "expired", "dropped"]) | ~Q(reason=""), name="notice_left_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(state="open") | Q(settled_at__isnull=False), name="notice_settled_has_time"
            ),
            models.CheckConstraint(condition=~Q(state__in=["sent", "delivered"]) | ~Q(channel=""), name="notice_way"),
        ]
        indexes = [
            models.Index(fields=["made_at"], name="notice_open", condition=Q(state="open")),
            models.Index(fields=["customer_id"], name="notice_customer", condition=Q(customer_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"notice {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this notice belong to."""
        return {"shop_id": self.shop_id, "customer_id": self.customer_id, "order_id": self.order_id}


class NoticeCount(models.Model):
    """How many notices a customer gets on one day of her shop's; the cap is checked in the statement that counts."""

    customer_id = models.BigIntegerField()
    day = models.DateField()
    count = models.SmallIntegerField(default=1)

    class Meta:
        db_table = "notifications_notice_count"
        constraints = [models.UniqueConstraint(fields=["customer_id", "day"], name="notice_count_once")]
        indexes = [models.Index(fields=["day"], name="notice_count_day")]

    def __str__(self) -> str:
        return f"{self.count} on {self.day}"


class NoticePolicy(models.Model):
    """The company's word on notices, one row: quiet hours, how many a day, which channel first."""

    event_type = "notice_policy"

    id = models.SmallIntegerField(primary_key=True, default=1)
    has_quiet_hours = models.BooleanField(default=True)
    quiet_from = models.TimeField(default=time(22, 0))
    quiet_until = models.TimeField(default=time(8, 0))
    daily_cap = models.SmallIntegerField(default=5)
    channels = ArrayField(models.CharField(max_length=12), default=usual_order)
    version = models.IntegerField(default=0)

    class Meta:
        db_table = "notifications_notice_policy"
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="notice_policy_alone"),
            models.CheckConstraint(condition=Q(daily_cap__range=(1, 50)), name="notice_policy_cap_sane"),
            models.CheckConstraint(
                condition=Q(channels__contained_by=list(Channel.values)), name="notice_policy_channels_known"
            ),
        ]

    def __str__(self) -> str:
        return "notice policy"

    def event_streams(self) -> dict[str, int | None]:
        """The policy belongs to no stream of its own."""
        return {}
