"""Shops and what they sell."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp


class Shop(models.Model):
    """One shop of the company: a site with its own look, currency and order numbers.

    `promise_days` after placing an order it is promised to arrive when no rule says otherwise and the shop tells no
    date; `ships_from` is where its parcels begin; `complete_after_days` after delivery it is completed;
    `hook_secret_enc` is the encrypted secret that signs the shop's webhooks.
    """

    event_type = "shop"

    code = models.SlugField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3, default="CNY")
    timezone = models.CharField(max_length=64, default="Asia/Shanghai")
    language = models.CharField(max_length=10, default="zh-hans")
    color = models.CharField(max_length=7, default="#0F766E")
    contact_email = models.EmailField(blank=True, default="")
    contact_phone = models.CharField(max_length=32, blank=True, default="")
    origins = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    complete_after_days = models.PositiveSmallIntegerField(default=7)
    ships_from = models.CharField(max_length=120, blank=True, default="", db_default="")
    promise_days = models.PositiveSmallIntegerField(default=5)
    hook_secret_enc = models.BinaryField(null=True)
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_shop"
        constraints = [
            models.CheckConstraint(condition=Q(color__regex=r"^#[0-9A-Fa-f]{6}$"), name="shop_color_is_hex"),
            models.CheckConstraint(condition=Q(currency__regex=r"^[A-Z]{3}$"), name="shop_currency_is_code"),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this shop belong to."""
        return {"shop_id": self.pk}


class Product(models.Model):
    """What a shop sells; `stock` None = not known."""

    shop = models.ForeignKey(Shop, on_delete=models.PROTECT, related_name="products")
    sku = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    category = models.CharField(max_length=64, blank=True, default="")
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    currency = models.CharField(max_length=3, default="CNY")
    stock = models.IntegerField(null=True, blank=True)
    stock_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "orders_product"
        constraints = [
            models.UniqueConstraint(fields=["shop", "sku"], name="product_sku_per_shop"),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0),
                name="product_price_not_negative",
            ),
        ]
        indexes = [
            GinIndex(OpClass("sku", name="gin_trgm_ops"), name="product_sku_trgm"),
            GinIndex(OpClass("name", name="gin_trgm_ops"), name="product_name_trgm"),
        ]

    def __str__(self) -> str:
        return self.name
