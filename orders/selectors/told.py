"""Parcels with their carrier and scans, as stories and panels tell them: one statement, once per request."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from core.kept import Kept
from orders.enums import ScanStatus
from orders.models import OrderItem, Parcel, Scan
from orders.slots import ORDER, one_order

MOST = 300
# The lines of an order as the panel shows them, read along with the order.
ITEMS_TOLD = ArraySubquery(
    OrderItem.objects.filter(order_id=OuterRef("pk"))
    .order_by("line")
    .values(told=JSONObject(title="title", quantity="quantity", product=JSONObject(stock="product__stock")))
)


class ToldScan(NamedTuple):
    """One scan of a parcel."""

    at: datetime
    status: str
    text: str
    pk: int = 0
    place: str = ""

    @property
    def words(self) -> str:
        """Return what the carrier said, else the name of the state."""
        return self.text or str(ScanStatus(self.status).label)


def parcels_told(order_ids: Iterable[int | None], viewer: Any) -> dict[int, list[tuple[Parcel, list[ToldScan]]]]:
    """Return order id → its parcels, oldest first, each with its newest scans.

    A person loaded for a request remembers them, so that the conversation and the panel beside it ask once.
    """
    memory = getattr(viewer, "_request_memory", None)
    known: dict[int, list[tuple[Parcel, list[ToldScan]]]] = {} if memory is None else memory.setdefault("parcels", {})
    wanted = {pk for pk in order_ids if pk is not None}
    missing = wanted - known.keys()
    if missing:
        known.update({pk: [] for pk in missing})
        for parcel in _parcels_of(missing):
            told = parcel.__dict__.pop("told")
            lines = [
                ToldScan(datetime.fromisoformat(one["at"]), one["status"], one["text"], one["id"], one["place"])
                for one in told
            ]
            known[parcel.order_id].append((parcel, lines))
    return {pk: known[pk] for pk in wanted}


_kept = Kept(one_order)


def _parcels_of(order_ids: set[int]) -> Iterable[Parcel]:
    if len(order_ids) == 1:  # what a page beside a conversation asks: written once
        return _kept.instances("parcels", lambda: _told([ORDER.sample]), order=next(iter(order_ids)))
    return _told(order_ids)


def _told(order_ids: Iterable[int]) -> QuerySet[Parcel]:
    scans = Scan.objects.filter(parcel_id=OuterRef("pk")).order_by("-at", "-pk")
    words = ArraySubquery(
        scans.values(told=JSONObject(at="at", status="status", text="text", id="pk", place="place"))[:MOST]
    )
    rows = Parcel.objects.filter(order_id__in=order_ids).select_related("carrier").annotate(told=words)
    return rows.order_by("pk")
