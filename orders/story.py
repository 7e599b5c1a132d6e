"""How the events of orders, parcels and imports read in a stream."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from accounts.selectors import staff_names
from core import ui
from core.models import Event
from core.registry import StoryLine
from orders.enums import ParcelStatus, ScanStatus
from orders.models import Parcel
from orders.promise_enums import CompensationKind
from orders.selectors.told import ToldScan, parcels_told

STEP_LOOKS = {
    "paid": ("credit-card", "good"),
    "packed": ("package", ""),
    "shipped": ("truck-delivery", "info"),
    "delivered": ("package-import", "good"),
    "completed": ("circle-check", "good"),
    "cancelled": ("circle-x", "bad"),
    "link_renewed": ("link", ""),
    "noted": ("note", ""),
    "notice_repeated": ("repeat", ""),
}
PARCEL_LOOKS = {
    "created": ("receipt", ""),
    "picked_up": ("package-export", "info"),
    "in_transit": ("truck", "info"),
    "out_for_delivery": ("map-pin", "info"),
    "ready_for_pickup": ("building-store", "info"),
    "delivered": ("package-import", "good"),
    "refused": ("package-off", "bad"),
    "returning": ("truck-return", "warn"),
    "returned": ("truck-return", "warn"),
    "lost": ("alert-triangle", "bad"),
    "found": ("map-pin", "good"),
    "problem_reported": ("alert-triangle", "warn"),
}
ENDED_BADLY = {ParcelStatus.REFUSED, ParcelStatus.RETURNED, ParcelStatus.LOST}


def render_order_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each order event; one query for names when staff did something."""
    ids = {event.actor_id for event in events if event.actor_type == "staff" and event.actor_id}
    names = staff_names(ids, viewer)
    return {event.pk: line for event in events if (line := _order_line(event, names)) is not None}


def _order_line(event: Event, names: dict[int, str]) -> StoryLine | None:
    step, data = event.kind.removeprefix("order."), event.data
    who = names.get(event.actor_id or 0, "") if event.actor_type == "staff" else ""
    if step == "placed":
        items, total = data.get("item_count", 0), money_words(data.get("total"), data.get("currency"))
        text = ngettext("Order placed: %(items)s item, %(total)s", "Order placed: %(items)s items, %(total)s", items)
        return _line(event, "shopping-cart", "", text, {"items": items, "total": total})
    if step == "paid":
        amount = money_words(data.get("amount"), data.get("currency"))
        return _line(event, "credit-card", "good", gettext("Paid %(amount)s"), {"amount": amount})
    if step == "refunded":
        amount = money_words(data.get("amount"), data.get("currency"))
        return _line(event, "receipt", "warn", gettext("Refunded %(amount)s in the shop"), {"amount": amount})
    if step == "noted":  # what it says stands in the panel of notes, for those who may read it
        told = {"who": who or gettext("A former colleague")}
        return _line(event, "note", "note", gettext("%(who)s wrote a note on the order"), told)
    if step == "compensation_proposed":
        return _compensation(event)
    if step == "changed":
        fields = gettext(", ").join(field_words().get(name, name) for name in data.get("fields", ()))
        return _line(event, "pencil", "", gettext("The shop corrected: %(fields)s"), {"fields": fields})
    if step not in STEP_LOOKS:
        return None
    icon, tone = STEP_LOOKS[step]
    if step == "completed" and event.reason == "time_passed":
        return _line(event, icon, tone, gettext("Completed, as nothing more came up after delivery"))
    if who and step == "completed":
        return _line(event, icon, tone, gettext("%(who)s completed the order"), {"who": who})
    if who and step == "cancelled":
        return _line(event, icon, tone, gettext("%(who)s cancelled the order"), {"who": who})
    return _line(event, icon, tone, _step_words()[step])


def _compensation(event: Event) -> StoryLine:
    """Return the line of what a plan proposes for waiting longer."""
    data = event.data
    kind = data.get("compensation")
    what = str(CompensationKind(kind).label) if kind in CompensationKind.values else ""
    amount = data.get("amount") if kind == CompensationKind.POINTS else money_words(data["amount"], data["currency"])
    return _line(
        event, "gift", "info", gettext("Proposed for waiting longer: %(what)s, %(amount)s"),
        {"what": what, "amount": amount},
    )  # fmt: skip


def _step_words() -> dict[str, str]:
    return {
        "packed": gettext("Packed in the warehouse"),
        "shipped": gettext("Handed to the carrier"),
        "delivered": gettext("All parcels delivered"),
        "completed": gettext("Order completed"),
        "cancelled": gettext("Order cancelled"),
        "link_renewed": gettext("The link to the tracking page was replaced"),
        "noted": gettext("A note was written on the order"),
        "notice_repeated": gettext("A notice was sent to the customer again"),
    }


def render_parcel_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each parcel event with the scan's own words; one query."""
    told = [pair for pairs in parcels_told({event.order_id for event in events}, viewer).values() for pair in pairs]
    parcels = {parcel.pk: parcel for parcel, _scans in told}
    words = {(parcel.pk, scan.at, scan.status): scan for parcel, scans in told for scan in scans}
    lines = {}
    for event in events:
        status = event.kind.removeprefix("parcel.")
        icon, tone = PARCEL_LOOKS.get(status, ("package", ""))
        label = ParcelStatus(status).label if status in ParcelStatus.values else _parcel_words().get(status, status)
        parcel = parcels.get(event.subject_id)
        scanned = ScanStatus.PROBLEM if status == "problem_reported" else status
        scan = words.get((event.subject_id, event.at, scanned))
        html = format_html("{}{}", label, _parcel_note(parcel, scan))
        lines[event.pk] = StoryLine(event.pk, icon, tone, html)
    return lines


def _parcel_words() -> dict[str, str]:
    return {
        "found": gettext("Found again after it was lost"),
        "problem_reported": gettext("The carrier reports a problem"),
    }


def _parcel_note(parcel: Parcel | None, scan: ToldScan | None) -> SafeString:
    words = scan.text if scan else ""
    where = f"{parcel.carrier.display_name} {parcel.tracking_number}" if parcel else ""
    note = " · ".join(part for part in (words, where) if part)
    return format_html('<span class="story-meta">{}</span>', note) if note else SafeString("")


def render_import_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each finished import."""
    text = gettext("File imported: %(new)s new, %(changed)s changed, %(same)s unchanged orders")
    return {
        event.pk: _line(
            event, "file-import", "", text, {key: event.data.get(key, 0) for key in ("new", "changed", "same")}
        )
        for event in events
        if event.kind == "import.finished"
    }


def _line(event: Event, icon: str, tone: str, text: str, values: dict[str, Any] | None = None) -> StoryLine:
    return StoryLine(event.pk, icon, tone, format_html("{}", text % values if values else text))


def money_words(amount: Any, currency: Any) -> str:
    """Return an amount of a payload as people write it."""
    try:
        return str(ui.money(Decimal(str(amount)), str(currency or "CNY")))
    except (InvalidOperation, TypeError):
        return "–"


def field_words() -> dict[str, str]:
    """Return the names of fields a correction can touch."""
    return {
        "currency": gettext("currency"), "total": gettext("total"), "discount": gettext("discount"),
        "shipping_fee": gettext("shipping fee"), "promised_at": gettext("promised delivery"),
        "recipient": gettext("recipient"), "region": gettext("region"), "buyer_note": gettext("buyer's note"),
        "street": gettext("address"), "phone": gettext("phone"), "items": gettext("items"),
        "paid": gettext("amount paid"),
        "payments": gettext("payments"), "dates": gettext("dates"), "is_partly_sent": gettext("parcels still to come"),
    }  # fmt: skip


def lifeline_of(parcel: Parcel) -> list[dict[str, Any]]:
    """Return a parcel's line of life for the component: what it passed, where it is, what is to come."""
    path = _path_of(parcel)
    told_at = parcel.rank_at if parcel.status == ParcelStatus.CREATED else parcel.created_at  # of history: when it was
    times: dict[str, datetime | None] = {
        ParcelStatus.CREATED: told_at if parcel.shipped_at is None else None,
        ParcelStatus.PICKED_UP: parcel.shipped_at,
        ParcelStatus.DELIVERED: parcel.delivered_at,
    }
    since = parcel.lost_at if parcel.status == ParcelStatus.LOST else parcel.rank_at
    times[parcel.status] = times.get(parcel.status) or since
    items = []
    reached = path.index(ParcelStatus(parcel.status))
    for index, status in enumerate(path):
        is_last = index == len(path) - 1
        state = "done" if index < reached or (index == reached and is_last) else "now" if index == reached else "next"
        if index == reached and parcel.status in ENDED_BADLY:
            state = "failed"
        note = parcel.place if index == reached and not is_last else ""
        items.append(
            {
                "label": status.label,
                "at": times.get(status),
                "state": state,
                "note": note,
                "icon": PARCEL_LOOKS[status][0],
            }
        )
    return items


def _path_of(parcel: Parcel) -> list[ParcelStatus]:
    """Return the stations of a parcel's line: the way out, through a locker where it lies in one, and the way back."""
    status = ParcelStatus(parcel.status)
    path = [ParcelStatus.CREATED, ParcelStatus.PICKED_UP, ParcelStatus.IN_TRANSIT]
    path.append(status if status == ParcelStatus.READY_FOR_PICKUP else ParcelStatus.OUT_FOR_DELIVERY)
    if status in {ParcelStatus.RETURNING, ParcelStatus.RETURNED}:
        sent_back = [ParcelStatus.DELIVERED] if parcel.delivered_at else []
        return [*path[:3], *sent_back, ParcelStatus.RETURNING, ParcelStatus.RETURNED]
    return [*path, status if status in ENDED_BADLY else ParcelStatus.DELIVERED]
