"""Figures equal a recount in Python from the raw events, whatever the order and the windows; a rebuild agrees."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from core.actors import SYSTEM, Actor
from core.events import Code, Fact, record_many
from core.folds import rebuild
from core.models import Event
from kpi.folds.engine import DIMENSIONS
from kpi.folds.tickets import TICKETS
from kpi.models import Fact as Row
from kpi.models import Rollup
from kpi.periods import period_of
from kpi.selectors import Filters, figures, rows_behind
from kpi.services import advance_folds
from tickets.events import Dimensions, MessageSent, StatusChanged, TicketOpened, TicketReopened, TicketResolved

SHANGHAI = ZoneInfo("Asia/Shanghai")
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
    return facts


def recount() -> dict[tuple[str, str], tuple[Any, ...]]:
    """Count everything again from the raw events, one ticket at a time."""
    found: dict[tuple[str, str], tuple[Any, ...]] = {}

    def add(metric: str, key: str, event: Event, value: float | None, numerator: int = 1) -> None:
        day = event.at.astimezone(SHANGHAI).date()
        found[metric, key] = (day, event.shop_id, event.data["agent_id"], value, numerator)

    for ticket in Event.objects.values_list("ticket_id", flat=True).distinct():
        events = list(Event.objects.filter(ticket_id=ticket).order_by("id"))
        opened = next(e for e in events if e.kind == "ticket.opened")
        marks = [e.kind for e in events if e.kind in {"ticket.marked_spam", "ticket.unmarked_spam"}]
        if marks and marks[-1] == "ticket.marked_spam":
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
        for row in Row.objects.all()
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_equal_a_recount(seed):
    dice = random.Random(seed)
    facts = [fact for pk in range(1, 31) for fact in life_of(pk, dice)]
    # Tickets interleave; within one ticket the order of recording is the order of its life.
    facts.sort(key=lambda fact: fact.at)
    while facts:
        size = dice.randrange(1, 30)
        batch, facts = facts[:size], facts[size:]
        with transaction.atomic():
            record_many(batch, origin="live", untrusted=False)
        if dice.random() < 0.7:
            advance_folds(at=START)
    advance_folds(at=START)
    assert stored() == recount()
    assert cells_from_rollup() == cells_from_facts()
    before = stored()
    rebuild(TICKETS, START)
    assert stored() == before
    assert cells_from_rollup() == cells_from_facts()


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
def test_the_histogram_agrees_with_the_facts_within_one_percent(monkeypatch):
    dice = random.Random(5)
    facts = [fact for pk in range(1, 200) for fact in life_of(pk, dice)]
    with transaction.atomic():
        record_many(facts, origin="live", untrusted=False)
    advance_folds(at=START)
    month = period_of("month", START.date())
    exact = figures(["resolution_time"], month, Filters())["resolution_time"]
    monkeypatch.setattr("kpi.selectors.spreads.EXACT_LIMIT", 1)
    coarse = figures(["resolution_time"], month, Filters())["resolution_time"]
    assert exact.p50 is not None
    assert coarse.p50 == pytest.approx(exact.p50, rel=0.03)
    assert coarse.p90 == pytest.approx(exact.p90, rel=0.03)


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
    assert {row.metric for row in Row.objects.all()} == {"tickets_opened"}


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
