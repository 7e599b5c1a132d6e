"""What agents ask shops to do with orders, and the notes they keep on them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.request_enums import ONE_OPEN, AnswerReason, AnswerWay, AskReason, RequestKind, RequestState

_OPEN = Q(state__in=["asked", "accepted"])


class OrderRequest(models.Model):
    """One thing a shop is asked to do with an order. The shop stays its master; the order here follows.

    `told_enc` is what is personal (new recipient, phone, region, street, words to the shop), encrypted; `lines` are
    [{"line", "quantity"}] of a split or a replacement. `key` makes asking twice once. `order_version` is the version of
    the order that was looked at last, `answer` the shop's own words. `shop` is the order's, so that the queue is read
    without the orders.
    """

    event_type = "order_request"

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="requests")
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=8, choices=RequestKind)
    state = models.CharField(max_length=9, choices=RequestState, default=RequestState.ASKED)
    key = models.UUIDField(unique=True)
    why = models.CharField(max_length=10, choices=AskReason)
    told_enc = models.BinaryField(null=True)
    lines = models.JSONField(default=list)
    order_version = models.IntegerField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_via = models.CharField(max_length=5, choices=AnswerWay, blank=True, default="")
    answer_reason = models.CharField(max_length=14, choices=AnswerReason, blank=True, default="")
    answer = models.CharField(max_length=400, blank=True, default="")
    closed_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_request"
        constraints = [
            models.UniqueConstraint(
                fields=["order", "kind"], condition=_OPEN & Q(kind__in=ONE_OPEN), name="order_request_one_open"
            ),
            models.UniqueConstraint(
                fields=["order"],
                condition=_OPEN & Q(kind__in=["hold", "release"]),
                name="order_request_hold_or_release",
            ),
            models.CheckConstraint(condition=Q(kind__in=RequestKind.values), name="order_request_kind_known"),
            models.CheckConstraint(condition=Q(state__in=RequestState.values), name="order_request_state_known"),
            models.CheckConstraint(
                condition=(_OPEN & Q(closed_at__isnull=True)) | (~_OPEN & Q(closed_at__isnull=False)),
                name="order_request_closed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | Q(answer_reason__in=AnswerReason.values),
                name="order_request_refused_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["split", "resend"]) | ~Q(lines=[]), name="order_request_names_items"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="order_request_queue", condition=_OPEN),
            models.Index(fields=["-closed_at", "-id"], name="order_request_closed", condition=~_OPEN),
            models.Index(fields=["order", "-id"], name="order_request_order"),
            models.Index(fields=["-id"], name="order_request_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.order_id}"

    @property
    def is_open(self) -> bool:
        """Say whether the shop still has to do or answer something."""
        return self.closed_at is None

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this request belong to (its order must be loaded)."""
        return {"order_id": self.order_id, "customer_id": self.order.customer_id, "shop_id": self.shop_id}


class OrderNote(models.Model):
    """What somebody wrote down about an order, for colleagues only; encrypted, for it names people."""

    event_type = "order_note"

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="notes")
    key = models.UUIDField(unique=True)
    text_enc = models.BinaryField(null=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_note"
        indexes = [models.Index(fields=["order", "-id"], name="order_note_order")]

    def __str__(self) -> str:
        return f"note {self.pk} on order {self.order_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this note belong to."""
        return {"order_id": self.order_id}


class RepeatedNotice(models.Model):
    """A prepared notice somebody sent to the customer again; `key` makes pressing twice once."""

    event_type = "repeated_notice"

    order_notice = models.ForeignKey("orders.OrderNotice", on_delete=models.CASCADE, related_name="repeats")
    notice = models.OneToOneField("notifications.Notice", on_delete=models.PROTECT, related_name="+")
    key = models.UUIDField(unique=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "orders_notice_repeated"
        indexes = [models.Index(fields=["order_notice", "-id"], name="notice_repeated_newest")]

    def __str__(self) -> str:
        return f"notice {self.order_notice_id} again"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to."""
        return {}
