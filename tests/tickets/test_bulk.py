"""Many tickets at once: each by itself, told apart, gone on with after a crash, undone where it still stands."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Membership, Staff
from core.actors import Actor
from core.errors import InvalidInput, NotAllowed, NotFound
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_category, make_desk_ticket, make_tickets
from tickets import services
from tickets.errors import NothingToUndo
from tickets.models import BulkItem, BulkRun, Ticket
from tickets.permissions import tickets_visible_to
from tickets.selectors.bulk import progress_of
from tickets.services import bulk, bulk_actions
from tickets.services.bulk import go_on, start_bulk, undo_bulk

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def agent() -> Staff:
    return make_staff(roles=["agent_senior"], display_name="王晓敏")


@pytest.fixture
def desk(agent: Staff) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def order(staff: Staff, action: str, tickets: list[Ticket], **value: Any) -> BulkRun:
    rows = tickets_visible_to(staff).filter(pk__in=[ticket.pk for ticket in tickets])
    return start_bulk(staff=staff, action=action, value=value, tickets=rows, at=timezone.now())


def states(run: BulkRun) -> dict[str, int]:
    progress = progress_of(run.pk)
    names = ("waiting", "done", "refused", "undone", "kept")
    return {name: getattr(progress, name) for name in names if getattr(progress, name)}


def standing(tickets: list[Ticket], *names: str) -> list[tuple[Any, ...]]:
    pks = [ticket.pk for ticket in tickets]
    return list(Ticket.objects.filter(pk__in=pks).order_by("pk").values_list(*names))


def test_every_action_does_and_undoes(agent: Staff) -> None:
    colleague, team, category = make_staff(), make_team("一组"), make_category()
    Membership.objects.create(staff=agent, team=team)
    own = make_team("二组")
    Membership.objects.create(staff=agent, team=own)
    fields = ("assignee_id", "team_id", "status", "priority", "category_id", "tags", "is_spam")
    cases: list[tuple[str, dict[str, Any], str, Any]] = [
        ("take", {}, "assignee_id", agent.pk),
        ("assign", {"assignee": colleague.pk}, "assignee_id", colleague.pk),
        ("team", {"team": team.pk}, "team_id", team.pk),
        ("status", {"status": "waiting_customer"}, "status", "waiting_customer"),
        ("priority", {"priority": 40}, "priority", 40),
        ("category", {"category": category.pk}, "category_id", category.pk),
        ("add_tags", {"tags": ["加急"]}, "tags", ["vip", "加急"]),
        ("remove_tags", {"tags": ["vip"]}, "tags", []),
        ("spam", {}, "is_spam", True),
        ("resolve", {}, "status", "resolved"),
    ]
    for action, value, field, wanted in cases:
        tickets = make_tickets(2, team=own, status="open", tags=["vip"])
        before = standing(tickets, *fields)
        run = order(agent, action, tickets, **value)
        assert go_on(run_id=run.pk) is False
        assert states(run) == {"done": 2}, action
        assert standing(tickets, field) == [(wanted,)] * 2, action
        undo_bulk(run_id=run.pk, staff=agent, at=timezone.now())
        go_on(run_id=run.pk)
        assert states(run) == {"undone": 2}, action
        after = standing(tickets, *fields)
        if action == "resolve":  # whoever resolves an untaken ticket is its agent, and stays it
            before, after = [row[1:] for row in before], [row[1:] for row in after]
        assert after == before, action


def test_one_refusal_stops_nobody_and_is_listed(agent: Staff) -> None:
    fine, done = (
        make_desk_ticket(status="open"),
        make_desk_ticket(status="closed", resolved_at=timezone.now(), closed_at=timezone.now()),
    )
    run = order(agent, "resolve", [fine, done])
    go_on(run_id=run.pk)
    assert states(run) == {"done": 1, "refused": 1}
    assert [left.ticket_id for left in progress_of(run.pk).left_alone] == [done.pk]


def test_undo_leaves_what_others_changed_since(agent: Staff) -> None:
    tickets = make_tickets(3)
    run = order(agent, "priority", tickets, priority=40)
    go_on(run_id=run.pk)
    services.set_priority(ticket_id=tickets[1].pk, priority=30, actor=Actor.SYSTEM, at=timezone.now())
    undo_bulk(run_id=run.pk, staff=agent, at=timezone.now())
    go_on(run_id=run.pk)
    assert states(run) == {"undone": 2, "kept": 1}
    assert standing(tickets, "priority") == [(20,), (30,), (20,)]
    assert [left.ticket_id for left in progress_of(run.pk).left_alone] == [tickets[1].pk]


def test_undo_is_for_the_one_who_did_it_and_for_a_while(agent: Staff) -> None:
    run = order(agent, "priority", make_tickets(1), priority=40)
    go_on(run_id=run.pk)
    with pytest.raises(NotFound):
        undo_bulk(run_id=run.pk, staff=make_staff(roles=["agent_senior"]), at=timezone.now())
    with pytest.raises(NothingToUndo):
        undo_bulk(run_id=run.pk, staff=agent, at=timezone.now() + timedelta(hours=1))
    undo_bulk(run_id=run.pk, staff=agent, at=timezone.now())
    go_on(run_id=run.pk)
    with pytest.raises(NothingToUndo):
        undo_bulk(run_id=run.pk, staff=agent, at=timezone.now())


def test_values_and_rights_are_checked(agent: Staff) -> None:
    tickets = make_tickets(1)
    for action, value in (
        ("assign", {"assignee": 999_999}), ("team", {"team": make_team("他组").pk}), ("status", {"status": "closed"}),
        ("priority", {"priority": 7}), ("category", {"category": 999_999}), ("add_tags", {"tags": [" "]}),
        ("nonsense", {}),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            order(agent, action, tickets, **value)
    with pytest.raises(NotAllowed):
        order(make_staff(roles=["agent"]), "take", tickets)


def test_rights_lost_meanwhile_stop_the_rest(agent: Staff) -> None:
    tickets = make_tickets(2)
    run = order(agent, "resolve", tickets)
    Staff.objects.filter(pk=agent.pk).update(roles=["quality"])
    go_on(run_id=run.pk)
    assert states(run) == {"refused": 2}


def test_the_same_order_twice_is_one(agent: Staff) -> None:
    rows, client_id = Ticket.objects.filter(pk=make_desk_ticket().pk), uuid4()
    runs = [
        start_bulk(staff=agent, action="take", value={}, tickets=rows, at=timezone.now(), client_id=client_id)
        for _n in range(2)
    ]
    assert runs[0].pk == runs[1].pk


def test_few_are_done_at_once_with_undo_in_the_toast(desk: Client, agent: Staff) -> None:
    tickets = make_tickets(3)
    values = {"ids": [ticket.pk for ticket in tickets], "do": "priority", "priority": "40"}
    told = json.loads(desk.post("/desk/bulk/", values, **HTMX)["HX-Trigger"])
    assert standing(tickets, "priority") == [(40,)] * 3
    undone = json.loads(desk.post(told["toast"]["undo"]["url"], **HTMX)["HX-Trigger"])
    assert "3" in undone["toast"]["text"]
    assert standing(tickets, "priority") == [(20,)] * 3


@pytest.mark.django_db(transaction=True)
def test_a_whole_view_is_a_job_with_progress(desk: Client, agent: Staff) -> None:
    tickets = make_tickets(30)
    make_desk_ticket(status="resolved", resolved_at=timezone.now())
    told = json.loads(desk.post("/desk/bulk/?view=open", {"all": "1", "do": "take"}, **HTMX)["HX-Trigger"])
    url = told["bulkStarted"]["url"]
    assert 'max="30"' in desk.get(url).content.decode()
    drain(seconds=20)
    assert standing(tickets, "assignee_id") == [(agent.pk,)] * 30
    page = desk.get(url).content.decode()
    assert 'hx-trigger="every 2s' not in page
    assert Ticket.objects.filter(assignee=agent).count() == 30


def test_a_strange_run_is_not_found(desk: Client) -> None:
    run = order(make_staff(roles=["agent_senior"]), "take", make_tickets(1))
    assert desk.get(f"/desk/bulk/run/{run.pk}/").status_code == 404
    assert desk.post(f"/desk/bulk/run/{run.pk}/undo/").status_code == 404


def test_choices_of_the_bar_need_the_right(desk: Client) -> None:
    assert 'name="do" value="assign"' in desk.get("/desk/bulk/choices/").content.decode()
    stranger = Client()
    stranger.force_login(make_staff(roles=["agent"]))
    assert stranger.get("/desk/bulk/choices/").status_code == 403


# ---- crashes and races ---------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_a_run_killed_in_the_middle_goes_on_and_does_nothing_twice(agent: Staff) -> None:
    tickets = make_tickets(40)
    run = order(agent, "add_tags", tickets, tags=["加急"])
    for after in (3, 7, 12):
        child = os.fork()
        if child == 0:  # a worker of its own, killed by the kernel between or within items
            connection.connect()
            count = [0]
            inner: Callable[..., Any] = bulk_actions.ACTIONS["add_tags"].do

            def die(*args: Any, _inner: Any = inner, _after: int = after, count: list[int] = count) -> Any:
                count[0] += 1
                found = _inner(*args)
                if count[0] > _after:
                    os.kill(os.getpid(), signal.SIGKILL)  # changed, not committed
                return found

            act = bulk_actions.ACTIONS["add_tags"]
            bulk.ACTIONS["add_tags"] = bulk_actions.Act(act.read, die, act.restore)
            go_on(run_id=run.pk)
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    wait_until(lambda: BulkItem.objects.filter(run=run, state="done").count() == 22)
    assert go_on(run_id=run.pk) is False
    assert states(run) == {"done": 40}
    assert standing(tickets, "tags") == [(["加急"],)] * 40
    assert Event.objects.filter(kind="ticket.changed").count() == 40


@pytest.mark.django_db(transaction=True)
def test_the_job_picks_up_what_a_dead_request_left(agent: Staff) -> None:
    run = order(agent, "take", make_tickets(2))
    Job.objects.filter(name="tickets.bulk_run").update(due_at=timezone.now() - timedelta(seconds=1))
    drain(seconds=10)
    assert states(run) == {"done": 2}


@pytest.mark.django_db(transaction=True)
def test_two_workers_share_a_run(agent: Staff) -> None:
    tickets = make_tickets(30)
    run = order(agent, "add_tags", tickets, tags=["加急"])

    def work() -> None:
        try:
            while go_on(run_id=run.pk):
                time.sleep(0.01)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states(run) == {"done": 30}
    assert Event.objects.filter(kind="ticket.changed").count() == 30
    assert BulkRun.objects.get().state == "done"


@pytest.mark.django_db(transaction=True)
def test_undo_raced_by_an_agent_never_overwrites_her(agent: Staff) -> None:
    tickets = make_tickets(16)
    run = order(agent, "priority", tickets, priority=40)
    go_on(run_id=run.pk)
    undo_bulk(run_id=run.pk, staff=agent, at=timezone.now())

    def change() -> None:
        try:
            for ticket in reversed(tickets):
                services.set_priority(ticket_id=ticket.pk, priority=10, actor=Actor.SYSTEM, at=timezone.now())
        finally:
            connection.close()

    other = threading.Thread(target=change)
    other.start()
    while go_on(run_id=run.pk):
        time.sleep(0.01)
    other.join()
    assert standing(tickets, "priority") == [(10,)] * 16
    counted = states(run)
    assert counted.get("undone", 0) + counted.get("kept", 0) == 16


def wait_until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)
