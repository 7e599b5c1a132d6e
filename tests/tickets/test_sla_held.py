"""Answers written that have not gone: no clock stops for them, and only those still to be taken back are waited for."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone, translation

from accounts.models import Notification
from accounts.notice_words import words_for
from core.actors import SYSTEM, Actor
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_ticket
from tickets import services
from tickets.models import HeldMessage, SlaClock
from tickets.services.clocks import DUE_JOB
from tickets.services.sla.acting import act_on_due, escalate_breach
from tickets.services.sla.rebuilding import differences
from tickets.services.undo_send import Pressed

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
DUE = AT + 2 * HOUR


@pytest.fixture(autouse=True)
def ten_seconds(settings):
    settings.UNDO_SEND_SECONDS = 10


def press(ticket, staff, *, at, due_at=None, text="马上为您补发。", **more) -> HeldMessage:
    pressed = Pressed(source=text, client_id=uuid4(), **more)
    held = services.hold_message(ticket_id=ticket.pk, pressed=pressed, actor=Actor.staff(staff), at=at, due_at=due_at)
    assert isinstance(held, HeldMessage)
    return held


def first_of(ticket) -> SlaClock:
    return SlaClock.objects.get(ticket=ticket, kind="first_response")


def come_due(ticket, at, kind="first_response") -> bool:
    clock = SlaClock.objects.get(ticket=ticket, kind=kind)
    return act_on_due(ticket_id=ticket.pk, clock_id=clock.pk, generation=clock.generation, point="breach", at=at)


def kinds(ticket):
    rows = Event.objects.filter(ticket_id=ticket.pk, kind__startswith="clock.").order_by("id")
    return [(row.kind, row.at, row.data["was_kept"]) for row in rows]


def test_an_answer_pressed_in_time_is_in_time_though_the_deadline_came_while_it_could_be_taken_back():
    staff, ticket = make_staff(), make_ticket(at=AT)
    pressed_at = DUE - 3 * SECOND
    held = press(ticket, staff, at=pressed_at)
    assert come_due(ticket, DUE + SECOND) is False
    assert first_of(ticket).state == "running"  # written is not sent
    again = Job.objects.filter(name=DUE_JOB, due_at=held.due_at + 2 * SECOND).get()
    assert again.payload["point"] == "breach"
    services.release_held(held_id=held.pk, version=held.version, at=held.due_at)
    first = first_of(ticket)
    assert (first.state, first.met_at, first.breached_at) == ("met", pressed_at, None)
    assert kinds(ticket) == [("clock.met", pressed_at, True)]
    assert act_on_due(at=DUE + HOUR, **again.payload) is False  # the second look finds its work done
    assert differences(ticket, at=DUE + HOUR) == []


def test_an_answer_taken_back_leaves_the_deadline_missed_when_it_was():
    staff, ticket = make_staff(), make_ticket(at=AT)
    held = press(ticket, staff, at=DUE - SECOND)
    assert come_due(ticket, DUE + SECOND) is False
    services.take_back(held_id=held.pk, staff_id=staff.pk, at=DUE + 4 * SECOND)
    again = Job.objects.get(name=DUE_JOB, due_at=held.due_at + 2 * SECOND)
    assert act_on_due(at=held.due_at + 2 * SECOND, **again.payload) is True
    assert kinds(ticket) == [("clock.breached", DUE, False)]


@pytest.mark.parametrize("case", ["late", "note", "stuck"])
def test_a_deadline_waits_for_nothing_else(case):
    staff, ticket = make_staff(), make_ticket(at=AT)
    pressed_at = DUE + SECOND if case == "late" else DUE - SECOND
    press(ticket, staff, at=pressed_at, kind="note" if case == "note" else "public")
    at = DUE + 2 * SECOND if case != "stuck" else DUE + timedelta(minutes=2)  # the sending never came
    assert come_due(ticket, at) is True
    assert first_of(ticket).breached_at == DUE


def test_a_planned_answer_stops_no_clock_and_the_notice_says_it_waits():
    agent, boss, ticket = make_staff(), make_staff(roles=["manager"]), make_ticket(at=AT)
    services.assign_ticket(ticket_id=ticket.pk, assignee_id=agent.pk, actor=SYSTEM, at=AT)
    held = press(ticket, agent, at=AT + HOUR, due_at=AT + 5 * HOUR)
    assert first_of(ticket).state == "running"
    assert come_due(ticket, DUE) is True
    escalate_breach(clock_id=first_of(ticket).pk, at=DUE)
    for staff in (agent, boss):
        notice = Notification.objects.get(staff=staff, kind="ticket.clock_breached")
        assert notice.params["answer_at"] == held.due_at.isoformat()
        with translation.override("en"), timezone.override("Asia/Shanghai"):
            assert words_for(notice).text.endswith("An answer is written and goes on Fri 20 Nov 15:00.")
    services.release_held(held_id=held.pk, version=held.version, at=held.due_at)
    first = first_of(ticket)
    assert (first.met_at, first.breached_at) == (held.due_at, DUE)
    assert kinds(ticket)[-1] == ("clock.met", held.due_at, False)


def test_the_notice_of_a_solution_speaks_only_of_an_answer_that_solves():
    agent, ticket = make_staff(roles=["manager"]), make_ticket(at=AT)
    press(ticket, agent, at=AT + 47 * HOUR, due_at=AT + 50 * HOUR)
    assert come_due(ticket, AT + 48 * HOUR, "resolution") is True
    clock = SlaClock.objects.get(ticket=ticket, kind="resolution")
    escalate_breach(clock_id=clock.pk, at=AT + 48 * HOUR)
    assert "answer_at" not in Notification.objects.get(staff=agent).params
    press(ticket, agent, at=AT + 47 * HOUR, due_at=AT + 51 * HOUR, then_status="resolved")
    escalate_breach(clock_id=clock.pk, at=AT + 48 * HOUR)
    assert Notification.objects.filter(staff=agent).latest("pk").params["answer_at"]


@pytest.mark.django_db(transaction=True)
def test_the_worker_lets_an_answer_go_before_it_calls_the_deadline_missed():
    now = datetime.now(UTC)
    staff, ticket = make_staff(), make_ticket(at=now - 2 * HOUR - 3 * SECOND)  # due three seconds ago
    held = press(ticket, staff, at=now - 4 * SECOND)
    drain(seconds=5)
    assert kinds(ticket) == []
    HeldMessage.objects.filter(pk=held.pk).update(due_at=now - SECOND)
    Job.objects.filter(name="tickets.release_held").update(due_at=now - SECOND)
    drain(seconds=15)
    assert [(kind, kept) for kind, _at, kept in kinds(ticket)] == [("clock.met", True)]
