"""Take the scans of many pushes in, in one transaction: scans, parcels, events, jobs, orders, and what became of each.

The very same rows as services.scans.add_scans would write for one parcel after the other; a test holds the two
together. Orders before parcels, each by their ids, and no order is waited for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from core.actors import Actor
from core.arrays import array_of, text_array_of
from core.events import Code
from core.events.many import Facts, Stream
from core.live import announce
from orders.carrying_enums import PushState
from orders.events import OrderStep, ParcelProblem, ParcelStep
from orders.models import Carrier
from orders.services.folding import News, step_at, step_of
from orders.services.ingesting import statements
from orders.services.ingesting.matching import Matched, OrderRow, ParcelRow, match
from orders.services.ingesting.reading import Line, Told, line_of
from orders.services.scans import AHEAD_KEPT, deciding_code, logged_code
from orders.services.steps import origin_of, steps_of_parcels, take_steps

MOST_HINTS, FEW = 300, 200


@dataclass(slots=True)
class Applied:
    """What a batch came to."""

    told: int = 0
    scans: int = 0
    events: int = 0
    jobs: int = 0
    left: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _News:
    """What was told of one parcel in a batch: its scans, who told it and when."""

    parcel: ParcelRow
    carrier_id: int
    received_at: datetime
    lines: dict[tuple[datetime, str, str], tuple[Line, Told]] = field(default_factory=dict)

    def steps(self) -> list[News]:
        """Return when, what and which code, times cut to five minutes ahead of their push."""
        return [
            (min(line.scan.at, told.push.received_at + AHEAD_KEPT), line.scan.status, line.scan.code)
            for line, told in self.lines.values()
        ]


def apply_told(told: list[Told], *, silent: list[int], refused: dict[int, str], at: datetime) -> Applied:
    """Apply traces and write down what became of their pushes; call it inside a transaction.

    `silent` are pushes that tell of nothing, `refused` those that could not be read, with why.
    """
    done = Applied(told=sum(len(one.trace.scans) for one in told))
    matched = match(told)
    done.left = matched.left
    matched.pairs = [pair for pair in matched.pairs if pair[0].push.id not in matched.left]
    news = _news_of(matched)
    with connection.cursor() as cursor:
        cursor.execute(statements.MAKE_TOLD)
        cursor.execute(statements.EMPTY_TOLD)
        changed: dict[int, tuple[Any, ...]] = {}
        if news:
            if _copy(cursor, news) > FEW:
                _learn(cursor)
            cursor.execute(statements.FORGET_KNOWN)
            cursor.execute(statements.INSERT_SCANS)
            done.scans = cursor.rowcount
        if done.scans:
            cursor.execute(statements.FOLD, _heard(news.values()))
            changed = {row[0]: row for row in cursor.fetchall()}
        if same := [one for pk, one in news.items() if pk not in changed]:
            cursor.execute(statements.REFRESHED, _heard(same))
        facts = Facts()
        _move(cursor, facts, matched, news, changed, at)
        done.events, done.jobs = facts.write()
        _hear(cursor, matched)
        _finish(cursor, matched, silent, refused, at)
    return done


def _news_of(matched: Matched) -> dict[int, _News]:
    news: dict[int, _News] = {}
    for told, parcels in matched.pairs:
        lines = [line_of(scan) for scan in told.trace.scans]
        for parcel in parcels:
            one = news.get(parcel.id)
            if one is None:
                one = news[parcel.id] = _News(parcel, parcel.carrier_id, told.push.received_at)
            one.received_at = max(one.received_at, told.push.received_at)
            for line in lines:
                one.lines.setdefault((line.scan.at, line.scan.code, line.digest), (line, told))
    return news


def _heard(news: Iterable[_News]) -> dict[str, str]:
    rows = sorted((one.parcel.id, one.received_at) for one in news)
    return {"ids": array_of(pk for pk, _ in rows), "heard": array_of(moment for _, moment in rows)}


def _learn(cursor: Any) -> None:
    """Have the planner look at a first large batch; it remembers for the session."""
    cursor.execute(statements.IS_ANALYZED)
    if not cursor.fetchone()[0]:
        cursor.execute(statements.ANALYZE_TOLD)


def _copy(cursor: Any, news: dict[int, _News]) -> int:
    rows = []
    for pk, one in news.items():
        rows += [
            f"{pk}\t{told.push.id}\t{told.push.received_at.isoformat()}\t{line.columns}\n"
            for line, told in one.lines.values()
        ]
    with connection.wrap_database_errors, cursor.copy(statements.COPY_TOLD) as copy:
        copy.write("".join(rows))
    return len(rows)


def _move(
    cursor: Any,
    facts: Facts,
    matched: Matched,
    news: dict[int, _News],
    changed: dict[int, tuple[Any, ...]],
    at: datetime,
) -> None:
    """Tell what changed of parcels, and move the orders they belong to."""
    codes = dict(Carrier.objects.filter(pk__in={one.carrier_id for one in news.values()}).values_list("pk", "code"))
    touched: dict[int, list[_News]] = defaultdict(list)
    for pk in sorted(changed):
        touched[news[pk].parcel.order_id].append(news[pk])
    moved: list[OrderRow] = []
    for order_id in sorted(touched):
        order = matched.orders[order_id]
        was_history, came_live = order.is_history, False
        for one in touched[order_id]:
            _tell_parcel(facts, order, one, changed[one.parcel.id], codes[one.carrier_id], was_history)
        actor = Actor.carrier(touched[order_id][-1].carrier_id)
        about = Stream("order", order.id, order.shop_id, order.customer_id, order.id)
        told = steps_of_parcels(order.parcels, more_to_come=order.is_partly_sent)  # type: ignore[arg-type]
        for step, before in take_steps(order, told):
            moment = getattr(order, f"{step}_at")
            origin = origin_of(order, was_history, moment, "live")
            came_live |= origin == "live"
            facts.add(f"order.{step}", moment, OrderStep(Code(before)), actor=actor, about=about, origin=origin)
        order.is_history = was_history and not came_live
        order.version += 1
        moved.append(order)
    if moved:
        cursor.execute(
            statements.MOVE_ORDERS,
            [
                at, array_of(o.id for o in moved), text_array_of(o.status for o in moved),
                array_of(o.shipped_at for o in moved), array_of(o.delivered_at for o in moved),
                array_of(o.is_history for o in moved),
            ],
        )  # fmt: skip
    for order in moved[-MOST_HINTS:]:  # a hint may be lost; a flood of them helps nobody
        announce(f"order.{order.id}", "order", order.id, order.version)


def _tell_parcel(
    facts: Facts, order: OrderRow, one: _News, row: tuple[Any, ...], carrier: str, was_history: bool
) -> None:
    """Bring a parcel up to date with its row and tell its step and its trouble."""
    parcel = one.parcel
    before, rank_before, was_in_trouble = str(parcel.status), parcel.rank, parcel.is_in_trouble
    (
        _pk, parcel.status, parcel.rank, parcel.rank_at, parcel.shipped_at, parcel.delivered_at, parcel.moved_at,
        parcel.lost_at, parcel.problem_at, parcel.problem_code,
    ) = row  # fmt: skip
    about = Stream("parcel", parcel.id, order.shop_id, order.customer_id, order.id)
    actor = Actor.carrier(one.carrier_id)
    if step := step_of(before, parcel.status, rank_before=rank_before, rank=parcel.rank):
        moment = step_at(parcel, step) or one.received_at
        code = Code(deciding_code(one.steps(), step, moment))
        payload = ParcelStep(one.carrier_id, Code(carrier), Code(before), code)
        origin = origin_of(order, was_history, moment, "live")
        facts.add(f"parcel.{step}", moment, payload, actor=actor, about=about, origin=origin)
    if parcel.is_in_trouble and not was_in_trouble:
        moment = parcel.problem_at or one.received_at
        code = Code(logged_code(parcel.problem_code))
        trouble = ParcelProblem(one.carrier_id, Code(carrier), Code(parcel.status), code)
        origin = origin_of(order, was_history, moment, "live")
        facts.add("parcel.problem_reported", moment, trouble, actor=actor, about=about, origin=origin)


def _hear(cursor: Any, matched: Matched) -> None:
    """Write down which numbers are known as of now."""
    heard = [(told, parcels[0]) for told, parcels in matched.pairs if told.number in matched.followed]
    if heard:
        cursor.execute(
            statements.HEARD,
            {
                "accounts": array_of(told.push.account_id for told, _ in heard),
                "carriers": array_of(parcel.carrier_id for _, parcel in heard),
                "numbers": text_array_of(parcel.tracking_number for _, parcel in heard),
                "over": array_of(told.trace.over for told, _ in heard),
                "at": array_of(told.push.received_at for told, _ in heard),
            },
        )


def _finish(cursor: Any, matched: Matched, silent: list[int], refused: dict[int, str], at: datetime) -> None:
    """Write down what became of each push; one that tells of several numbers waits for the last of them."""
    states: dict[int, tuple[str, str, str]] = dict.fromkeys(silent, (PushState.APPLIED, "", ""))
    for told, _parcels in matched.pairs:
        states[told.push.id] = (PushState.APPLIED, "", "")
    for told in matched.unknown:
        states[told.push.id] = (PushState.WAITING, "", told.number)
    for push_id, code in refused.items():
        states[push_id] = (PushState.REFUSED, code, "")
    ids = sorted(pk for pk in states if pk not in matched.left)
    if ids:
        cursor.execute(statements.COUNT_FRESH)
        fresh = dict(cursor.fetchall())
        cursor.execute(
            statements.FINISH,
            {
                "at": at, "ids": array_of(ids), "states": text_array_of(states[pk][0] for pk in ids),
                "codes": text_array_of(states[pk][1] for pk in ids),
                "numbers": text_array_of(states[pk][2] for pk in ids),
                "scans": array_of(fresh.get(pk, 0) for pk in ids),
            },
        )  # fmt: skip
