"""Platforms a shop's orders come from."""

from django.db import models
from django.utils.translation import pgettext_lazy


class Platform(models.TextChoices):
    """Shop systems whose own webhooks we read."""

    SHOPIFY = "shopify", pgettext_lazy("platform", "Shopify")
    WOOCOMMERCE = "woocommerce", pgettext_lazy("platform", "WooCommerce")
