"""What was learnt of how long parcels take, and the estimates made from it, kept to be judged by what came."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from orders.enums import ParcelStatus
from orders.estimate_enums import StatKind


class LaneModel(models.Model):
    """One learning: which arrivals it saw. The newest holds; older ones are kept a while for those who ask."""

    made_at = models.DateTimeField()
    since = models.DateTimeField()
    parcels = models.IntegerField(default=0)
    is_current = models.BooleanField(default=False)

    class Meta:
        db_table = "orders_lane_model"
        constraints = [
            models.UniqueConstraint(fields=["is_current"], condition=Q(is_current=True), name="lane_model_one_current"),
        ]

    def __str__(self) -> str:
        return f"model {self.pk}"


class LaneStat(models.Model):
    """How long things take on a lane, or more widely where `origin`, `destination` or the carrier is empty.

    `leg`: from reaching `status` to delivery; `gap`: a parcel's longest silence in `status`. `quantiles` are hours at
    the points of orders.services.estimates.quantiles.GRID, drawn towards the wider level as far as `count` is small.
    """

    model = models.ForeignKey(LaneModel, on_delete=models.CASCADE, related_name="stats")
    kind = models.CharField(max_length=4, choices=StatKind)
    status = models.CharField(max_length=20, choices=ParcelStatus)
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.CASCADE, null=True, related_name="+")
    origin = models.CharField(max_length=24, blank=True, default="")
    destination = models.CharField(max_length=40, blank=True, default="")
    count = models.IntegerField()
    quantiles = ArrayField(models.FloatField())

    class Meta:
        db_table = "orders_lane_stat"
        constraints = [
            models.UniqueConstraint(
                fields=["model", "kind", "status", "carrier", "origin", "destination"],
                name="lane_stat_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(kind__in=StatKind.values), name="lane_stat_kind_known"),
            models.CheckConstraint(condition=Q(count__gt=0), name="lane_stat_has_count"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.status} {self.origin}→{self.destination}"


class ArrivalEstimate(models.Model):
    """When a parcel was expected as it reached a status: written once, never after, then compared with its arrival.

    `arrived_at` is the carrier's time of delivery. One made after that time (scans told late) judges nothing.
    """

    parcel = models.ForeignKey("orders.Parcel", on_delete=models.CASCADE, related_name="estimates")
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.CASCADE, related_name="+")
    status = models.CharField(max_length=20, choices=ParcelStatus)
    model = models.ForeignKey(LaneModel, on_delete=models.SET_NULL, null=True, related_name="+")
    level = models.SmallIntegerField()
    made_at = models.DateTimeField()
    expected_at = models.DateTimeField()
    low_at = models.DateTimeField()
    high_at = models.DateTimeField()
    arrived_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_arrival_estimate"
        constraints = [
            models.UniqueConstraint(fields=["parcel", "status"], name="estimate_once_per_status"),
            models.CheckConstraint(
                condition=Q(low_at__lte=F("expected_at"), high_at__gte=F("expected_at")), name="estimate_in_its_span"
            ),
        ]
        indexes = [
            models.Index(
                fields=["arrived_at", "carrier"], name="estimate_arrived", condition=Q(arrived_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"estimate {self.pk}"
