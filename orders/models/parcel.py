"""Carriers, parcels and their scans."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.enums import PARCEL_ENDED, ParcelStatus, ScanStatus


class Carrier(models.Model):
    """Who brings parcels."""

    event_type = "carrier"

    code = models.SlugField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80, blank=True, default="")
    hotline = models.CharField(max_length=32, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "orders_carrier"

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A carrier belongs to no stream of its own."""
        return {}


class Parcel(models.Model):
    """One parcel of an order; where it stands is a fold of all its news (orders.services.folding), in any order.

    `rank` is how far it came, `rank_at` since when. `returning_at`, `lost_at`, `problem_at` (with the carrier's code)
    and `moved_at` are the latest news of going back, of loss, of a problem and of any movement: lost while nothing
    moved after the loss, in trouble while nothing moved after the problem.
    Two orders sent in one box are two rows with the same tracking number: each order tells its own story.
    """

    event_type = "parcel"

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="parcels")
    carrier = models.ForeignKey(Carrier, on_delete=models.PROTECT, related_name="parcels")
    tracking_number = models.CharField(max_length=64)
    status = models.CharField(max_length=20, choices=ParcelStatus, default=ParcelStatus.CREATED)
    rank = models.SmallIntegerField(default=10)
    rank_at = models.DateTimeField(null=True, blank=True)
    place = models.CharField(max_length=120, blank=True, default="")
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    last_scan_at = models.DateTimeField(null=True, blank=True)
    moved_at = models.DateTimeField(null=True, blank=True)
    returning_at = models.DateTimeField(null=True, blank=True)
    lost_at = models.DateTimeField(null=True, blank=True)
    problem_at = models.DateTimeField(null=True, blank=True)
    problem_code = models.CharField(max_length=20, blank=True, default="")
    expected_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_parcel"
        constraints = [
            models.UniqueConstraint(fields=["order", "carrier", "tracking_number"], name="parcel_once_per_order"),
            models.CheckConstraint(condition=Q(status__in=ParcelStatus.values), name="parcel_status_known"),
            models.CheckConstraint(
                condition=Q(problem_code="") | Q(problem_at__isnull=False), name="parcel_problem_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["tracking_number"], name="parcel_tracking"),
            GinIndex(
                OpClass("tracking_number", name="gin_trgm_ops"),
                name="parcel_tracking_trgm",
            ),
        ]

    def __str__(self) -> str:
        return self.tracking_number

    @property
    def is_in_trouble(self) -> bool:
        """Say whether the last thing the carrier told of an open parcel was a problem."""
        if self.problem_at is None or self.status in PARCEL_ENDED:
            return False
        return self.moved_at is None or self.problem_at >= self.moved_at

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this parcel belong to (its order must be loaded)."""
        return {
            "order_id": self.order_id,
            "customer_id": self.order.customer_id,
            "shop_id": self.order.shop_id,
        }


class Scan(models.Model):
    """One carrier scan; the same (time, code, text) is one scan however often it is told."""

    parcel = models.ForeignKey(Parcel, on_delete=models.CASCADE, related_name="scans")
    at = models.DateTimeField()
    code = models.CharField(max_length=20)
    status = models.CharField(max_length=20, choices=ScanStatus)
    text = models.CharField(max_length=400, blank=True, default="")
    text_hash = models.BinaryField(max_length=16)
    place = models.CharField(max_length=120, blank=True, default="")
    received_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_scan"
        constraints = [
            models.UniqueConstraint(fields=["parcel", "at", "code", "text_hash"], name="scan_once"),
            models.CheckConstraint(condition=Q(status__in=ScanStatus.values), name="scan_status_known"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.at:%Y-%m-%d %H:%M}"
