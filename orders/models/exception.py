"""Exceptions: parcels something is wrong with, each with an owner until it is over."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.exception_enums import CloseReason, ExceptionKind, ExceptionState


class ParcelException(models.Model):
    """One thing wrong with one parcel; at most one of a kind is open.

    `since` is when it began, `parcel_version` the version of the parcel that was judged last, `due_at` by when somebody
    must have dealt with it. `shop` and `carrier` are the parcel's, kept here so that the queue is read without the
    orders. `note` is what the person who closed it wrote.
    """

    event_type = "exception"

    parcel = models.ForeignKey("orders.Parcel", on_delete=models.CASCADE, related_name="exceptions")
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="exceptions")
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, related_name="+")
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=ExceptionKind)
    state = models.CharField(max_length=8, choices=ExceptionState, default=ExceptionState.OPEN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    since = models.DateTimeField()
    parcel_version = models.IntegerField()
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    close_reason = models.CharField(max_length=12, choices=CloseReason, blank=True, default="")
    note = models.CharField(max_length=400, blank=True, default="")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_exception"
        constraints = [
            models.UniqueConstraint(
                fields=["parcel", "kind"], condition=~Q(state="closed"), name="exception_once_at_a_time"
            ),
            models.CheckConstraint(condition=Q(kind__in=ExceptionKind.values), name="exception_kind_known"),
            models.CheckConstraint(condition=Q(state__in=ExceptionState.values), name="exception_state_known"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False, close_reason__in=CloseReason.values)
                | (~Q(state="closed") & Q(closed_at__isnull=True, close_reason="")),
                name="exception_closed_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="working") | Q(taken_at__isnull=False), name="exception_working_was_taken"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], name="exception_queue", condition=~Q(state="closed")),
            models.Index(fields=["owner", "due_at", "id"], name="exception_mine", condition=~Q(state="closed")),
            models.Index(fields=["-closed_at", "-id"], name="exception_closed", condition=Q(state="closed")),
            models.Index(fields=["order"], name="exception_order"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.parcel_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this exception belong to (its order must be loaded)."""
        return {"order_id": self.order_id, "customer_id": self.order.customer_id, "shop_id": self.shop_id}
