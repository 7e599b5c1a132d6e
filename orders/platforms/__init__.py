"""The shop systems whose webhooks we read: what each signs, what its messages mean. Pure: no database, no clock."""

from types import ModuleType

from orders.platforms import shopify, woocommerce
from orders.source_enums import Platform

_READERS: dict[str, ModuleType] = {Platform.SHOPIFY: shopify, Platform.WOOCOMMERCE: woocommerce}


def platform_of(name: str) -> ModuleType:
    """Return the module that speaks a platform's language."""
    return _READERS[name]
