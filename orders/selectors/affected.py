"""Which orders an incident touches: by conditions on order, items and parcel, or by a pasted list of numbers.

Conditions are JSON: lists of codes and ids, moments in ISO form, words. What is left out does not narrow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from core.text import normalise_order_number
from orders.enums import PARCEL_ENDED, OrderStatus, ParcelStatus
from orders.models import AffectedOrder, Incident, Order, OrderItem, Parcel

MOMENTS = ("placed", "paid", "shipped")
CODES = ("shops", "statuses", "parcel_statuses", "carriers")
WORDS = ("region", "product", "place")
MOST = 50_000
MOST_LINES = 5_000
SAMPLE = 10
_BREAK = re.compile(r"[\s,，;；、|]+")


def affected_by(incident: Incident, conditions: dict[str, Any]) -> QuerySet[Order]:
    """Return the orders in the incident's shops that fit every condition; those about a parcel by one and the same."""
    rows = Order.objects.all()
    if incident.shop_ids:
        rows = rows.filter(shop_id__in=incident.shop_ids)
    if "ids" in conditions:
        return rows.filter(pk__in=_ids(conditions["ids"]))
    wanted = _by_order(conditions)
    if words := conditions.get("product"):
        named = Q(sku__icontains=words) | Q(title__icontains=words)
        wanted &= Q(Exists(OrderItem.objects.filter(named, order_id=OuterRef("pk"))))
    parcel = _by_parcel(conditions)
    if parcel:
        wanted &= Q(Exists(Parcel.objects.alias(heard_at=_heard()).filter(parcel, order_id=OuterRef("pk"))))
    return rows.filter(wanted)


def _by_order(conditions: dict[str, Any]) -> Q:
    wanted = Q()
    if conditions.get("shops"):
        wanted &= Q(shop_id__in=_ids(conditions["shops"]))
    if conditions.get("statuses"):
        wanted &= Q(status__in=[code for code in conditions["statuses"] if code in OrderStatus.values])
    if conditions.get("region"):
        wanted &= Q(region__icontains=conditions["region"])
    for name in MOMENTS:
        if since := _moment(conditions.get(f"{name}_from")):
            wanted &= Q(**{f"{name}_at__gte": since})
        if until := _moment(conditions.get(f"{name}_to")):
            wanted &= Q(**{f"{name}_at__lte": until})
    return wanted


def _by_parcel(conditions: dict[str, Any]) -> Q:
    wanted = Q()
    if conditions.get("carriers"):
        wanted &= Q(carrier_id__in=_ids(conditions["carriers"]))
    if conditions.get("parcel_statuses"):
        wanted &= Q(status__in=[code for code in conditions["parcel_statuses"] if code in ParcelStatus.values])
    if conditions.get("place"):
        wanted &= Q(place__icontains=conditions["place"])
    if since := _moment(conditions.get("silent_since")):
        wanted &= Q(heard_at__lt=since) & ~Q(status__in=PARCEL_ENDED)
    return wanted


def _heard() -> Coalesce:
    """Return when a parcel was last heard of: its newest scan, else its handing over, else its making."""
    return Coalesce("last_scan_at", "shipped_at", "created_at")


def _ids(values: Iterable[Any]) -> list[int]:
    return [int(value) for value in values if str(value).isdecimal() and len(str(value)) < 18]


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo is not None else None


@dataclass(frozen=True)
class Preview:
    """What a search would attach: `found` orders (capped, see `is_more`), `known` of them attached or taken out."""

    found: int
    known: int
    is_more: bool
    sample: list[Order] = field(default_factory=list)

    @property
    def fresh(self) -> int:
        """Return how many are new to the incident."""
        return max(0, self.found - self.known)


def preview_affected(incident: Incident, conditions: dict[str, Any]) -> Preview:
    """Return counts and the newest few of what a search finds; nothing is written."""
    rows = affected_by(incident, conditions)
    found = rows.order_by()[: MOST + 1].count()
    known = rows.filter(Exists(AffectedOrder.objects.filter(incident=incident, order_id=OuterRef("pk")))).count()
    sample = rows.select_related("shop").prefetch_related("parcels__carrier").order_by("-placed_at", "-pk")[:SAMPLE]
    return Preview(min(found, MOST), known, found > MOST, list(sample))


class BadLine(NamedTuple):
    """A line of a pasted list nothing was found for; `reason` is unknown, several, twice or too_long."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class Pasted:
    """What a pasted list holds: ids of the orders found, and the lines that are none."""

    ids: list[int] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)


def read_pasted(incident: Incident, text: str) -> Pasted:
    """Return the orders named in a list of order and tracking numbers, one or more a line.

    A tracking number stands for all orders in that box; an order number that several shops use names none.
    """
    wanted: list[tuple[int, str, str]] = []
    bad: list[BadLine] = []
    seen: set[str] = set()
    for number, line in enumerate(text.splitlines(), 1):
        for token in filter(None, _BREAK.split(line)):
            key = normalise_order_number(token)
            if len(wanted) >= MOST_LINES:
                bad.append(BadLine(number, token[:64], "too_many"))
            elif not key or len(key) > 64:
                bad.append(BadLine(number, token[:64], "too_long"))
            elif key in seen:
                bad.append(BadLine(number, token[:64], "twice"))
            else:
                seen.add(key)
                wanted.append((number, token[:64], key))
    found: dict[int, None] = {}
    for part in batched(wanted, 500):
        known = _known(incident, [key for _line, _token, key in part])
        for number, token, key in part:
            ids, is_ambiguous = known.get(key, ([], False))
            if ids and not is_ambiguous:
                found.update(dict.fromkeys(ids))
            else:
                bad.append(BadLine(number, token, "several" if is_ambiguous else "unknown"))
    return Pasted(list(found), sorted(bad, key=lambda one: one.line))


def _known(incident: Incident, keys: list[str]) -> dict[str, tuple[list[int], bool]]:
    """Return key → (order ids, whether it is ambiguous) in two statements."""
    orders = Order.objects.filter(number__in=keys)
    parcels = Parcel.objects.filter(tracking_number__in=keys)
    if incident.shop_ids:
        orders = orders.filter(shop_id__in=incident.shop_ids)
        parcels = parcels.filter(order__shop_id__in=incident.shop_ids)
    found: dict[str, tuple[list[int], bool]] = {}
    for tracking, pk in parcels.order_by("pk").values_list("tracking_number", "order_id"):
        found.setdefault(tracking, ([], False))[0].append(pk)
    numbers: dict[str, list[int]] = {}
    for number, pk in orders.order_by("pk").values_list("number", "pk"):
        numbers.setdefault(number, []).append(pk)
    return found | {number: (ids, len(ids) > 1) for number, ids in numbers.items()}
