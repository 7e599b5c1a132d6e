"""Take carrier scans in: each once, in any order, as often as they are told."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.events import Code, Fact, record_many
from core.live import announce
from orders.enums import ScanStatus
from orders.events import OrderStep, ParcelProblem, ParcelStep
from orders.models import Order, Parcel, Scan
from orders.scan_data import ScanData
from orders.services.data import OLDEST, clean_line
from orders.services.folding import News, step_at, step_of, take_news
from orders.services.steps import origin_of, steps_of_parcels, take_steps

AHEAD, AHEAD_KEPT = timedelta(days=1), timedelta(minutes=5)
MAX_SCANS = 500
_STATUSES = frozenset(ScanStatus.values)
_STILL = frozenset({ScanStatus.CREATED, ScanStatus.PROBLEM, ScanStatus.LOST})
_SCAN_CODE = re.compile(r"[A-Za-z0-9_.:\-]{1,20}")


def add_scan(
    *,
    parcel_id: int,
    at: datetime,
    code: str,
    status: str,
    text: str,
    place: str = "",
    actor: Actor,
    received_at: datetime,
    origin: str = "live",
) -> bool:
    """Take one scan in; return whether it was new. See add_scans."""
    scan = ScanData(at=at, status=status, code=code, text=text, place=place)
    return add_scans(parcel_id=parcel_id, scans=[scan], actor=actor, received_at=received_at, origin=origin) > 0


@transaction.atomic
def add_scans(
    *, parcel_id: int, scans: Iterable[ScanData], actor: Actor, received_at: datetime, origin: str = "live"
) -> int:
    """Take scans in, each once by (time, code, words); return how many were new.

    Where the parcel stands follows from all its scans in any order (folding); a step is one event, dated by the scan
    that made it, and so is a problem. The order is shipped with its first parcel and delivered with its last.
    Raises NotFound, InvalidInput.
    """
    rows = check_scans(scans, received_at)
    order_id = Parcel.objects.filter(pk=parcel_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound
    order = Order.objects.select_for_update(no_key=True).get(pk=order_id)
    parcels = list(
        Parcel.objects.select_for_update(no_key=True, of=("self",))
        .select_related("carrier")
        .filter(order_id=order_id)
        .order_by("pk")
    )
    parcel = next(p for p in parcels if p.pk == parcel_id)
    fresh = _insert(parcel, rows, received_at)
    parcel.refreshed_at = received_at
    if not fresh:
        Parcel.objects.filter(pk=parcel.pk).update(refreshed_at=received_at)
        return 0
    limit = received_at + AHEAD_KEPT
    news = [(min(scan.at, limit), scan.status, scan.code) for scan in fresh]
    before, rank_before, was_in_trouble = str(parcel.status), parcel.rank, parcel.is_in_trouble
    take_news(parcel, news)
    parcel.last_scan_at = max(filter(None, (parcel.last_scan_at, *(at for at, _status, _code in news))))
    _place(parcel)
    parcel.version += 1
    parcel.save()
    parcel.order = order
    facts = []
    if step := step_of(before, str(parcel.status), rank_before=rank_before, rank=parcel.rank):
        at = step_at(parcel, step) or received_at
        code = Code(deciding_code(news, step, at))
        payload = ParcelStep(parcel.carrier_id, Code(parcel.carrier.code), Code(before), code)
        facts.append(Fact(f"parcel.{step}", parcel, actor, at, payload))
    if parcel.is_in_trouble and not was_in_trouble:
        facts.append(Fact("parcel.problem_reported", parcel, actor, parcel.problem_at or received_at, _problem(parcel)))
    was_history = order.is_history
    facts += _move_order(order, parcels, actor, received_at, origin)
    for fact in facts:  # one by one: what an order of the past did before it came to us is silent
        record_many([fact], origin=origin_of(order, was_history, fact.at, origin), untrusted=True)
    announce(f"order.{order.pk}", "order", order.pk, order.version)
    return len(fresh)


def check_scans(scans: Iterable[ScanData], received_at: datetime) -> list[ScanData]:
    """Return the scans if every one of them can be. Raises InvalidInput."""
    rows = list(scans)
    fields: dict[str, list] = {}
    if len(rows) > MAX_SCANS:
        fields["scans"] = [_("At most 500 scans can be told at once.")]
    latest = received_at + AHEAD
    for index, scan in enumerate(rows[:MAX_SCANS]):
        if scan.status not in _STATUSES:
            fields[f"scans[{index}].status"] = [_("This is not a parcel status we know.")]
        if scan.at.tzinfo is None or scan.at < OLDEST or scan.at > latest:
            fields[f"scans[{index}].at"] = [_("This is not a time with its zone between the year 2000 and tomorrow.")]
        if scan.code and not _can_be_code(scan.code):
            fields[f"scans[{index}].code"] = [_("A scan code has at most 20 letters, digits and the signs _ . : -")]
    if fields:
        raise InvalidInput(fields=fields)
    return rows


@lru_cache(maxsize=1024)
def _can_be_code(code: str) -> bool:
    return _SCAN_CODE.fullmatch(code) is not None


def _insert(parcel: Parcel, rows: list[ScanData], received_at: datetime) -> list[ScanData]:
    """Insert what is not there yet; the parcel's lock keeps two tellers of the same trace apart."""
    wanted: dict[tuple[datetime, str, bytes], ScanData] = {}
    for scan in rows:
        scan = ScanData(scan.at, scan.status, scan.code, clean_line(scan.text)[:400], clean_line(scan.place)[:120])
        digest = hashlib.blake2b(scan.text.encode(), digest_size=16).digest()
        wanted.setdefault((scan.at, scan.code, digest), scan)
    have = {
        (at, code, bytes(digest))
        for at, code, digest in parcel.scans.filter(at__in={key[0] for key in wanted}).values_list(
            "at", "code", "text_hash"
        )
    }
    fresh = {key: scan for key, scan in wanted.items() if key not in have}
    Scan.objects.bulk_create(
        Scan(
            parcel=parcel, at=at, code=code, text_hash=digest, status=scan.status, text=scan.text, place=scan.place,
            received_at=received_at,
        )
        for (at, code, digest), scan in fresh.items()
    )  # fmt: skip
    return list(fresh.values())


def _place(parcel: Parcel) -> None:
    """Set where the parcel is now: the place of its latest scan that names one."""
    newest = parcel.scans.exclude(place="").order_by("-at", "-code", "-text_hash").values_list("place", flat=True)
    parcel.place = newest.first() or parcel.place


def _move_order(order: Order, parcels: list[Parcel], actor: Actor, now: datetime, origin: str) -> list[Fact]:
    taken = take_steps(order, steps_of_parcels(parcels, more_to_come=order.is_partly_sent))
    order.version += 1
    order.updated_at = now
    if any(
        origin_of(order, order.is_history, getattr(order, f"{step}_at"), origin) == "live" for step, _before in taken
    ):
        order.is_history = False
    order.save(update_fields=["status", "shipped_at", "delivered_at", "version", "updated_at", "is_history"])
    return [
        Fact(f"order.{step}", order, actor, getattr(order, f"{step}_at"), OrderStep(Code(before)))
        for step, before in taken
    ]


def deciding_code(news: Iterable[News], step: str, at: datetime) -> str:
    """Return the carrier's code of the scan that made the step, "" when it was told before."""
    codes = [
        code
        for moment, status, code in news
        if moment == at and (status == step or (step == "found" and status not in _STILL))
    ]
    return logged_code(max(codes, default=""))


def _problem(parcel: Parcel) -> ParcelProblem:
    code, status = Code(logged_code(parcel.problem_code)), Code(str(parcel.status))
    return ParcelProblem(parcel.carrier_id, Code(parcel.carrier.code), status, code)


def logged_code(code: str) -> str:
    """Keep a scan's code for the log unless it looks like a number of a person or parcel."""
    return "" if len(code) >= 8 and code.isdigit() else code
