"""Many hands in one queue, on real connections: no ticket twice, nobody above her limit, nothing left with room."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.availability import limits_of
from accounts.models import Presence, Staff
from accounts.services import set_presence
from core.actors import SYSTEM, Actor
from core.errors import DomainError, InvalidInput
from core.jobs import drain
from core.models import Event, Job
from tests import servers
from tests.factories.routing import make_agent, make_queue, make_queued, make_routed_team
from tests.tickets.test_races import at_once
from tickets import services
from tickets.errors import NoRoomLeft, NothingWaits
from tickets.models import Ticket
from tickets.services.handing_over import HandOver, go_off_shift
from tickets.services.routing.claiming import claim_next
from tickets.services.routing.draining import drain_team
from tickets.services.routing.owing import owe_drain
from tickets.services.work import Target

pytestmark = pytest.mark.django_db(transaction=True)


def claim_all(staff_id: int, gate: threading.Barrier) -> list[int]:
    """Ask for the next ticket until there is none or no room."""
    got = []
    try:
        gate.wait(timeout=60)
        while True:
            try:
                got.append(claim_next(staff_id=staff_id, at=timezone.now()))
            except (NothingWaits, NoRoomLeft):
                return got
    finally:
        connection.close()


def claim_in_parallel(people: list[Staff]) -> dict[int, list[int]]:
    gate = threading.Barrier(len(people))
    with ThreadPoolExecutor(len(people)) as pool:
        runs = {one.pk: pool.submit(claim_all, one.pk, gate) for one in people}
        return {pk: run.result() for pk, run in runs.items()}


def check_sound(team, people: list[Staff]) -> None:
    """No ticket was given twice, nobody has more than she may, every ticket with an agent says why."""
    loads = Counter(Ticket.objects.filter(team=team, assignee__isnull=False).values_list("assignee_id", flat=True))
    for one in Staff.objects.filter(pk__in=[one.pk for one in people]).select_related("capacity"):
        assert loads[one.pk] <= limits_of(one).in_total, f"{one.pk} has {loads[one.pk]}"
    facts = Event.objects.filter(kind="ticket.assigned").order_by("id").values_list("ticket_id", "reason", "data")
    holders: dict[int, int | None] = {}
    for ticket_id, reason, data in facts:
        assert reason
        assert data.get("before_id") == holders.get(ticket_id), f"{ticket_id} was taken out of somebody's hands"
        holders[ticket_id] = data.get("agent_id")
    held = dict(Ticket.objects.filter(team=team, assignee__isnull=False).values_list("pk", "assignee_id"))
    assert {pk: who for pk, who in holders.items() if who is not None and pk in held} == held


@pytest.mark.parametrize(
    ("claimers", "tickets", "room"),
    [
        (40, 120, 4),
        pytest.param(40, 5000, 130, marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
def test_forty_who_claim_at_once_get_all_of_it_and_nothing_twice(claimers, tickets, room):
    team = make_routed_team()
    people = [make_agent(team, capacity=room) for _ in range(claimers)]
    ids = make_queue(team, tickets)
    got = claim_in_parallel(people)
    claimed = [ticket_id for mine in got.values() for ticket_id in mine]
    assert sorted(claimed) == sorted(ids)
    assert Ticket.objects.filter(team=team, assignee__isnull=True).count() == 0
    assert all(len(mine) <= room for mine in got.values())
    assert all(Ticket.objects.filter(assignee_id=pk).count() == len(mine) for pk, mine in got.items())
    check_sound(team, people)


def test_more_tickets_than_room_fill_everybody_to_the_brim():
    team = make_routed_team()
    people = [make_agent(team, capacity=random.Random(n).randrange(1, 4)) for n in range(12)]
    make_queue(team, 60)
    claim_in_parallel(people)
    room = sum(one.capacity.in_total for one in people)
    assert Ticket.objects.filter(team=team, assignee__isnull=False).count() == room
    check_sound(team, people)


def test_two_drains_and_claimers_at_once_share_the_queue():
    team = make_routed_team()
    people = [make_agent(team, capacity=12) for _ in range(10)]
    ids = make_queue(team, 100)
    rounds = [lambda: drain_team(team_id=team.pk, at=timezone.now(), seconds=60)] * 2
    claims = [lambda pk=one.pk: claim_all(pk, threading.Barrier(1)) for one in people[:4]]
    at_once(*rounds, *claims)
    assert Ticket.objects.filter(pk__in=ids, assignee__isnull=True).count() == 0
    check_sound(team, people)


def test_two_drains_fill_everybody_and_not_one_more():
    team = make_routed_team()
    people = [make_agent(team, capacity=5) for _ in range(6)]
    make_queue(team, 60)
    at_once(*[lambda: drain_team(team_id=team.pk, at=timezone.now(), seconds=60)] * 3)
    assert Ticket.objects.filter(team=team, assignee__isnull=False).count() == 30
    check_sound(team, people)


def test_assignment_and_going_off_shift_at_once_leave_nothing_behind():
    """Whoever comes first: no ticket stays with the one who went."""
    for number in range(8):
        team = make_routed_team()
        leaver, lead = make_agent(team, capacity=50), make_agent(team, capacity=0, roles=["agent_lead"])
        make_queue(team, 6)
        for_her = make_queued(team)

        def leave(leaver=leaver):
            at = timezone.now()
            return go_off_shift(staff_id=leaver.pk, plan=HandOver(), actor=Actor.staff(leaver), at=at)

        def assign(leaver=leaver, lead=lead, ticket=for_her):
            services.assign_ticket(
                ticket_id=ticket.pk, assignee_id=leaver.pk, actor=Actor.staff(lead), at=timezone.now()
            )

        def hand_out(team=team):
            drain_team(team_id=team.pk, at=timezone.now(), seconds=30)

        results = at_once(leave, hand_out, assign, hand_out)
        refused = [result for result in results if isinstance(result, DomainError)]
        assert all(isinstance(result, InvalidInput) for result in refused), (number, refused)
        assert Presence.objects.get(staff=leaver).status == "offline"
        assert Ticket.objects.filter(assignee=leaver).count() == 0, number


def test_two_who_leave_and_name_each_other_end_with_one_of_them_refused():
    team = make_routed_team()
    one, two = make_agent(team), make_agent(team)
    make_queued(team, assignee=one)
    make_queued(team, assignee=two)

    def leave(who, to):
        plan = HandOver(rest=Target(staff_id=to.pk))
        return go_off_shift(staff_id=who.pk, plan=plan, actor=Actor.staff(who), at=timezone.now())

    results = at_once(lambda: leave(one, two), lambda: leave(two, one))
    assert sum(isinstance(result, InvalidInput) for result in results) == 1
    gone = set(Presence.objects.filter(status="offline").values_list("pk", flat=True))
    assert len(gone) == 1
    assert not Ticket.objects.filter(assignee_id__in=gone).exists()
    assert Ticket.objects.filter(assignee__isnull=False).count() == 2


def test_transfers_takes_and_returns_of_one_ticket_at_once_leave_one_true_story():
    team = make_routed_team()
    people = [make_agent(team) for _ in range(4)]
    ticket = make_queued(team, assignee=people[0])
    works = [
        lambda: services.return_ticket(ticket_id=ticket.pk, actor=Actor.staff(people[0]), at=timezone.now()),
        lambda: services.transfer_ticket(
            ticket_id=ticket.pk,
            to=Target(staff_id=people[1].pk),
            note="请接着处理",
            actor=Actor.staff(people[0]),
            at=timezone.now(),
        ),
        lambda: services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(people[2]), at=timezone.now()),
        lambda: services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(people[3]), at=timezone.now()),
    ]
    at_once(*works)
    chain = list(Event.objects.filter(kind="ticket.assigned", ticket_id=ticket.pk).order_by("id"))
    holder = people[0].pk
    for event in chain:
        assert event.data["before_id"] == holder
        holder = event.data["agent_id"]
    ticket.refresh_from_db()
    assert ticket.assignee_id == holder


DRAIN = """
import django; django.setup()
from django.utils import timezone
from tickets.services.routing.draining import drain_team
print("ready", flush=True)
drain_team(team_id={team_id}, at=timezone.now(), seconds=60)
"""


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_drain_loses_and_doubles_nothing():
    team = make_routed_team()
    people = [make_agent(team, capacity=60) for _ in range(4)]
    ids = make_queue(team, 200)
    env = {**os.environ, "DATABASE_URL": servers.database_url(connection.settings_dict["NAME"])}
    for _kill in range(2):
        before = Ticket.objects.filter(pk__in=ids, assignee__isnull=False).count()
        command = [sys.executable, "-c", DRAIN.format(team_id=team.pk)]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
            end = time.monotonic() + 20
            while Ticket.objects.filter(pk__in=ids, assignee__isnull=False).count() < before + 10:
                assert time.monotonic() < end, "the worker gave nothing"
                assert worker.poll() is None, "the worker ended before it was killed"
            os.kill(worker.pid, signal.SIGKILL)
        check_sound(team, people)
    drain_team(team_id=team.pk, at=timezone.now(), seconds=60)
    assert Ticket.objects.filter(pk__in=ids, assignee__isnull=True).count() == 0
    check_sound(team, people)


def test_the_backlog_is_handed_out_when_somebody_comes_and_when_a_place_is_free():
    team = make_routed_team()
    agent = make_agent(team, status="offline", capacity=1)
    first, second = make_queued(team, priority=30), make_queued(team)
    with transaction.atomic():
        owe_drain(team_id=team.pk, key="test", at=timezone.now())
    drain(seconds=10)
    assert Ticket.objects.filter(assignee=agent).count() == 0
    set_presence(staff_id=agent.pk, status="online", at=timezone.now())
    drain(seconds=10)
    assert [one.pk for one in Ticket.objects.filter(assignee=agent)] == [first.pk]
    services.resolve_ticket(ticket_id=first.pk, actor=Actor.staff(agent), at=timezone.now())
    drain(seconds=10)
    second.refresh_from_db()
    assert second.assignee_id == agent.pk
    assert not Job.objects.exclude(state="done").filter(name__startswith="tickets.drain").exists()


def test_a_ticket_that_comes_back_to_somebody_off_shift_goes_to_the_queue_and_on():
    team = make_routed_team()
    gone, here = make_agent(team), make_agent(team)
    ticket = make_queued(team, assignee=gone)
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(gone), at=timezone.now())
    go_off_shift(staff_id=gone.pk, plan=HandOver(), actor=Actor.staff(gone), at=timezone.now())
    services.add_customer_message(
        ticket_id=ticket.pk, text="还是没有收到", channel="form", actor=SYSTEM, at=timezone.now()
    )
    drain(seconds=10)
    ticket.refresh_from_db()
    assert ticket.assignee_id == here.pk
    reasons = Event.objects.filter(kind="ticket.assigned", ticket_id=ticket.pk).order_by("id")
    assert list(reasons.values_list("reason", flat=True)) == ["agent_off_shift", "only_one_free"]
