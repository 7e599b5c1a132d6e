"""Promotions of shops, and what each of them said at any time."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from orders.promotion_enums import PromotionSource


class PromotionTerms(models.Model):
    """What a promotion says: a fixed price or a percentage off, for some article numbers or (none) all, for a while.

    `ends_at` None = until it is taken back.
    """

    title = models.CharField(max_length=120)
    skus = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    price = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True)

    class Meta:
        abstract = True

    @property
    def percent_words(self) -> str:
        """Return the percentage without idle zeros; empty for a price."""
        return "" if self.percent is None else f"{self.percent.normalize():f}"

    def is_for(self, sku: str) -> bool:
        """Say whether it holds for an article."""
        return not self.skus or sku in self.skus

    def state_at(self, moment: datetime) -> str:
        """Say how it stands at a moment: running, coming or ended."""
        if not self.is_active or (self.ends_at is not None and self.ends_at <= moment):
            return "ended"
        return "running" if self.starts_at <= moment else "coming"


def _terms_make_sense(name: str) -> list[models.BaseConstraint]:
    return [
        models.CheckConstraint(
            condition=Q(price__isnull=True, percent__isnull=False) | Q(price__isnull=False, percent__isnull=True),
            name=f"{name}_price_or_percent",
        ),
        models.CheckConstraint(condition=Q(price__isnull=True) | Q(price__gte=0), name=f"{name}_price_sane"),
        models.CheckConstraint(
            condition=Q(percent__isnull=True) | Q(percent__gt=0, percent__lte=100), name=f"{name}_percent_sane"
        ),
        models.CheckConstraint(
            condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name=f"{name}_ends_after_start"
        ),
        models.CheckConstraint(condition=Q(price__isnull=True) | ~Q(skus=[]), name=f"{name}_price_has_skus"),
    ]


class Promotion(PromotionTerms):
    """A promotion as it stands now; `code` is the shop's own number for it.

    `source` told of it first, `terms_source` what it says now; `told_hash` is what the shop's systems said last, so
    that the same word told again undoes nothing a person changed since.
    """

    event_type = "promotion"

    shop = models.ForeignKey("orders.Shop", on_delete=models.CASCADE, related_name="promotions")
    code = models.CharField(max_length=64)
    source = models.CharField(
        max_length=4, choices=PromotionSource, default=PromotionSource.API, db_default=PromotionSource.API
    )
    terms_source = models.CharField(
        max_length=4, choices=PromotionSource, default=PromotionSource.API, db_default=PromotionSource.API
    )
    told_hash = models.CharField(max_length=64, blank=True, default="", db_default="")
    version = models.PositiveIntegerField(default=1, db_default=1)

    class Meta:
        db_table = "orders_promotion"
        constraints = [
            models.UniqueConstraint(fields=["shop", "code"], name="promotion_code_per_shop"),
            models.CheckConstraint(condition=~Q(code="") & ~Q(title=""), name="promotion_has_words"),
            *_terms_make_sense("promotion"),
            models.CheckConstraint(
                condition=Q(source__in=PromotionSource.values, terms_source__in=PromotionSource.values),
                name="promotion_source_known",
            ),
        ]
        indexes = [models.Index(fields=["shop", "starts_at"], name="promotion_of_shop", condition=Q(is_active=True))]

    def __str__(self) -> str:
        return self.title

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this promotion belong to."""
        return {"shop_id": self.shop_id}


class PromotionVersion(PromotionTerms):
    """What a promotion said from `told_at` on, until its next version; a row is never changed (a trigger sees to it).

    `told_at` None = before versions were kept; `by` is the person who did it by hand or brought the file in.
    """

    promotion = models.ForeignKey(Promotion, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    source = models.CharField(max_length=4, choices=PromotionSource)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    told_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_promotion_version"
        constraints = [
            models.UniqueConstraint(fields=["promotion", "version"], name="promotion_version_once"),
            models.CheckConstraint(condition=Q(version__gte=1) & ~Q(title=""), name="promotion_version_has_words"),
            *_terms_make_sense("promotion_version"),
            models.CheckConstraint(
                condition=Q(source__in=PromotionSource.values), name="promotion_version_source_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.version})"
