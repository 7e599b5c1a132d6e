"""Where a shop's orders come from by themselves: connections to shop systems, and what each last told of an order."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.source_enums import Platform


class ShopConnection(models.Model):
    """A shop system that sends us its webhooks. `token` is in the address it sends to, `secret_enc` signs its messages.

    `origin` is the shop's own address at the platform; where it is set, messages that name another are refused.
    `forged` counts messages whose signature did not fit.
    """

    event_type = "shop_connection"

    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, related_name="connections")
    platform = models.CharField(max_length=16, choices=Platform)
    origin = models.CharField(max_length=200, blank=True, default="")
    token = models.CharField(max_length=32, unique=True)
    secret_enc = models.BinaryField()
    is_active = models.BooleanField(default=True)
    heard_at = models.DateTimeField(null=True)
    forged = models.PositiveIntegerField(default=0)
    forged_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_shop_connection"
        constraints = [
            models.UniqueConstraint(fields=["shop", "platform", "origin"], name="connection_once_per_origin"),
            models.CheckConstraint(condition=Q(platform__in=Platform.values), name="connection_platform_known"),
            models.CheckConstraint(condition=Q(token__regex=r"^[A-Za-z0-9_-]{32}$"), name="connection_token_long"),
            models.CheckConstraint(
                condition=Q(forged=0) | Q(forged_at__isnull=False), name="connection_forged_has_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.origin}".strip()

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this connection belong to."""
        return {"shop_id": self.shop_id}


class SourceOrder(models.Model):
    """All a shop system told of one order, folded by services.sources.folding: `state_enc` is encrypted JSON.

    `told_at` is the source's own time of its newest version. `unmapped` are carriers' names nobody has matched yet.
    """

    connection = models.ForeignKey(ShopConnection, on_delete=models.CASCADE, related_name="source_orders")
    source_id = models.CharField(max_length=64)
    order = models.ForeignKey("orders.Order", on_delete=models.SET_NULL, null=True, related_name="sources")
    told_at = models.DateTimeField(null=True)
    state_enc = models.BinaryField(null=True)
    unmapped = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    is_erased = models.BooleanField(default=False)

    class Meta:
        db_table = "orders_source_order"
        constraints = [
            models.UniqueConstraint(fields=["connection", "source_id"], name="source_order_once"),
            models.CheckConstraint(condition=~Q(source_id=""), name="source_order_has_id"),
            models.CheckConstraint(
                condition=Q(is_erased=False) | Q(state_enc__isnull=True), name="source_order_erased_is_empty"
            ),
        ]

    def __str__(self) -> str:
        return self.source_id


class CarrierName(models.Model):
    """What shop systems call a carrier; `carrier` is None until somebody says which of ours is meant."""

    key = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=80)
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.CASCADE, null=True, related_name="names")
    first_at = models.DateTimeField()

    class Meta:
        db_table = "orders_carrier_name"
        constraints = [models.CheckConstraint(condition=~Q(key=""), name="carrier_name_has_key")]

    def __str__(self) -> str:
        return self.name


class Refund(models.Model):
    """A refund the shop told us of; mirrored, never made here. `reference` is the shop system's own number."""

    order = models.ForeignKey("orders.Order", on_delete=models.CASCADE, related_name="refunds")
    reference = models.CharField(max_length=80)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3)
    refunded_at = models.DateTimeField()
    note = models.CharField(max_length=400, blank=True, default="")

    class Meta:
        db_table = "orders_refund"
        constraints = [
            models.UniqueConstraint(fields=["order", "reference"], name="refund_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="refund_not_negative"),
            models.CheckConstraint(condition=~Q(reference=""), name="refund_has_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
