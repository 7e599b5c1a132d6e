"""What the board says of this moment, against a recount of tickets and clocks row by row."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.permissions import shop_scope
from core.actors import SYSTEM, Actor
from kpi.live import board_now
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_shop
from tests.factories.tickets import make_reply, make_ticket
from tickets.models import SlaClock, SlaPolicy, Ticket
from tickets.services import add_customer_message, assign_ticket, change_status, mark_spam, resolve_ticket
from tickets.services.merging import merge_tickets

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
LATE = {
    "first_response": "First reply overdue",
    "next_response": "Next reply overdue",
    "resolution": "Solution overdue",
}


def shown(staff) -> dict[str, int]:
    with translation.override("en"), CaptureQueriesContext(connection) as seen:
        lines = board_now(staff)
    assert len([one for one in seen if "tickets_" in one["sql"]]) == 1
    return {line["label"]: line["value"] for line in lines}


def recount(staff, now: datetime) -> dict[str, int]:
    """Count from raw rows, clock by clock, by what the design says of them."""
    scope = shop_scope(staff)
    found = dict.fromkeys([*LATE.values(), "At risk", "Open tickets", "Unassigned tickets"], 0)
    for ticket in Ticket.objects.all():
        if ticket.is_spam or ticket.merged_into_id or (scope is not None and ticket.shop_id not in scope):
            continue
        is_open = ticket.status in {"new", "open", "waiting_department"}
        found["Open tickets"] += is_open
        found["Unassigned tickets"] += is_open and ticket.assignee_id is None
        running = list(SlaClock.objects.filter(ticket=ticket, state="running"))
        for clock in running:
            found[LATE[clock.kind]] += clock.due_at < now
        nothing_late = all(clock.due_at >= now for clock in running)
        found["At risk"] += bool(running) and nothing_late and any(clock.warn_at <= now for clock in running)
    return found


def test_late_and_at_risk_are_what_the_running_clocks_say():
    now = timezone.now()
    SlaPolicy.objects.update(
        first_response_minutes=120, next_response_minutes=240, resolution_minutes=2880, pauses_for_department=True
    )
    mine, other = make_shop(), make_shop()
    staff = make_staff(roles=["supervisor"], teams=[make_team(shop_ids=[mine.pk])])
    boss = make_staff(roles=["manager"])
    agent = make_staff(roles=["agent"])
    by = Actor.staff(agent)
    make_ticket(at=now - 5 * HOUR, shop_id=other.pk)  # first reply late, elsewhere
    make_ticket(at=now - 50 * HOUR, shop_id=mine.pk)  # first reply and solution late
    make_ticket(at=now - 1.75 * HOUR, shop_id=mine.pk)  # at risk
    make_ticket(at=now - HOUR / 2, shop_id=mine.pk)
    waiting = make_ticket(at=now - 60 * HOUR, shop_id=mine.pk)
    change_status(ticket_id=waiting.pk, status="waiting_customer", actor=by, at=now - 59 * HOUR)
    department = make_ticket(at=now - 60 * HOUR, shop_id=mine.pk)  # the old columns called this one late
    change_status(ticket_id=department.pk, status="waiting_department", actor=by, at=now - 59.5 * HOUR)
    again = make_ticket(at=now - 30 * HOUR, shop_id=mine.pk)  # the old columns knew no next reply
    make_reply(again, agent, at=now - 29 * HOUR)
    add_customer_message(
        ticket_id=again.pk,
        text="怎么还没有消息？",
        channel="form",
        actor=Actor.customer(again.customer),
        at=now - 5 * HOUR,
    )
    solved = make_ticket(at=now - 70 * HOUR, shop_id=mine.pk)
    make_reply(solved, agent, at=now - 69 * HOUR)
    resolve_ticket(ticket_id=solved.pk, actor=by, at=now - HOUR)
    spam = make_ticket(at=now - 5 * HOUR, shop_id=mine.pk)
    mark_spam(ticket_id=spam.pk, actor=by, at=now - HOUR)
    joined = make_ticket(at=now - 5 * HOUR, shop_id=mine.pk, customer=again.customer)
    merge_tickets(source_id=joined.pk, target_id=again.pk, actor=SYSTEM, at=now - HOUR)

    for one in (again, waiting):
        assign_ticket(ticket_id=one.pk, assignee_id=agent.pk, actor=by, at=now - HOUR)
    free = make_ticket(at=now - HOUR, shop_id=mine.pk)
    change_status(ticket_id=free.pk, status="waiting_customer", actor=by, at=now)

    for reader in (boss, staff):
        counts, expected = shown(reader), recount(reader, now)
        assert {name: counts[name] for name in expected} == expected
    assert (shown(boss)["First reply overdue"], shown(staff)["First reply overdue"]) == (2, 1)
    assert (shown(staff)["Next reply overdue"], shown(staff)["Solution overdue"]) == (1, 1)
    assert shown(staff)["At risk"] == 1
