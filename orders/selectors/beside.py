"""What stands beside an order for whoever works on it: asked of the shop, noted, wrong, and how parcels alike fare.

All of it is read along with the order, in its own statement (`get_panel_order_for`), so that it costs the ticket page
no question more.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Func, OuterRef, TextField, Value
from django.db.models.functions import JSONObject, Left

from accounts.models import Staff
from core.crypto import CannotDecrypt, decrypt
from orders.exception_enums import EXCEPTION_OPEN
from orders.exception_permissions import exceptions_visible_to, works_on_exceptions
from orders.gazetteer import region_of
from orders.models import Carrier, Order, OrderNote, OrderRequest, Parcel, ParcelException
from orders.permissions import get_panel_order_for
from orders.selectors.told import ITEMS_TOLD

MOST_REQUESTS, MOST_NOTES, MOST_WRONG = 50, 20, 20
PROVINCE_BEGINS = 2  # characters no two provinces begin with alike

_REQUESTS = ArraySubquery(
    OrderRequest.objects.filter(order_id=OuterRef("pk"))
    .order_by("-pk")
    .values(
        told=JSONObject(
            pk="pk", kind="kind", state="state", asked_at="asked_at", due_at="due_at", closed_at="closed_at"
        )
    )[:MOST_REQUESTS]
)
_NOTES = ArraySubquery(
    OrderNote.objects.filter(order_id=OuterRef("pk"), text_enc__isnull=False)
    .order_by("-pk")
    .values(
        told=JSONObject(
            author="author__display_name",
            at="at",
            text=Func(F("text_enc"), Value("base64"), function="encode", output_field=TextField()),
        )
    )[:MOST_NOTES]
)


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note as colleagues read it."""

    author: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """An open exception of one of the order's parcels, and who takes care of it."""

    one: ParcelException
    owner: str


@dataclass(frozen=True, slots=True)
class Alike:
    """How many other parcels a carrier brings to the same province are in trouble."""

    carrier_id: int
    carrier: str
    province: str
    count: int


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside an order, the newest first; of requests the open ones before the others."""

    requests: list[OrderRequest] = field(default_factory=list)
    notes: list[ShownNote] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)
    alike: list[Alike] = field(default_factory=list)


def get_order_beside(staff: Staff, order_id: int) -> Order:
    """Return an order with its items and what stands beside it, in one statement. Raises NotFound, NotAllowed."""
    works = works_on_exceptions(staff)

    def told() -> dict[str, Any]:
        always = {"told_items": ITEMS_TOLD, "told_requests": _REQUESTS, "told_notes": _NOTES}
        return always | {"told_wrong": _wrong(staff), "told_alike": _alike(staff)} if works else always

    return get_panel_order_for(staff, order_id, works, told)


def beside_of(order: Order) -> Beside:
    """Return what get_order_beside read, worked out."""
    told = vars(order)
    requests = [OrderRequest(**_dated(row)) for row in told["told_requests"]]
    province = region_of(order.region).province
    return Beside(
        requests=sorted(requests, key=lambda one: (not one.is_open, -one.pk)),
        notes=[ShownNote(row["author"], _moment(row["at"]), _text(row["text"])) for row in told["told_notes"]],
        wrong=[
            Wrong(ParcelException(**_dated(row["one"])), row["owner"] or "") for row in told.get("told_wrong") or ()
        ],
        alike=[_told_alike(row, province) for row in told.get("told_alike") or () if province],
    )


def _wrong(staff: Staff) -> ArraySubquery:
    rows = exceptions_visible_to(staff).filter(order_id=OuterRef("pk"), state__in=EXCEPTION_OPEN)
    one = JSONObject(pk="pk", kind="kind", state="state", owner_id="owner_id", since="since")
    return ArraySubquery(
        rows.order_by("-pk").values(told=JSONObject(one=one, owner="owner__display_name"))[:MOST_WRONG]
    )


def _alike(staff: Staff) -> ArraySubquery:
    """Count by carrier the other parcels to the same province with an open exception; silence opens one, too."""
    rows = exceptions_visible_to(staff).filter(
        state__in=EXCEPTION_OPEN,
        carrier__in=Parcel.objects.filter(order_id=OuterRef(OuterRef("pk"))).values("carrier"),
        order__region__startswith=Left(OuterRef("region"), PROVINCE_BEGINS),
    )
    counted = rows.exclude(order_id=OuterRef("pk")).values("carrier_id", "carrier__name", "carrier__name_en")
    counted = counted.annotate(number=Count("parcel", distinct=True)).order_by("-number", "carrier_id")
    return ArraySubquery(
        counted.values(told=JSONObject(id="carrier_id", name="carrier__name", en="carrier__name_en", count="number"))
    )


def _told_alike(row: dict[str, Any], province: str) -> Alike:
    carrier = Carrier(name=row["name"], name_en=row["en"])
    return Alike(carrier_id=row["id"], carrier=carrier.display_name, province=province, count=row["count"])


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its moments read: JSON has them as text."""
    return {name: _moment(value) if value and name.endswith(("_at", "since")) else value for name, value in row.items()}


def _moment(written: str) -> datetime:
    return datetime.fromisoformat(written)


def _text(kept: str) -> str:
    try:
        return decrypt(b64decode(kept))
    except CannotDecrypt:
        return "****"
