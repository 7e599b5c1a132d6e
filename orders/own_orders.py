"""A customer's orders on her own page."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from customers.own_sections import MOST, OwnRow, OwnSection, register_own_section
from customers.selectors import aliases_of, phone_index
from customers.selectors.own import Proof
from orders.models import Order
from orders.selectors.told import parcels_told
from orders.services.tracking_links import tracking_path
from orders.track_words import headline_of


def _hers(proof: Proof) -> QuerySet[Order]:
    """Return the orders of a person who proved who she is; of others those that name the proven phone themselves."""
    hers = Q(customer_id__in=aliases_of(proof.customer_id)) if proof.is_whole else Q(pk__in=[])
    if proof.kind == "phone":
        hers |= Q(phone_index=phone_index(proof.value))
    return Order.objects.filter(hers, customer__erased_at__isnull=True)


def own_orders(proof: Proof) -> list[OwnRow]:
    """Return her newest orders with how each stands, in the shop's time; three statements."""
    orders = list(_hers(proof).select_related("shop").order_by("-placed_at", "-pk")[:MOST])
    told = parcels_told([order.pk for order in orders], None) if orders else {}
    now, rows = timezone.now(), []
    for order in orders:
        parcels = [parcel for parcel, _scans in told.get(order.pk, [])]
        with timezone.override(ZoneInfo(order.shop.timezone)):
            headline = headline_of(order, parcels, now)
            day = date_format(timezone.localtime(order.placed_at), "DATE_FORMAT")
            rows.append(
                OwnRow(
                    order.pk,
                    order.number,
                    f"{order.shop.name} · {day}",
                    str(headline.text),
                    headline.tone,
                    order.placed_at,
                )
            )
    return rows


def own_order_url(proof: Proof, pk: int) -> str:
    """Return the tracking page of one of her orders, codes and phones shown; "" for what is not hers."""
    if not _hers(proof).filter(pk=pk).exists():
        return ""
    return tracking_path(order_id=pk, at=timezone.now())


register_own_section(
    OwnSection(
        "orders", _("Orders"), "package", 10, own_orders, own_order_url,
        _("We know no order under this phone or address."),
    )
)  # fmt: skip
