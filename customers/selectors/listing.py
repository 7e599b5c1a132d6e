"""Customers as the list shows them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from customers.enums import Tier
from customers.models import Customer, Identity
from customers.selectors import search_customers

MOST_FOUND = 500


def customers_listed(*, words: str = "", tier: str = "", tag: str = "") -> QuerySet[Customer]:
    """Return customers that count (joined ones stand under theirs), the newest first, by words, tier and tag."""
    rows = Customer.objects.filter(merged_into=None, erased_at=None)
    if tier in Tier.values:
        rows = rows.filter(tier=tier)
    if tag:
        rows = rows.filter(tags__contains=[tag])
    if words:
        rows = rows.filter(pk__in=[customer.pk for customer in search_customers(words, limit=MOST_FOUND)])
    return rows.order_by("-pk")


def contacts_of(customers: Iterable[Customer]) -> dict[int, list[Identity]]:
    """Return the contacts of customers that count, those of joined records among them, in one statement."""
    ids = [customer.pk for customer in customers]
    root = Coalesce("customer__merged_into_id", F("customer_id"))
    family = (
        Customer.objects.filter(pk__in=ids)
        .values("pk")
        .union(Customer.objects.filter(merged_into_id__in=ids).values("pk"), all=True)
    )
    rows = Identity.objects.filter(customer_id__in=family).annotate(root=root).order_by("-is_primary", "pk")
    found: dict[int, list[Identity]] = {}
    for identity in rows:
        found.setdefault(identity.root, []).append(identity)  # type: ignore[attr-defined]
    return found
