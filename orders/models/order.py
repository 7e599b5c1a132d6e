"""Orders, their lines and payments."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from orders.enums import OrderStatus
from orders.promise_enums import OPEN_STATUSES


class Order(models.Model):
    """One order as the shop told it. The recipient's phone and street are encrypted; digests find the phone.

    `number` is in the form of core.text.normalise_order_number; `promised_at` is the promised delivery; amounts are in
    `currency`; `is_partly_sent`: more parcels are to come, so those that arrived are not the whole order yet;
    `is_history` marks an order that came in by a file import as history.
    """

    event_type = "order"

    # Four keys of these tables begin an index that is there anyway: one of their own only costs time at writing.
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, related_name="orders", db_index=False)
    number = models.CharField(max_length=64)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="orders", db_index=False)
    status = models.CharField(max_length=12, choices=OrderStatus, default=OrderStatus.PLACED)
    currency = models.CharField(max_length=3, default="CNY")
    total = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    paid = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    discount = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    shipping_fee = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    packed_at = models.DateTimeField(null=True, blank=True)
    shipped_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    promised_at = models.DateTimeField(null=True, blank=True)
    recipient = models.CharField(max_length=120, blank=True, default="")
    region = models.CharField(max_length=120, blank=True, default="")
    street_enc = models.BinaryField(null=True)
    phone_enc = models.BinaryField(null=True)
    phone_index = models.BinaryField(max_length=32, null=True)
    phone_last4_index = models.BinaryField(max_length=32, null=True)
    buyer_note = models.TextField(blank=True, default="")
    source = models.CharField(max_length=16, default="api")
    is_history = models.BooleanField(default=False)
    is_partly_sent = models.BooleanField(default=False, db_default=False)
    content_hash = models.BinaryField(max_length=32, null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    updated_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_order"
        constraints = [
            models.UniqueConstraint(fields=["number", "shop"], name="order_number_per_shop"),
            models.CheckConstraint(condition=Q(status__in=OrderStatus.values), name="order_status_known"),
            models.CheckConstraint(
                condition=Q(total__gte=0, paid__gte=0, discount__gte=0, shipping_fee__gte=0),
                name="order_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"),
                name="order_currency_is_code",
            ),
            models.CheckConstraint(
                condition=~Q(status="completed") | Q(completed_at__isnull=False),
                name="order_completed_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(status="cancelled") | Q(cancelled_at__isnull=False),
                name="order_cancelled_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "-placed_at", "-id"], name="order_customer_newest"),
            models.Index(fields=["-placed_at", "-id"], name="order_newest"),
            models.Index(
                F("shop"),
                F("placed_at").desc(),
                F("id").desc(),
                name="order_shop_newest",
            ),
            models.Index(
                fields=["phone_index"],
                name="order_phone",
                condition=Q(phone_index__isnull=False),
            ),
            models.Index(
                fields=["phone_last4_index"],
                name="order_phone_last4",
                condition=Q(phone_last4_index__isnull=False),
            ),
            GinIndex(OpClass("number", name="gin_trgm_ops"), name="order_number_trgm"),
            models.Index(
                fields=["delivered_at", "id"], name="order_waiting_completion", condition=Q(status="delivered")
            ),
            # What the views of the list are read from: only orders that still have to arrive.
            models.Index(
                fields=["promised_at", "id"], name="order_open_promised", condition=Q(status__in=OPEN_STATUSES)
            ),
            models.Index(
                fields=["-placed_at", "-id"],
                name="order_partly_sent",
                condition=Q(is_partly_sent=True, status__in=OPEN_STATUSES),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this order belong to."""
        return {
            "order_id": self.pk,
            "customer_id": self.customer_id,
            "shop_id": self.shop_id,
        }


class OrderItem(models.Model):
    """One line of an order."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items", db_index=False)
    line = models.PositiveSmallIntegerField()
    product = models.ForeignKey("orders.Product", on_delete=models.SET_NULL, null=True, related_name="+")
    sku = models.CharField(max_length=64, blank=True, default="")
    title = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=12, decimal_places=2, default=0)

    class Meta:
        db_table = "orders_item"
        constraints = [
            models.UniqueConstraint(fields=["order", "line"], name="item_line_per_order"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="item_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="item_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.title} × {self.quantity}"


class Payment(models.Model):
    """A payment the shop told us of; mirrored, never made here."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="payments")
    method = models.CharField(max_length=24)
    reference = models.CharField(max_length=80)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    currency = models.CharField(max_length=3, default="CNY")
    paid_at = models.DateTimeField()

    class Meta:
        db_table = "orders_payment"
        constraints = [
            models.UniqueConstraint(fields=["order", "method", "reference"], name="payment_once"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
