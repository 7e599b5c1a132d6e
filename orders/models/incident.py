"""Incidents: one thing that went wrong for many orders, and which orders it touches."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from orders.incident_enums import AttachState, ClusterLevel, IncidentKind, IncidentSeverity, IncidentState


class Incident(models.Model):
    """A lost truck, a stuck hub, a bad batch: declared, worked on, ended, reviewed.

    `shop_ids` are the shops it may touch, empty for every shop; orders of others are never attached. `declared_by` is
    null for one the system found. `started_at` is when it came under way, `over_at` when it ended (cleared when it
    flares up again), `round` counts its endings. `cost` is the review's estimate in `currency`, None = not known.
    """

    event_type = "incident"

    title = models.CharField(max_length=120)
    what = models.TextField(blank=True, default="")
    kind = models.CharField(max_length=12, choices=IncidentKind)
    severity = models.SmallIntegerField(choices=IncidentSeverity, default=IncidentSeverity.MAJOR)
    state = models.CharField(max_length=10, choices=IncidentState, default=IncidentState.DECLARED)
    shop_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    declared_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    over_at = models.DateTimeField(null=True)
    over_reason = models.CharField(max_length=400, blank=True, default="")
    round = models.PositiveSmallIntegerField(default=0)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    review_what = models.TextField(blank=True, default="")
    review_cause = models.TextField(blank=True, default="")
    review_helped = models.TextField(blank=True, default="")
    review_changes = models.TextField(blank=True, default="")
    cost = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, default="CNY")
    client_id = models.UUIDField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_incident"
        constraints = [
            models.UniqueConstraint(fields=["client_id"], name="incident_declared_once"),
            models.CheckConstraint(condition=Q(state__in=IncidentState.values), name="incident_state_known"),
            models.CheckConstraint(condition=Q(kind__in=IncidentKind.values), name="incident_kind_known"),
            models.CheckConstraint(condition=Q(severity__in=IncidentSeverity.values), name="incident_severity_known"),
            models.CheckConstraint(
                condition=Q(state__in=["over", "reviewed", "dismissed"], over_at__isnull=False)
                | Q(state__in=["declared", "under_way"], over_at__isnull=True),
                name="incident_over_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="under_way") | Q(started_at__isnull=False), name="incident_started_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="reviewed")
                | (
                    Q(reviewed_at__isnull=False)
                    & ~Q(review_what="")
                    & ~Q(review_cause="")
                    & ~Q(review_helped="")
                    & ~Q(review_changes="")
                ),
                name="incident_reviewed_has_review",
            ),
            models.CheckConstraint(condition=Q(cost__isnull=True) | Q(cost__gte=0), name="incident_cost_not_negative"),
        ]
        indexes = [
            models.Index(fields=["-id"], name="incident_open", condition=Q(state__in=["declared", "under_way"])),
            GinIndex(fields=["shop_ids"], name="incident_shops"),
        ]

    def __str__(self) -> str:
        return self.title

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this incident belong to: its shop when it is one shop's alone."""
        return {"shop_id": self.shop_ids[0]} if len(self.shop_ids) == 1 else {}


class AttachRun(models.Model):
    """One search for affected orders on its way: which conditions or which orders, and how far it has come.

    `conditions` are those of orders.selectors.affected, or {"ids": [...]} for a pasted list. Orders up to `cursor` are
    looked at: where a stopped run goes on. `found` fit the conditions, `added` of them were not attached before.
    """

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="attach_runs")
    conditions = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=AttachState, default=AttachState.RUNNING)
    total = models.IntegerField()
    cursor = models.BigIntegerField(default=0)
    found = models.IntegerField(default=0)
    added = models.IntegerField(default=0)
    client_id = models.UUIDField(unique=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_incident_attach_run"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=AttachState.values), name="attach_state_known"),
        ]
        indexes = [models.Index(fields=["incident", "-id"], name="attach_newest")]

    def __str__(self) -> str:
        return f"attaching {self.pk}"


class AffectedOrder(models.Model):
    """An order an incident touches; one that was taken out keeps its row, so that a search does not bring it back.

    `customer_id` is the order's, kept here so that everybody to be told is found without the orders. `moving_at`: since
    when its parcel is known to move again, in an incident found by its silent parcels.
    """

    event_type = "affected_order"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="affected")
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="incidents")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="+")
    attached_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)
    moving_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_affected_order"
        constraints = [models.UniqueConstraint(fields=["incident", "order"], name="affected_order_once")]
        indexes = [
            models.Index(
                fields=["incident", "customer"], name="affected_customer", condition=Q(removed_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return f"order {self.order_id} in incident {self.incident_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to (its order must be loaded)."""
        return self.order.event_streams()


class FoundCluster(models.Model):
    """What stands still, as the system found it: a carrier, one of its hubs or lanes; one open finding of each.

    `place` is the hub's name or the lane as 浙江→广东, empty for a whole carrier. `silent` parcels of `under_way` stood
    still at the finding, `peak` is the most there ever were, `still` how many do now. `dissolved_at`: since when there
    are so few that closing is proposed. `ended_at`: its incident is over; `dismissed_until`: not found again before.
    """

    incident = models.OneToOneField(Incident, on_delete=models.CASCADE, related_name="cluster")
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.PROTECT, related_name="+")
    level = models.CharField(max_length=8, choices=ClusterLevel)
    place = models.CharField(max_length=120, blank=True, default="")
    found_at = models.DateTimeField()
    silent = models.IntegerField()
    under_way = models.IntegerField()
    usual = models.FloatField()
    peak = models.IntegerField()
    still = models.IntegerField()
    looked_at = models.DateTimeField()
    dissolved_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    dismissed_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_found_cluster"
        constraints = [
            models.UniqueConstraint(
                fields=["carrier", "level", "place"], condition=Q(ended_at__isnull=True), name="cluster_open_once"
            ),
            models.CheckConstraint(condition=Q(level__in=ClusterLevel.values), name="cluster_level_known"),
            models.CheckConstraint(
                condition=Q(level="carrier", place="") | (~Q(level="carrier") & ~Q(place="")),
                name="cluster_place_named",
            ),
            models.CheckConstraint(
                condition=Q(silent__gt=0, silent__lte=F("under_way"), peak__gte=F("still"), still__gte=0),
                name="cluster_counts_sane",
            ),
            models.CheckConstraint(
                condition=Q(dismissed_until__isnull=True) | Q(ended_at__isnull=False), name="cluster_dismissed_ended"
            ),
        ]
        indexes = [
            models.Index(
                fields=["carrier", "dismissed_until"],
                name="cluster_dismissed",
                condition=Q(dismissed_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.level} {self.carrier_id} {self.place}"
