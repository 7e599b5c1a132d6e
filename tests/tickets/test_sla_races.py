"""Clocks under real concurrency: breached once, never by a late row; a new policy and an answer at once."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import drain
from core.jobs.queue import claim, run_job
from core.models import Event, Job
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_reply, make_ticket
from tests.tickets.test_races import at_once
from tickets import services
from tickets.models import SlaClock, SlaPolicy
from tickets.services.clocks import DUE_JOB
from tickets.services.sla.policies import PolicyTerms, save_policy
from tickets.services.sla.rebuilding import differences

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


def breaches(ticket):
    return Event.objects.filter(ticket_id=ticket.pk, kind="clock.breached").count()


def test_two_workers_breach_exactly_once():
    tickets = [make_ticket(at=timezone.now() - 3 * HOUR) for _ in range(4)]
    at_once(*[lambda: drain(seconds=10)] * 3)
    assert [breaches(ticket) for ticket in tickets] == [1, 1, 1, 1]
    escalated = Event.objects.filter(kind="ticket.changed", reason="sla_breached")
    assert escalated.count() == 4


def test_a_worker_that_comes_late_changes_nothing():
    ticket = make_ticket(at=timezone.now() - 3 * HOUR)
    (late,) = claim(1, names=[DUE_JOB])
    make_reply(ticket, make_staff())  # the answer writes the breach down itself
    assert run_job(late) is True
    drain(seconds=10)
    assert breaches(ticket) == 1
    assert SlaClock.objects.get(ticket=ticket, kind="first_response").state == "met"


def test_a_frozen_worker_whose_lease_is_gone_breaches_nothing_twice():
    ticket = make_ticket(at=timezone.now() - 3 * HOUR)
    (frozen,) = claim(1, names=[DUE_JOB])
    Job.objects.filter(pk=frozen.id).update(lease_until=timezone.now() - HOUR)
    drain(seconds=10)
    assert run_job(frozen) is False
    assert breaches(ticket) == 1


@pytest.mark.parametrize("number", range(3))
def test_a_new_policy_racing_an_answer_leaves_the_right_clock(number):
    staff, now = make_staff(), timezone.now()
    ticket, other = make_ticket(at=now - HOUR), make_ticket(at=now - HOUR)
    policy = SlaPolicy.objects.get(is_default=True)
    terms = PolicyTerms(
        name="默认", first_response_minutes=300, next_response_minutes=60, resolution_minutes=600,
        is_business_time=False,
    )  # fmt: skip
    at_once(
        lambda: save_policy(pk=policy.pk, terms=terms, at=timezone.now(), version=policy.version),
        lambda: make_reply(ticket, staff, then_status="waiting_customer"),
        lambda: services.change_status(ticket_id=other.pk, status="waiting_customer", actor=SYSTEM, at=timezone.now()),
        lambda: make_ticket(at=now),
    )
    Job.objects.filter(name="tickets.reprice_clocks", state="ready").update(due_at=timezone.now())
    drain(seconds=10)
    Job.objects.filter(name="tickets.reprice_clocks", state="ready").update(due_at=timezone.now())  # the last look
    drain(seconds=10)
    policy.refresh_from_db()
    for clock in SlaClock.objects.filter(state__in=["running", "paused"]):
        assert (clock.policy_version, clock.target) == (policy.version, policy_target(policy, clock.kind))
    for one in (ticket, other):
        one.refresh_from_db()
        assert differences(one, at=timezone.now()) == []
    assert other.first_response_due_at == other.opened_at + 5 * HOUR


def policy_target(policy, kind):
    return {
        "first_response": policy.first_response_minutes,
        "next_response": policy.next_response_minutes,
        "resolution": policy.resolution_minutes,
    }[kind] * 60


def test_a_ticket_opened_under_the_old_policy_while_it_changed_is_found_by_the_last_look():
    policy = SlaPolicy.objects.get(is_default=True)
    make_ticket(at=datetime.now(UTC))
    with transaction.atomic():
        slow = make_ticket(at=datetime.now(UTC))  # its transaction began under the old terms
        terms = PolicyTerms(name="默认", first_response_minutes=60, next_response_minutes=60, resolution_minutes=600)
        at_once(lambda: save_policy(pk=policy.pk, terms=terms, at=timezone.now()), lambda: None)
        at_once(lambda: drain(seconds=5), lambda: None)
    Job.objects.filter(name="tickets.reprice_clocks", state="ready").update(due_at=timezone.now())
    drain(seconds=10)
    slow.refresh_from_db()
    assert slow.first_response_due_at == slow.opened_at + HOUR
    connection.close()
