"""Figures equal a recount in Python from the raw events, whatever the order and the windows; a rebuild agrees."""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from core.actors import SYSTEM, Actor
from core.events import Code, Fact, record_many
from core.folds import active_versions, rebuild
from core.models import Event
from kpi.folds.engine import DIMENSIONS
from kpi.folds.tickets import TICKETS
from kpi.metrics import METRICS
from kpi.models import Fact as Row
from kpi.models import Rollup, ShopDay, ShopSpread
from kpi.periods import period_of
from kpi.selectors import Filters, figures, rows_behind
from kpi.services import advance_folds
from tickets.events import (
    Dimensions,
    MessageSent,
    StatusChanged,
    TicketAssigned,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketsJoined,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
COUNTED_ELSEWHERE = ("first_contact_resolution", "repeat_contact_rate", "backlog", "backlog_now")
"""Recounted in test_solving.py."""
START = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Subject:
    """A ticket without a row: the log's ids are opaque."""

    pk: int
    event_type: str = "ticket"

    def event_streams(self) -> dict[str, int | None]:
        return {"ticket_id": self.pk, "customer_id": self.pk + 1000, "shop_id": self.pk % 3}


def dims(pk: int) -> dict[str, Any]:
    return {
        "channel": Code("form"),
        "priority": 20,
        "category": Code("quality"),
        "stage": Code("after_sale"),
        "is_complaint": pk % 4 == 0,
        "tier": Code("gold"),
        "team_id": 1,
        "agent_id": pk % 5,
    }


def life_of(pk: int, dice: random.Random) -> list[Fact]:
    """Return the events of one ticket's random life."""
    subject, staff, at = Subject(pk), Actor("staff", pk % 5), START + timedelta(minutes=dice.randrange(4000))

    def later() -> datetime:
        nonlocal at
        at += timedelta(seconds=dice.randrange(1, 20_000), milliseconds=dice.randrange(1000))
        return at

    facts = [Fact("ticket.opened", subject, SYSTEM, at, TicketOpened(**dims(pk)))]
    replies = 0
    for _ in range(dice.randrange(3)):
        changed = TicketAssigned(agent_id=dice.choice([None, pk % 5, 7]), team_id=1)
        facts.append(Fact("ticket.assigned", subject, staff, later(), changed))
    for _ in range(dice.randrange(4)):
        replies += 1
        sent = MessageSent(**dims(pk), seq=replies, is_first=replies == 1, turn_seconds=dice.choice([None, 60, 900]))
        facts.append(Fact("message.sent", subject, staff, later(), sent))
    for _ in range(dice.randrange(3)):
        resolved = TicketResolved(**dims(pk), waited=dice.randrange(500), replies=replies)
        facts.append(Fact("ticket.resolved", subject, staff, later(), resolved))
        if dice.random() < 0.5:
            facts.append(Fact("ticket.reopened", subject, SYSTEM, later(), TicketReopened(**dims(pk))))
    if dice.random() < 0.2:
        facts.append(Fact("ticket.marked_spam", subject, staff, later(), Dimensions(**dims(pk))))
        if dice.random() < 0.5:
            facts.append(Fact("ticket.unmarked_spam", subject, staff, later(), Dimensions(**dims(pk))))
    if dice.random() < 0.2:
        facts.append(Fact("ticket.merged", subject, staff, later(), TicketsJoined(other_id=pk + 1)))
        if dice.random() < 0.4:
            facts.append(Fact("ticket.unmerged", subject, staff, later(), TicketsJoined(other_id=pk + 1)))
    return facts


def recount() -> dict[tuple[str, str], tuple[Any, ...]]:
    """Count everything again from the raw events, one ticket at a time."""
    found: dict[tuple[str, str], tuple[Any, ...]] = {}

    def add(metric: str, key: str, event: Event, value: float | None, numerator: int = 1) -> None:
        day = event.at.astimezone(SHANGHAI).date()
        told = None if value is None else round(value, 3)  # the table keeps thousandths
        found[metric, key] = (day, event.shop_id, event.data["agent_id"], told, numerator)

    for ticket in Event.objects.values_list("ticket_id", flat=True).distinct():
        events = list(Event.objects.filter(ticket_id=ticket).order_by("id"))
        opened = next(e for e in events if e.kind == "ticket.opened")
        marks = [e.kind for e in events if e.kind in {"ticket.marked_spam", "ticket.unmarked_spam"}]
        joins = [e.kind for e in events if e.kind in {"ticket.merged", "ticket.unmerged"}]
        if (marks and marks[-1] == "ticket.marked_spam") or (joins and joins[-1] == "ticket.merged"):
            continue
        add("tickets_opened", f"ticket:{ticket}", opened, None)
        if opened.data["is_complaint"]:
            add("complaints_opened", f"ticket:{ticket}", opened, None)
        replies = sorted((e for e in events if e.kind == "message.sent"), key=lambda e: (e.at, e.pk))
        if replies:
            seconds = (replies[0].at - opened.at).total_seconds()
            add("first_response_time", f"ticket:{ticket}", replies[0], seconds)
        for reply in replies:
            if reply.data["turn_seconds"] is not None:
                add("response_time", f"event:{reply.pk}", reply, float(reply.data["turn_seconds"]))
        for number, event in enumerate(events):
            if event.kind != "ticket.resolved":
                continue
            again = any(later.kind == "ticket.reopened" for later in events[number + 1 :])
            total = (event.at - opened.at).total_seconds()
            add("tickets_resolved", f"event:{event.pk}", event, None)
            add("reopen_rate", f"event:{event.pk}", event, None, int(again))
            before = [e for e in events[:number] if e.kind in {"ticket.opened", "ticket.assigned"}]
            had = {e.data["agent_id"] for e in before} - {None}
            add("transfer_rate", f"event:{event.pk}", event, None, int(len(had) > 1))
            if not again:
                add("resolution_time", f"event:{event.pk}", event, max(0, total - event.data["waited"]))
                add("resolution_time_total", f"event:{event.pk}", event, total)
                add("one_touch_rate", f"event:{event.pk}", event, None, int(event.data["replies"] == 1))
    return found


def stored() -> dict[tuple[str, str], tuple[Any, ...]]:
    return {
        (row.metric, row.fact_key): (
            row.day,
            row.shop_id,
            row.agent_id,
            None if row.value is None else float(row.value),
            int(row.numerator),
        )
        for row in Row.objects.exclude(metric__in=COUNTED_ELSEWHERE)
    }


def cells_from_facts() -> Counter[tuple[Any, ...]]:
    cells: Counter[tuple[Any, ...]] = Counter()
    for row in Row.objects.all():
        cells[row.metric, row.day, *(getattr(row, name) for name in DIMENSIONS)] += 1
    return cells


def cells_from_rollup() -> Counter[tuple[Any, ...]]:
    cells: Counter[tuple[Any, ...]] = Counter()
    for row in Rollup.objects.exclude(n=0):
        cells[row.metric, row.day, *(getattr(row, name) for name in DIMENSIONS)] += row.n
    return cells


def assert_rollups_agree() -> None:
    """Compare all three roll-ups with the facts."""
    assert cells_from_rollup() == cells_from_facts()
    days: dict[Any, tuple[Any, ...]] = {}
    spreads: dict[Any, Counter[int]] = {}
    for row in Row.objects.all():
        cell = row.metric, row.day, row.shop_id
        old = days.get(cell, (0, 0, 0, 0))
        new = (1, row.value or 0, row.numerator, row.denominator)
        days[cell] = tuple(a + b for a, b in zip(old, new, strict=True))
        if row.value is not None:
            bucket = 0 if row.value < 1 else 1 + int(row.value.ln() / Decimal("1.02").ln())
            for span, first in (("day", row.day), ("month", row.day.replace(day=1))):
                spreads.setdefault((row.metric, span, first, row.shop_id), Counter())[bucket] += 1
    by_day = ShopDay.objects.exclude(n=0)
    assert days == {
        (one.metric, one.day, one.shop_id): (one.n, one.value_sum, one.numerator, one.denominator) for one in by_day
    }
    found = {
        (one.metric, one.span, one.first_on, one.shop_id): +Counter(dict(zip(one.buckets, one.counts, strict=True)))
        for one in ShopSpread.objects.all()
    }
    assert spreads == {cell: counts for cell, counts in found.items() if counts}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("seed", "chunk", "few"), [(1, 1, 20_000), (2, 3, 20_000), (3, 1000, 20_000), (4, 1, 0), (5, 3, 9)]
)
def test_figures_equal_a_recount_whatever_the_windows_and_the_chunks(seed, chunk, few, monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", chunk)
    monkeypatch.setattr("kpi.folds.engine.FEW_EVENTS", few)
    monkeypatch.setattr("kpi.folds.engine.CLEARED_AT_ONCE", 40)
    dice = random.Random(seed)
    facts = [fact for pk in range(1, 31) for fact in life_of(pk, dice)]
    # Tickets interleave; within one ticket the order of recording is the order of its life.
    facts.sort(key=lambda fact: fact.at)
    while facts:
        size = dice.randrange(1, 30)
        batch, facts = facts[:size], facts[size:]
        with transaction.atomic():
            record_many(batch, origin="live", untrusted=False)
        for _ in range(dice.randrange(4)):
            advance_folds(at=START, budget=timedelta(0))  # one chunk of each fold, within a window or across its end
    advance_folds(at=START)  # the window in progress
    advance_folds(at=START)  # and what came above it
    assert stored() == recount()
    assert_rollups_agree()
    before = stored()
    rebuild(TICKETS, START)
    assert stored() == before
    assert_rollups_agree()


@pytest.mark.django_db(transaction=True)
def test_a_new_version_counts_the_same_beside_the_old_one(monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", 4)
    dice = random.Random(6)
    with transaction.atomic():
        record_many([f for pk in range(1, 20) for f in life_of(pk, dice)], origin="live", untrusted=False)
    advance_folds(at=START)
    keys, month = ["tickets_opened", "resolution_time", "reopen_rate"], period_of("month", START.date())
    before = figures(keys, month, Filters())
    try:
        replace(TICKETS, version=TICKETS.version + 1).register()
        for _ in range(40):
            advance_folds(at=START, budget=timedelta(0))
            assert figures(keys, month, Filters()) == before
        assert active_versions()["tickets"] == TICKETS.version + 1
        assert {row.version for row in Row.objects.filter(fold="tickets")} == {TICKETS.version + 1}
        assert_rollups_agree()
    finally:
        TICKETS.register()


@pytest.mark.django_db(transaction=True)
def test_a_reopening_corrects_the_earlier_day():
    one = Subject(1)
    with transaction.atomic():
        record_many(
            [
                Fact("ticket.opened", one, SYSTEM, START, TicketOpened(**dims(1))),
                Fact(
                    "ticket.resolved",
                    one,
                    Actor("staff", 1),
                    START + timedelta(hours=1),
                    TicketResolved(**dims(1), replies=1),
                ),
            ],
            origin="live",
            untrusted=False,
        )
    advance_folds(at=START)
    period = period_of("day", START.date())
    keys = ["resolution_time", "reopen_rate", "tickets_resolved"]
    found = figures(keys, period, Filters())
    assert (found["resolution_time"].value, found["reopen_rate"].value) == (3600, 0)
    with transaction.atomic():
        record_many(
            [Fact("ticket.reopened", one, SYSTEM, START + timedelta(days=2), TicketReopened(**dims(1)))],
            origin="live",
            untrusted=False,
        )
    advance_folds(at=START)
    found = figures(keys, period, Filters())
    assert (found["resolution_time"].value, found["resolution_time"].n) == (None, 0)
    assert (found["reopen_rate"].value, found["tickets_resolved"].value) == (100, 1)


@pytest.mark.django_db(transaction=True)
def test_midnight_of_the_business_zone_cuts_the_day():
    last, first = datetime(2026, 11, 20, 15, 59, 59, 999999, tzinfo=UTC), datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
    with transaction.atomic():
        record_many(
            [
                Fact("ticket.opened", Subject(1), SYSTEM, last, TicketOpened(**dims(1))),
                Fact("ticket.opened", Subject(2), SYSTEM, first, TicketOpened(**dims(2))),
            ],
            origin="live",
            untrusted=False,
        )
    advance_folds(at=START)
    for day, expected in ((last.date(), 1), (first.astimezone(SHANGHAI).date(), 1)):
        assert figures(["tickets_opened"], period_of("day", day), Filters())["tickets_opened"].n == expected
    week = figures(["tickets_opened"], period_of("week", last.date()), Filters())["tickets_opened"]
    assert week.n == 2


@pytest.mark.django_db(transaction=True)
def test_a_number_opens_exactly_its_rows_and_filters_narrow_both():
    dice = random.Random(9)
    facts = [fact for pk in range(1, 25) for fact in life_of(pk, dice)]
    with transaction.atomic():
        record_many(facts, origin="live", untrusted=False)
    advance_folds(at=START)
    month = period_of("month", START.date())
    for filters in (Filters(), Filters(shop_id=1), Filters(shops=(0, 2)), Filters(agent_id=3), Filters(channel="chat")):
        found = figures(["tickets_opened", "first_response_time", "reopen_rate"], month, filters)
        for key, figure in found.items():
            rows = list(rows_behind(key, month.first, month.last, filters))
            assert figure.n == len(rows)
            if key == "first_response_time" and rows:
                assert figure.mean == pytest.approx(sum(float(row.value) for row in rows) / len(rows))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("span", ["day", "week", "month"])
def test_the_histogram_agrees_with_the_facts_within_one_percent(monkeypatch, span):
    dice = random.Random(5)
    facts = [fact for pk in range(1, 200) for fact in life_of(pk, dice)]
    with transaction.atomic():
        record_many(facts, origin="live", untrusted=False)
    advance_folds(at=START)
    period = period_of(span, START.date() + timedelta(days=1))
    monkeypatch.setattr("kpi.selectors.spreads.EXACT_LIMIT", 1)
    keys = ["first_response_time", "response_time", "resolution_time"]
    for key, figure in figures(keys, period, Filters()).items():
        for share, found in ((0.5, figure.p50), (0.9, figure.p90)):
            rows = rows_behind(key, period.first, period.last, Filters())
            values = sorted(float(row.value or 0) for row in rows)
            place = share * (len(values) - 1)
            lower, upper = values[math.floor(place)], values[math.ceil(place)]
            exact = lower + (upper - lower) * (place - math.floor(place))
            assert found == pytest.approx(exact, rel=0.0101)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("limit", [0, 10_000])
def test_the_roll_ups_by_shop_give_the_figures_of_the_full_grain(monkeypatch, limit):
    dice = random.Random(7)
    facts = [fact for pk in range(1, 60) for fact in life_of(pk, dice)]
    with transaction.atomic():
        record_many(facts, origin="live", untrusted=False)
    advance_folds(at=START)
    monkeypatch.setattr("kpi.selectors.spreads.EXACT_LIMIT", limit)
    for span in ("day", "week", "month"):
        for days in (0, 2, 20):
            period = period_of(span, START.date() + timedelta(days=days))
            for filters in (Filters(), Filters(shops=(0, 2)), Filters(shop_id=1), Filters(shops=())):
                by_shop = figures(list(METRICS), period, filters)
                with monkeypatch.context() as patch:
                    patch.setattr(Filters, "is_by_shop", False)
                    assert figures(list(METRICS), period, filters) == by_shop


@pytest.mark.django_db(transaction=True)
def test_imported_history_counts_in_its_day_but_not_in_our_service():
    old = Subject(1)
    facts = [
        Fact("ticket.opened", old, SYSTEM, START, TicketOpened(**dims(1))),
        Fact("message.sent", old, Actor("staff", 1), START + timedelta(days=9), MessageSent(**dims(1), seq=1)),
        Fact("ticket.status_changed", old, SYSTEM, START, StatusChanged(before=Code("new"), after=Code("open"))),
    ]
    with transaction.atomic():
        record_many(facts, origin="import")
    advance_folds(at=START)
    assert {row.metric for row in Row.objects.all()} == {
        *("tickets_opened", "repeat_contact_rate"),
        *("backlog", "backlog_now"),
    }


@pytest.mark.django_db(transaction=True)
def test_two_folders_at_once_count_once():
    import threading

    with transaction.atomic():
        record_many(
            [Fact("ticket.opened", Subject(pk), SYSTEM, START, TicketOpened(**dims(pk))) for pk in range(1, 50)],
            origin="live",
            untrusted=False,
        )

    def fold() -> None:
        try:
            advance_folds(at=START)
        finally:
            connection.close()

    threads = [threading.Thread(target=fold) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Row.objects.filter(metric="tickets_opened").count() == 49
    assert sum(Rollup.objects.filter(metric="tickets_opened").values_list("n", flat=True)) == 49
