"""Clocks: three kinds that never mix, each right whatever people do; what they owe and what a breach does."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.desk import make_category
from tests.factories.tickets import make_reply, make_ticket
from tickets import services
from tickets.models import Category, SlaClock, SlaPolicy
from tickets.services.clocks import DUE_JOB
from tickets.services.sla.acting import act_on_due, escalate_breach
from tickets.services.sla.rebuilding import differences, repair_clocks

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def clocks(ticket, kind=None):
    rows = SlaClock.objects.filter(ticket=ticket).order_by("kind", "round")
    return list(rows.filter(kind=kind) if kind else rows)


def clock(ticket, kind):
    return SlaClock.objects.filter(ticket=ticket, kind=kind).latest("round")


def write(ticket, at, text="请问到哪里了"):
    customer = Actor.customer(ticket.customer_id)
    return services.add_customer_message(
        ticket_id=ticket.pk, text=text, channel="form", client_id=uuid4(), actor=customer, at=at
    )


def put(ticket, status, at, staff=None):
    actor = Actor.staff(staff) if staff else SYSTEM
    return services.change_status(ticket_id=ticket.pk, status=status, actor=actor, at=at)


def happened(ticket, kind):
    return list(Event.objects.filter(ticket_id=ticket.pk, kind=kind).order_by("id"))


def make_policy(**fields):
    given = {"name": "快", "first_response_minutes": 30, "resolution_minutes": 600, "position": 10, **fields}
    return SlaPolicy.objects.create(**given)


def test_opening_starts_the_first_reply_and_the_solution():
    ticket = make_ticket(at=AT)
    first, solution = clocks(ticket)
    assert (first.kind, first.state, first.due_at, first.warn_at) == (
        "first_response", "running", AT + 2 * HOUR, AT + timedelta(minutes=90),
    )  # fmt: skip
    assert (solution.kind, solution.due_at) == ("resolution", AT + 48 * HOUR)
    assert (ticket.next_due_at, ticket.warn_at) == (AT + 2 * HOUR, AT + timedelta(minutes=90))
    assert ticket.next_response_due_at is None
    owed = Job.objects.filter(name=DUE_JOB, state="ready").values_list("key", "due_at")
    assert set(owed) == {
        (f"{first.pk}:1:warning", first.warn_at),
        (f"{solution.pk}:1:warning", solution.warn_at),
    }


def test_an_answer_stops_the_first_clock_and_the_next_turn_starts_its_own():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + HOUR)
    ticket.refresh_from_db()
    assert clock(ticket, "first_response").met_at == AT + HOUR
    assert clocks(ticket, "next_response") == []
    assert ticket.next_due_at == AT + 48 * HOUR
    write(ticket, AT + 3 * HOUR)
    write(ticket, AT + 4 * HOUR)  # the same burst
    ticket.refresh_from_db()
    turn = clock(ticket, "next_response")
    assert (turn.round, turn.started_at, turn.due_at) == (1, AT + 3 * HOUR, AT + 7 * HOUR)
    assert ticket.next_response_due_at == ticket.next_due_at == AT + 7 * HOUR
    make_reply(ticket, staff, at=AT + 5 * HOUR)
    write(ticket, AT + 6 * HOUR)
    assert [(row.round, row.state) for row in clocks(ticket, "next_response")] == [(1, "met"), (2, "running")]
    met = happened(ticket, "clock.met")
    assert [(e.data["clock"], e.data["seconds"], e.data["was_kept"]) for e in met] == [
        ("first_response", 3600, True), ("next_response", 7200, True),
    ]  # fmt: skip
    assert {e.data["policy_id"] for e in met} == {ticket.policy_id}


def test_all_clocks_stand_still_while_the_customer_is_asked():
    staff, ticket = make_staff(), make_ticket(at=AT)
    put(ticket, "waiting_customer", AT + HOUR, staff)
    ticket.refresh_from_db()
    assert {row.state for row in clocks(ticket)} == {"paused"}
    assert (ticket.next_due_at, ticket.warn_at) == (None, None)
    assert not Job.objects.filter(name=DUE_JOB, state="ready").exists()
    write(ticket, AT + 11 * HOUR)
    ticket.refresh_from_db()
    assert clock(ticket, "first_response").due_at == AT + 12 * HOUR
    assert clock(ticket, "resolution").due_at == AT + 58 * HOUR
    assert ticket.next_due_at == AT + 12 * HOUR
    assert Job.objects.filter(name=DUE_JOB, state="ready").count() == 2


@pytest.mark.parametrize("pauses", [True, False])
def test_waiting_for_a_department_pauses_when_the_policy_says_so(pauses):
    SlaPolicy.objects.update(pauses_for_department=pauses)
    staff, ticket = make_staff(), make_ticket(at=AT)
    put(ticket, "waiting_department", AT + HOUR, staff)
    put(ticket, "open", AT + 6 * HOUR, staff)
    assert clock(ticket, "resolution").due_at == AT + (53 if pauses else 48) * HOUR


def test_a_solution_that_did_not_hold_runs_on_without_the_time_between():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + HOUR, then_status="resolved")
    ticket.refresh_from_db()
    assert (clock(ticket, "resolution").state, ticket.next_due_at) == ("met", None)
    write(ticket, AT + 5 * HOUR)
    solution = clock(ticket, "resolution")
    assert (solution.state, solution.met_at, solution.due_at) == ("running", None, AT + 52 * HOUR)
    put(ticket, "resolved", AT + 60 * HOUR, staff)
    solution = clock(ticket, "resolution")
    assert (solution.met_at, solution.breached_at) == (AT + 60 * HOUR, AT + 52 * HOUR)


def test_a_turn_left_unanswered_by_a_resolution_stands_still_and_goes_on():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + HOUR)
    write(ticket, AT + 2 * HOUR, "谢谢")
    put(ticket, "resolved", AT + 3 * HOUR, staff)
    assert clock(ticket, "next_response").state == "paused"
    write(ticket, AT + 10 * HOUR, "又坏了")
    turn = clock(ticket, "next_response")
    assert (turn.round, turn.state, turn.due_at) == (1, "running", AT + 13 * HOUR)


def test_spam_stands_still_and_comes_back():
    ticket = make_ticket(at=AT, is_spam=True)
    assert {row.state for row in clocks(ticket)} == {"paused"}
    assert not Job.objects.filter(name=DUE_JOB).exists()
    services.mark_spam(ticket_id=ticket.pk, is_spam=False, actor=SYSTEM, at=AT + 3 * HOUR)
    assert clock(ticket, "first_response").due_at == AT + 5 * HOUR
    assert differences(ticket, at=AT + 3 * HOUR) == []


def test_a_late_answer_is_written_down_as_missed_without_any_worker():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + 3 * HOUR)
    (breach,) = happened(ticket, "clock.breached")
    assert (breach.at, breach.data["clock"], breach.data["target"]) == (AT + 2 * HOUR, "first_response", 7200)
    (met,) = happened(ticket, "clock.met")
    assert (met.data["was_kept"], met.data["seconds"], met.data["plain"]) == (False, 3 * 3600, 3 * 3600)


def act(row, point, at):
    return act_on_due(ticket_id=row.ticket_id, clock_id=row.pk, generation=row.generation, point=point, at=at)


def test_warning_tells_the_agent_and_owes_the_breach():
    staff, ticket = make_staff(), make_ticket(at=AT)
    services.assign_ticket(ticket_id=ticket.pk, assignee_id=staff.pk, actor=SYSTEM, at=AT)
    first = clock(ticket, "first_response")
    assert act(first, "warning", first.warn_at) is True
    assert act(first, "warning", first.warn_at) is False
    (warned,) = happened(ticket, "clock.warned")
    assert (warned.at, warned.data["seconds"]) == (first.warn_at, 5400)
    assert Notification.objects.get(kind="ticket.clock_warned").staff_id == staff.pk
    assert Job.objects.get(name=DUE_JOB, key=f"{first.pk}:1:breach").due_at == first.due_at


def test_breach_is_written_once_and_by_the_current_generation_only():
    ticket = make_ticket(at=AT)
    first = clock(ticket, "first_response")
    put(ticket, "waiting_customer", AT + HOUR)
    put(ticket, "open", AT + 2 * HOUR)
    assert act(first, "breach", AT + 4 * HOUR) is False  # owed before the pause
    first.refresh_from_db()
    assert act(first, "breach", first.due_at) is True
    assert act(first, "breach", first.due_at) is False
    assert len(happened(ticket, "clock.breached")) == 1


def test_escalation_raises_the_priority_tells_the_supervisors_and_returns_the_ticket():
    SlaPolicy.objects.update(breach_move="queue")
    team = make_team("售后一组")
    agent = make_staff(teams=[team])
    boss, other = make_staff(roles=["supervisor"], teams=[team]), make_staff(roles=["supervisor"])
    ticket = make_ticket(at=AT, team_id=team.pk)
    services.assign_ticket(ticket_id=ticket.pk, assignee_id=agent.pk, actor=SYSTEM, at=AT)
    solution = clock(ticket, "resolution")
    assert act(solution, "breach", solution.due_at) is True
    escalate_breach(clock_id=solution.pk, at=solution.due_at)
    ticket.refresh_from_db()
    assert (ticket.priority, ticket.assignee_id, ticket.team_id) == (30, None, team.pk)
    told = Notification.objects.filter(kind="ticket.clock_breached").values_list("staff_id", flat=True)
    assert set(told) == {agent.pk, boss.pk}
    assert other.pk not in told
    assert clock(ticket, "resolution").due_at == solution.due_at  # the promise does not move by the escalation


def test_escalation_to_another_team_and_after_the_answer_came():
    team, second = make_team("一线"), make_team("二线")
    SlaPolicy.objects.update(breach_move="team", breach_team=second)
    one, two = make_ticket(at=AT, team_id=team.pk), make_ticket(at=AT, team_id=team.pk)
    for ticket in (one, two):
        act(clock(ticket, "first_response"), "breach", AT + 3 * HOUR)
    make_reply(two, make_staff(), at=AT + 3 * HOUR)
    for ticket in (one, two):
        escalate_breach(clock_id=clock(ticket, "first_response").pk, at=AT + 3 * HOUR)
        ticket.refresh_from_db()
    assert (one.team_id, one.priority) == (second.pk, 30)
    assert (two.team_id, two.priority) == (team.pk, 20)


@pytest.mark.django_db(transaction=True)
def test_the_worker_breaches_and_escalates_within_one_drain():
    boss = make_staff(roles=["manager"])
    ticket = make_ticket(at=datetime.now(UTC) - 2 * HOUR - timedelta(seconds=1))
    drain(seconds=10)
    assert clock(ticket, "first_response").breached_at == clock(ticket, "first_response").due_at
    assert [e.kind for e in happened(ticket, "clock.breached")] == ["clock.breached"]
    assert Notification.objects.filter(staff_id=boss.pk, kind="ticket.clock_breached").count() == 1
    ticket.refresh_from_db()
    assert ticket.priority == 30


def test_policies_are_asked_in_order_and_a_top_category_takes_those_below():
    top = make_category(key="urgent-top")
    below = make_category(key="urgent-below", parent=top)
    by_category = make_policy(name="投诉", position=10, category_ids=[top.pk], first_response_minutes=15)
    gold = make_policy(name="贵宾", position=20, tiers=["gold", "vip"], channels=["form"], first_response_minutes=20)
    make_policy(name="停用", position=5, is_active=False, first_response_minutes=1)
    vip = make_customer(tier="vip")
    assert make_ticket(customer=vip, category_id=below.pk).policy == by_category
    assert make_ticket(customer=vip).policy == gold
    assert make_ticket(customer=vip, channel="email").policy.is_default
    assert make_ticket().policy.is_default


@pytest.mark.parametrize(
    ("condition", "fields"),
    [({"priorities": [40]}, {"priority": 40}), ({"stages": ["after_sale"]}, {"category": "complaint"})],
)
def test_a_policy_by_priority_and_by_stage(condition, fields):
    policy = make_policy(**condition)
    if "category" in fields:
        fields = {"category_id": Category.objects.get(key=fields["category"]).pk}
    assert make_ticket(**fields).policy == policy
    assert make_ticket().policy.is_default


def test_a_new_category_or_priority_may_bring_another_policy_to_running_clocks():
    policy, staff = make_policy(priorities=[40], next_response_minutes=None), Actor.staff(make_staff())
    ticket = make_ticket(at=AT)
    services.set_priority(ticket_id=ticket.pk, priority=40, actor=staff, at=AT + timedelta(minutes=5))
    ticket.refresh_from_db()
    assert (ticket.policy, ticket.first_response_due_at) == (policy, AT + timedelta(minutes=30))
    assert {row.policy_id for row in clocks(ticket)} == {policy.pk}
    services.set_priority(ticket_id=ticket.pk, priority=20, actor=staff, at=AT + timedelta(minutes=6))
    ticket.refresh_from_db()
    assert ticket.first_response_due_at == AT + 2 * HOUR
    assert differences(ticket, at=AT + HOUR) == []


def test_the_database_refuses_two_open_clocks_of_a_kind_and_half_states():
    ticket = make_ticket(at=AT)
    first = clock(ticket, "first_response")
    for change in ({"state": "met"}, {"met_at": AT}, {"state": "paused"}, {"due_at": None, "breached_at": AT}):
        with pytest.raises(IntegrityError), transaction.atomic():
            SlaClock.objects.filter(pk=first.pk).update(**change)
    first.pk, first.round = None, 2
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save(force_insert=True)


def test_clocks_of_a_ticket_that_has_none_are_built_from_its_events():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + HOUR, then_status="waiting_customer")
    write(ticket, AT + 3 * HOUR)
    before = [(c.kind, c.state, c.due_at, c.warn_at, c.met_at) for c in clocks(ticket)]
    SlaClock.objects.all().delete()
    Job.objects.all().delete()
    assert {one.field for one in differences(ticket, at=AT + 3 * HOUR)} == {"missing"}
    repair_clocks(ticket_id=ticket.pk, at=AT + 3 * HOUR)
    assert [(c.kind, c.state, c.due_at, c.warn_at, c.met_at) for c in clocks(ticket)] == before
    assert Job.objects.filter(name=DUE_JOB, state="ready").count() == 2


@pytest.mark.parametrize(
    "harm",
    [
        {"due_at": AT}, {"state": "paused", "paused_at": AT + 2 * HOUR}, {"state": "met", "met_at": AT + 2 * HOUR},
    ],
)  # fmt: skip
def test_repair_brings_a_wrong_clock_into_step(harm):
    ticket = make_ticket(at=AT)
    SlaClock.objects.filter(ticket=ticket, kind="resolution").update(**harm)
    assert {one.kind for one in differences(ticket, at=AT + HOUR)} == {"resolution"}
    assert {one.kind for one in repair_clocks(ticket_id=ticket.pk, at=AT + HOUR)} == {"resolution"}
    assert differences(ticket, at=AT + HOUR) == []
    assert clock(ticket, "resolution").due_at == AT + 48 * HOUR
