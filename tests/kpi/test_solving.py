"""First contacts, repeats, closings and the backlog equal a recount from raw events and rows, whatever the windows."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from core.actors import SYSTEM, Actor
from core.events import Code, Fact, record, record_many
from core.folds import FOLDS, rebuild
from core.models import Event
from customers.models import Customer
from customers.services.merging import merge_customers, unmerge_customer
from kpi.models import Fact as Row
from kpi.periods import period_of, today
from kpi.selectors import Filters, figures, rows_behind
from kpi.services import advance_folds
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.tickets import make_ticket
from tests.kpi.test_folds import SHANGHAI, START, assert_rollups_agree
from tickets.calls_events import CallFact
from tickets.enums import ACTIVE_STATUSES
from tickets.events import (
    Dimensions,
    StatusChanged,
    TicketAssigned,
    TicketChanged,
    TicketOpened,
    TicketReopened,
    TicketResolved,
    TicketsJoined,
)
from tickets.models import Call, Category, Ticket
from tickets.services import assign_ticket, change_status, resolve_ticket
from tickets.work_events import TaskFact

STEPS = ("assign", "categorise", "resolve", "spam", "merge")
WEEK, HOUR = timedelta(days=7), timedelta(hours=1)
RATES = ("first_contact_resolution", "repeat_contact_rate", "resolution_rate", "resolution_rate_joint")
TOPS = {"quality": "quality", "broken": "quality", "delivery": "delivery"}


@dataclass(frozen=True)
class Subject:
    """A ticket without a row; several have one customer, some none."""

    pk: int
    event_type: str = "ticket"

    def event_streams(self) -> dict[str, int | None]:
        customer = None if self.pk % 11 == 0 else 900_000 + self.pk % 4
        return {"ticket_id": self.pk, "customer_id": customer, "shop_id": self.pk % 3}


@dataclass(frozen=True)
class Task(Subject):
    """A department task of the ticket."""

    event_type: str = "task"


def dims(category: str, team: int, agent: int | None) -> dict[str, Any]:
    return {
        "channel": Code("form"), "priority": 20, "category": Code(category), "stage": Code("after_sale"),
        "is_complaint": False, "tier": Code("gold"), "team_id": team, "agent_id": agent,
    }  # fmt: skip


def life_of(pk: int, dice: random.Random) -> list[Fact]:
    """Return the events of one ticket's random life, weeks long."""
    one, at = Subject(pk), START + timedelta(minutes=dice.randrange(30_000))
    category, team, agent, is_done, is_closed = dice.choice(list(TOPS)), 1, None, False, False
    facts = [Fact("ticket.opened", one, SYSTEM, at, TicketOpened(**dims(category, team, agent)))]
    for _ in range(dice.randrange(14)):
        at += timedelta(seconds=dice.choice((600, 30_000, 200_000, 700_000)) * dice.random() + 1)
        step = dice.choice(
            (*STEPS, *(("reopen",) * 4 if is_closed else ("close",) * 4 if is_done else ("resolve", "task", "task")))
        )
        if step == "assign":
            team, agent = dice.choice((1, 2)), dice.choice((None, 5, 6))
            facts.append(Fact("ticket.assigned", one, SYSTEM, at, TicketAssigned(agent_id=agent, team_id=team)))
        elif step == "categorise":
            category = dice.choice(list(TOPS))
            facts.append(Fact("ticket.changed", one, SYSTEM, at, TicketChanged(**dims(category, team, agent))))
        elif step == "task" and not is_done:
            asked = TaskFact(team_id=3, kind=Code("check"), due_at=at)
            facts.append(Fact("task.asked", Task(pk), SYSTEM, at, asked))
        elif step == "resolve" and not is_done:
            facts.append(Fact("ticket.resolved", one, SYSTEM, at, TicketResolved(**dims(category, team, agent))))
            is_done = True
        elif step == "close" and is_done and not is_closed:
            closed = StatusChanged(Code("resolved"), Code("closed"))
            facts.append(Fact("ticket.closed", one, SYSTEM, at, closed))
            is_closed = True
        elif step == "reopen" and is_done:
            facts.append(Fact("ticket.reopened", one, SYSTEM, at, TicketReopened(**dims(category, team, agent))))
            is_done = is_closed = False
        elif step == "spam" and dice.random() < 0.3:
            facts.append(Fact("ticket.marked_spam", one, SYSTEM, at, Dimensions(**dims(category, team, agent))))
        elif step == "merge" and dice.random() < 0.3:
            facts.append(Fact("ticket.merged", one, SYSTEM, at, TicketsJoined(other_id=pk + 1)))
    return facts


def raw() -> dict[int, list[Event]]:
    """Return the events by ticket, without those that do not count."""
    found: dict[int, list[Event]] = {}
    for event in Event.objects.filter(ticket_id__isnull=False).order_by("id"):
        found.setdefault(event.ticket_id, []).append(event)
    return {
        pk: events
        for pk, events in found.items()
        if not {"ticket.marked_spam", "ticket.merged"} & {event.kind for event in events}
    }


def _person(event: Event) -> int | None:
    row = Customer.objects.filter(pk=event.customer_id).first()
    return row.merged_into_id or row.pk if row else event.customer_id


def _top(events: list[Event]) -> str:
    key = [e.data["category"] for e in events if e.kind in {"ticket.opened", "ticket.changed"}][-1]
    row = Category.objects.filter(key=key).first()
    return row.parent.key if row and row.parent else key


def recount_rates() -> dict[tuple[str, str], tuple[datetime, int]]:
    """Count the four rates again, ticket by ticket."""
    tickets, found = raw(), {}
    who = {pk: (_person(events[0]), _top(events)) for pk, events in tickets.items()}
    for pk, events in tickets.items():
        opened = events[0].at
        mates = [tickets[one][0].at for one in tickets if one != pk and who[one] == who[pk] and who[pk][0] is not None]
        back = any(opened - WEEK <= at <= opened for at in mates)
        found["repeat_contact_rate", f"ticket:{pk}"] = opened, int(back)
        again = [e for e in events if e.kind == "ticket.reopened"]
        for event in events:
            if event.kind == "ticket.resolved" and not any(e.pk > event.pk for e in again):
                came = any(event.at < at <= event.at + WEEK for at in mates)
                place = "first_contact_resolution", f"event:{event.pk}"
                found[place] = event.at, int(not again and not came)
            if event.kind == "ticket.closed":
                upon = [e for e in events if e.kind == "ticket.resolved" and e.pk < event.pk][-1]
                solved = not any(e.pk > upon.pk and e.at <= upon.at + WEEK for e in again)
                found["resolution_rate", f"event:{event.pk}"] = event.at, int(solved)
                if any(e.kind == "task.asked" and e.pk < event.pk for e in events):
                    found["resolution_rate_joint", f"event:{event.pk}"] = event.at, int(solved)
    return found


def stored_rates() -> dict[tuple[str, str], tuple[datetime, int]]:
    return {(one.metric, one.fact_key): (one.at, int(one.numerator)) for one in Row.objects.filter(metric__in=RATES)}


def recount_backlog(day: date) -> dict[int, tuple[int | None, int | None, str]]:
    """Return {ticket: (team, agent, category)} of what was open as a day of the business zone ended."""
    found = {}
    for pk, events in raw().items():
        state, team, agent, category = "", None, None, ""
        for event in events:
            if event.at.astimezone(SHANGHAI).date() > day or not event.kind.startswith("ticket."):
                continue
            state = event.kind if event.kind not in {"ticket.assigned", "ticket.changed"} else state
            if event.kind != "ticket.closed":
                team, agent = event.data.get("team_id"), event.data.get("agent_id")
                category = event.data.get("category") or category
        if state in {"ticket.opened", "ticket.reopened"}:
            found[pk] = team, agent, category
    return found


def _days() -> list[date]:
    first = START.astimezone(SHANGHAI).date()
    return [first + timedelta(days=n) for n in range(-1, 60, 3)]


def check_backlog() -> None:
    """Compare levels, trends, filters and rows of many days with the recount."""
    for day in _days():
        expected, period = recount_backlog(day), period_of("day", day)
        for filters, mine in (
            (Filters(), expected),
            (Filters(shop_id=1), {pk: told for pk, told in expected.items() if pk % 3 == 1}),
            (Filters(team_id=2), {pk: told for pk, told in expected.items() if told[0] == 2}),
            (Filters(category="broken"), {pk: told for pk, told in expected.items() if told[2] == "broken"}),
        ):
            figure = figures(["backlog"], period, filters)["backlog"]
            assert (figure.value, figure.n) == (len(mine), len(mine))
            rows = {
                row.root_id: (row.team_id, row.agent_id, row.category)
                for row in rows_behind("backlog", day, day, filters)
            }
            assert rows == mine
        broken = [told[2] for told in recount_backlog(day - timedelta(days=1)).values()].count("broken")
        assert (figure.previous, figure.series[-2][1]) == (broken, broken)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("seed", "chunk", "few"), [(4, 2, 20_000), (2, 1000, 5)])
def test_all_of_it_equals_a_recount_whatever_the_windows(seed, chunk, few, monkeypatch):
    monkeypatch.setattr("core.folds.CHUNK_ROOTS", chunk)
    monkeypatch.setattr("kpi.folds.engine.FEW_EVENTS", few)
    quality, _new = Category.objects.get_or_create(key="quality", defaults={"name_zh": "质量", "name_en": "Quality"})
    Category.objects.create(key="broken", name_zh="破损", name_en="Broken", parent=quality)
    Category.objects.get_or_create(key="delivery", defaults={"name_zh": "配送", "name_en": "Delivery"})
    dice = random.Random(seed)
    facts = sorted((fact for pk in range(1, 31) for fact in life_of(pk, dice)), key=lambda fact: fact.at)
    while facts:
        size = dice.randrange(1, 40)
        batch, facts = facts[:size], facts[size:]
        with transaction.atomic():
            record_many(batch, origin="live", untrusted=False)
        for _ in range(dice.randrange(4)):
            advance_folds(at=START, budget=timedelta(0))
    advance_folds(at=START)
    advance_folds(at=START)
    expected = recount_rates()
    assert stored_rates() == expected
    seen = Counter((metric, good) for (metric, _key), (_at, good) in expected.items())
    assert set(seen) >= {(metric, good) for metric in RATES[:3] for good in (0, 1)}
    assert {metric for metric, _good in seen} == set(RATES)
    check_backlog()
    assert_rollups_agree()
    for name in ("contacts", "tickets"):
        rebuild(FOLDS[name], START)
    assert stored_rates() == expected
    check_backlog()
    assert_rollups_agree()


@pytest.mark.django_db(transaction=True)
def test_joining_two_records_of_a_customer_recounts_both():
    now, boss = timezone.now(), Actor.staff(make_staff(roles=["manager"]))
    one, other = make_customer(), make_customer()
    category = Category.objects.get(key="quality")
    first = make_ticket(customer=one, at=now - 3 * HOUR, category_id=category.pk)
    resolve_ticket(ticket_id=first.pk, actor=boss, at=now - 2 * HOUR)
    make_ticket(customer=other, at=now - HOUR, category_id=category.pk)
    advance_folds(at=now)
    assert stored_rates() == recount_rates()
    assert sorted(good for _at, good in stored_rates().values()) == [0, 0, 1]
    merge_customers(source_id=other.pk, target_id=one.pk, actor=boss, at=now)
    advance_folds(at=now)
    assert stored_rates() == recount_rates()
    assert {key[0]: good for key, (_at, good) in stored_rates().items() if good} == {"repeat_contact_rate": 1}
    unmerge_customer(source_id=other.pk, actor=boss, at=now)
    advance_folds(at=now)
    assert stored_rates() == recount_rates()
    assert sorted(good for _at, good in stored_rates().values()) == [0, 0, 1]


@pytest.mark.django_db(transaction=True)
def test_handling_time_is_the_work_seen_in_the_console_and_on_the_phone(client: Client):
    now = timezone.now()
    agent, helper, boss = make_staff(), make_staff(), make_staff(roles=["manager"])
    worked, back, untouched, open_ = (make_ticket(at=now - HOUR) for _ in range(4))
    for staff, ticket, told in (
        (agent, worked, ("70", "20")),
        (helper, worked, ("30", "0", "-5", "x", "9999999")),
        (agent, back, ("40",)),
        (agent, open_, ("10",)),
    ):
        client.force_login(staff)
        for seconds in told:
            answer = client.post(reverse("tickets:here", args=[ticket.pk]), {"gone": "1", "worked": seconds})
            assert answer.status_code == 204
    for ticket in (worked, back, untouched):
        resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(agent), at=now)
    call = Call(pk=7, ticket=worked)
    with transaction.atomic():
        ended = CallFact(direction=Code("in"), line_id=1, talked=120, agent_id=agent.pk)
        record("call.ended", subject=call, actor=SYSTEM, at=now, data=ended)
        record("call.wrapped_up", subject=call, actor=SYSTEM, at=now, data=replace(ended, wrapped=15))
    change_status(ticket_id=back.pk, status="open", actor=Actor.staff(agent), at=now)
    advance_folds(at=now)
    kinds = Event.objects.filter(kind="ticket.worked", ticket_id=worked.pk)
    assert sorted(event.data["seconds"] for event in kinds) == [20, 30, 70]
    facts = Row.objects.filter(metric="handle_time")
    assert [(one.ticket_id, int(one.value)) for one in facts] == [(worked.pk, 70 + 20 + 30 + 120 + 15)]
    figure = figures(["handle_time"], period_of("day", today(now)), Filters())["handle_time"]
    assert (figure.value, figure.n) == (255, 1)
    client.force_login(boss)
    page = client.get(f"{reverse('kpi:rows', args=['handle_time'])}?day={today(now)}")
    assert [row["fact"].ticket_id for row in page.context["rows"]] == [worked.pk]
    client.force_login(agent)
    client.post(reverse("tickets:here", args=[worked.pk]), {"gone": "1", "worked": "5"})
    advance_folds(at=now)
    assert int(Row.objects.get(metric="handle_time").value) == 260


@pytest.mark.django_db(transaction=True)
def test_the_backlog_is_what_stands_open_and_opens_its_rows_with_ages(client: Client):
    now, boss = timezone.now(), make_staff(roles=["manager"])
    mine, agent = make_team(), make_staff()
    old, new, done = (make_ticket(at=now - days * timedelta(days=1)) for days in (10, 2, 5))
    resolve_ticket(ticket_id=done.pk, actor=Actor.staff(boss), at=now - timedelta(days=3))
    assign_ticket(ticket_id=new.pk, team_id=mine.pk, assignee_id=agent.pk, actor=SYSTEM, at=now)
    advance_folds(at=now)
    client.force_login(boss)
    month = f"?span=month&day={today(now)}"
    page = client.get(reverse("kpi:rows", args=["backlog"]) + month)
    assert page.context["card"]["n"] == Ticket.objects.filter(status__in=ACTIVE_STATUSES).count() == 2
    assert [row["fact"].ticket_id for row in page.context["rows"]] == [new.pk, old.pk]
    assert [n for _label, n in page.context["ages"]] == [0, 1, 0, 1, 0]
    past = client.get(f"{reverse('kpi:rows', args=['backlog'])}?day={today(now - timedelta(days=4))}")
    assert {row["fact"].ticket_id for row in past.context["rows"]} == {old.pk, done.pk}
    assert [n for _label, n in past.context["ages"]] == [0, 1, 1, 0, 0]
    team = client.get(reverse("kpi:rows", args=["backlog"]) + f"{month}&team={mine.pk}")
    assert [row["fact"].ticket_id for row in team.context["rows"]] == [new.pk]
    book = client.get(reverse("kpi:export", args=["backlog"]) + month)
    lines = list(load_workbook(BytesIO(book.content)).active.iter_rows(values_only=True))
    assert [line[1] for line in lines[1:]] == [str(new.pk + 100_000), str(old.pk + 100_000)]
    assert lines[2][3] == pytest.approx(864_000, abs=5)
    tomorrow = figures(["backlog"], period_of("day", today(now) + timedelta(days=1)), Filters(), until=today(now))
    assert tomorrow["backlog"].value is None
