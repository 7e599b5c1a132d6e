"""The public tracking page: secret links to orders, and what became of each look-up."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from orders.track_enums import LookupOutcome, LookupWay


class TrackingLink(models.Model):
    """The secret link to an order's tracking page: one that works for each order.

    A link is found by the digest of its token; `token_enc` is the encrypted token, so that the next message can name
    the same link. A withdrawn one (`revoked_at`) stays, so that who still has it is told so politely.
    """

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="tracking_links", db_index=False)
    token_hash = models.BinaryField(max_length=32)
    token_enc = models.BinaryField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_tracking_link"
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="tracking_link_token"),
            models.UniqueConstraint(
                fields=["order"], name="tracking_link_one_per_order", condition=Q(revoked_at__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["order"], name="tracking_link_of_order")]

    def __str__(self) -> str:
        return f"link to order {self.order_id}"


class TrackingLookup(models.Model):
    """One look-up of a parcel by a customer: what was in hand and what came of it; no address, no number typed."""

    at = models.DateTimeField()
    way = models.CharField(max_length=8, choices=LookupWay)
    outcome = models.CharField(max_length=16, choices=LookupOutcome)
    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, null=True, related_name="+", db_index=False)

    class Meta:
        db_table = "orders_tracking_lookup"
        constraints = [
            models.CheckConstraint(condition=Q(way__in=LookupWay.values), name="lookup_way_known"),
            models.CheckConstraint(condition=Q(outcome__in=LookupOutcome.values), name="lookup_outcome_known"),
            models.CheckConstraint(
                condition=~Q(outcome="found") | Q(order__isnull=False, shop__isnull=False), name="lookup_found_an_order"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="lookup_at")]

    def __str__(self) -> str:
        return f"{self.way}: {self.outcome}"
