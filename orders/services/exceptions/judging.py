"""Open and close exceptions by what their parcels are: the same judgement twice changes nothing."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from core.actors import SYSTEM
from core.events import Code, Fact, record_many
from core.live import announce
from orders.enums import OrderStatus, ParcelStatus
from orders.exception_enums import BY_HAND, EXCEPTION_OPEN, CloseReason, ExceptionState
from orders.exception_events import ExceptionClosed, ExceptionOpened
from orders.models import Order, Parcel, ParcelException, Scan
from orders.selectors.silence import silent_parcels
from orders.services.exceptions.holding import exceptions_of
from orders.services.exceptions.owners import find_owner

logger = logging.getLogger(__name__)
AT_ONCE = 200
WITHIN = timedelta(hours=24)


def judge_due(*, at: datetime) -> int:
    """Judge parcels that have fallen silent and open exceptions whose parcel has news; return how many parcels."""
    open_here = ParcelException.objects.filter(parcel=OuterRef("pk"), state__in=EXCEPTION_OPEN)
    silent = silent_parcels(at).filter(~Exists(open_here), order__is_history=False)
    silent = silent.exclude(order__status=OrderStatus.CANCELLED).order_by("quiet_at", "pk")
    ids = list(silent.values_list("pk", flat=True)[:AT_ONCE])
    news = ~Q(parcel__version=F("parcel_version")) | Q(order__status=OrderStatus.CANCELLED)
    told = ParcelException.objects.filter(news, state__in=EXCEPTION_OPEN).order_by("pk")
    ids += list(told.values_list("parcel_id", flat=True)[:AT_ONCE])
    for parcel_id in dict.fromkeys(ids):
        judge_parcel(parcel_id=parcel_id, at=at)
    if ids:
        logger.info("exceptions.judged count=%s", len(ids))
    return len(ids)


@transaction.atomic
def judge_parcel(*, parcel_id: int, at: datetime) -> bool:
    """Open what is newly wrong with a parcel and close what no longer is; return whether anything changed.

    History brought in from outside opens nothing. What somebody must look at (goods damaged) is not closed by arriving.
    """
    order = Order.objects.select_for_update(no_key=True).filter(parcels=parcel_id).first()
    if order is None:
        return False
    parcel = Parcel.objects.select_for_update(no_key=True).get(pk=parcel_id)
    is_silent = silent_parcels(at).filter(pk=parcel_id).exists()
    held = exceptions_of(parcel, order, is_silent=is_silent, words=_problem_words(parcel))
    have = {
        one.kind: one
        for one in ParcelException.objects.select_for_update(no_key=True)
        .filter(parcel_id=parcel_id, state__in=EXCEPTION_OPEN)
        .order_by("pk")
    }
    facts, kept = [], []
    for kind, found in have.items():
        if kind in held or (kind in BY_HAND and order.status != OrderStatus.CANCELLED):
            kept.append(found.pk)
        else:
            facts.append(_close(found, order, _why(parcel, order), at))
    if kept:
        ParcelException.objects.filter(pk__in=kept).update(parcel_version=parcel.version)
    if not order.is_history:
        facts += [_open(parcel, order, kind, since, at) for kind, since in held.items() if kind not in have]
    if facts:
        record_many(facts)
        announce("exceptions", "order", order.pk, order.version)
        announce(f"order.{order.pk}", "order", order.pk, order.version)
    return bool(facts)


def _open(parcel: Parcel, order: Order, kind: str, since: datetime | None, at: datetime) -> Fact:
    found = ParcelException(
        parcel=parcel,
        order=order,
        shop_id=order.shop_id,
        carrier_id=parcel.carrier_id,
        kind=kind,
        owner_id=find_owner(order.shop_id, at=at),
        since=min(since or at, at),
        parcel_version=parcel.version,
        opened_at=at,
        due_at=at + WITHIN,
    )
    found.save(force_insert=True)
    told = ExceptionOpened(parcel.pk, parcel.carrier_id, Code(kind), found.owner_id)
    return Fact("exception.opened", found, SYSTEM, at, told)


def _close(found: ParcelException, order: Order, why: str, at: datetime) -> Fact:
    found.order = order
    found.state, found.closed_at, found.close_reason = ExceptionState.CLOSED, at, why
    found.version += 1
    found.save(update_fields=["state", "closed_at", "close_reason", "version"])
    return closed_fact(found, SYSTEM, at)


def closed_fact(found: ParcelException, actor: object, at: datetime) -> Fact:
    """Return the event of an exception that has just been closed."""
    seconds = max(0, int((at - found.opened_at).total_seconds()))
    told = ExceptionClosed(found.parcel_id, found.carrier_id, Code(found.kind), Code(found.close_reason), seconds)
    return Fact("exception.closed", found, actor, at, told)  # type: ignore[arg-type]


def _why(parcel: Parcel, order: Order) -> str:
    if order.status == OrderStatus.CANCELLED:
        return CloseReason.WITHDRAWN
    if parcel.status == ParcelStatus.DELIVERED:
        return CloseReason.ARRIVED
    return CloseReason.MOVED


def _problem_words(parcel: Parcel) -> str:
    if not parcel.is_in_trouble or parcel.problem_at is None:
        return ""
    rows = Scan.objects.filter(parcel_id=parcel.pk, at=parcel.problem_at).order_by("-code", "-text_hash")
    return " ".join(rows.values_list("text", flat=True)[:3])
