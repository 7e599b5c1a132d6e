"""How an order's state at a moment of the past reads."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext

from core import ui
from core.models import Event
from core.stories import Then, register_teller
from orders.enums import OrderStatus, ParcelStatus
from orders.exception_enums import ExceptionKind
from orders.models import Parcel
from orders.selectors.replay import STATE_KINDS, OrderThen, fold_order
from orders.selectors.told import parcels_told


def tell_order(events: list[Event], viewer: Any) -> list[Then]:
    """Return the lines of the order, its promise, its parcels and what was wrong with them."""
    then = fold_order(events)
    if not then.status:
        return []
    parcels: dict[int, Parcel] = {
        parcel.pk: parcel
        for pairs in parcels_told({event.order_id for event in events}, viewer).values()
        for parcel, _scans in pairs
    }
    lines = [Then("package", gettext("Order"), ui.status(then.status, OrderStatus(then.status).label))]
    promised = ui.when(then.promised_at, style="moment") if then.promised_at else format_html("{}", gettext("none"))
    lines.append(Then("calendar-event", gettext("Promised delivery"), promised))
    return lines + _parcels(then, parcels) + _exceptions(then)


def _parcels(then: OrderThen, parcels: dict[int, Parcel]) -> list[Then]:
    found = []
    for pk, status in then.parcels.items():
        parcel = parcels.get(pk)
        name = f"{parcel.carrier.display_name} {parcel.tracking_number}" if parcel else gettext("A parcel taken out")
        found.append(Then("truck", name, ui.status(status, ParcelStatus(status).label)))
    return found or [Then("truck", gettext("Parcels"), format_html("{}", gettext("none yet")))]


def _exceptions(then: OrderThen) -> list[Then]:
    kinds = sorted({str(ExceptionKind(kind).label) for kind in then.exceptions.values()})
    return [Then("alert-triangle", gettext("Open exceptions"), ui.badge(kind, tone="bad")) for kind in kinds]


register_teller("order", STATE_KINDS, tell_order)
