"""Carriers, parcels and their scans."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, GinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language

from core.models.fields import ClockTimestamp
from orders.enums import PARCEL_ENDED, PARCEL_FOLLOWED, ParcelStatus, ScanStatus
from orders.estimate_enums import COMING, ESTIMATED, LateLevel


class Carrier(models.Model):
    """Who brings parcels."""

    event_type = "carrier"

    code = models.SlugField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80, blank=True, default="")
    hotline = models.CharField(max_length=32, blank=True, default="")
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "orders_carrier"

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The carrier's name in the reader's language."""
        return (self.name_en if (get_language() or "").startswith("en") else "") or self.name

    def event_streams(self) -> dict[str, int | None]:
        """A carrier belongs to no stream of its own."""
        return {}


class Parcel(models.Model):
    """One parcel of an order; where it stands is a fold of all its news (orders.services.folding), in any order.

    `rank` is how far it came, `rank_at` since when. `returning_at`, `lost_at`, `problem_at` (with the carrier's code)
    and `moved_at` are the latest news of going back, of loss, of a problem and of any movement: lost while nothing
    moved after the loss, in trouble while nothing moved after the problem.
    Two orders sent in one box are two rows with the same tracking number: each order tells its own story.

    `expected_at` is learnt when `expected_low` and `expected_high` (the 80 % interval) are there, told otherwise.
    `quiet_at`: from when silence is suspicious on this lane, as of the estimate, which knew `estimated_status` and
    the scan of `estimated_scan_at`; orders.selectors.silence reads it. `estimate_due_at`: when to look again.
    """

    event_type = "parcel"

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="parcels", db_index=False)
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
    problem_code = models.CharField(max_length=20, blank=True, default="", db_default="")
    expected_at = models.DateTimeField(null=True, blank=True)
    expected_low = models.DateTimeField(null=True, blank=True)
    expected_high = models.DateTimeField(null=True, blank=True)
    quiet_at = models.DateTimeField(null=True, blank=True)
    late_level = models.SmallIntegerField(choices=LateLevel, default=LateLevel.NONE, db_default=LateLevel.NONE)
    estimated_status = models.CharField(max_length=20, blank=True, default="", db_default="")
    estimated_scan_at = models.DateTimeField(null=True, blank=True)
    estimate_due_at = models.DateTimeField(null=True, blank=True)
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
            models.CheckConstraint(condition=Q(late_level__in=LateLevel.values), name="parcel_late_level_known"),
            models.CheckConstraint(
                condition=Q(expected_low__isnull=True, expected_high__isnull=True)
                | Q(
                    expected_at__isnull=False,
                    expected_low__isnull=False,
                    expected_high__isnull=False,
                    expected_low__lte=F("expected_high"),
                ),
                name="parcel_expected_in_its_span",
            ),
        ]
        indexes = [
            models.Index(fields=["tracking_number"], name="parcel_tracking"),
            GinIndex(
                OpClass("tracking_number", name="gin_trgm_ops"),
                name="parcel_tracking_trgm",
            ),
            # Empty but for parcels that moved on since they were estimated: what the tick takes up, whoever moved them.
            models.Index(
                fields=["id"],
                name="parcel_estimate_stale",
                condition=~Q(estimated_status=F("status")) & (Q(status__in=ESTIMATED) | ~Q(estimated_status="")),
            ),
            models.Index(
                fields=["estimate_due_at", "id"],
                name="parcel_estimate_due",
                condition=Q(estimate_due_at__isnull=False),
            ),
            models.Index(fields=["quiet_at", "id"], name="parcel_quiet", condition=Q(quiet_at__isnull=False)),
            models.Index(
                fields=["order"], name="parcel_at_risk", condition=Q(late_level__gt=LateLevel.NONE, status__in=COMING)
            ),
            # A month's parcels lie together; a block range costs the writing of scans next to nothing.
            BrinIndex(fields=["shipped_at"], name="parcel_shipped", autosummarize=True, pages_per_range=32),
            models.Index(fields=["carrier", "id"], name="parcel_followed", condition=Q(status__in=PARCEL_FOLLOWED)),
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
