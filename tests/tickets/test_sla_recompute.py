"""`manage.py recompute_clocks`: the same clocks as life left, twice in a row, and while people go on working."""

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event, Job
from tests.factories.accounts import make_staff
from tests.factories.calendars import make_calendar
from tests.factories.tickets import make_ticket
from tests.tickets.test_sla_replay import AT, play, run_due
from tickets import services
from tickets.enums import TicketStatus
from tickets.models import SlaClock, SlaPolicy, Ticket
from tickets.services.clocks import DUE_JOB
from tickets.services.merging import merge_tickets

KEPT = (
    "ticket_id", "kind", "round", "state", "policy_id", "policy_version", "calendar_id", "calendar_version", "target",
    "started_at", "due_at", "warn_at", "paused_at", "met_at", "breached_at",
)  # fmt: skip
COPIES = ("pk", "next_due_at", "warn_at", "first_response_due_at", "next_response_due_at", "resolution_due_at")
THINGS = ("customer", "customer", "reply", "reply", "note", "status", "status", "spam", "tick")


def recompute(*options: str) -> str:
    out = StringIO()
    call_command("recompute_clocks", *options, stdout=out)
    return out.getvalue()


def mixed_history(seed: int) -> None:
    """Play a dozen tickets' random lives, then let a worker catch up."""
    dice, staff = random.Random(seed), make_staff()
    for number in range(12):
        steps = [
            (dice.choice(THINGS), dice.choice(TicketStatus.values), dice.randrange(-600, 40_000))
            for _ in range(dice.randrange(12))
        ]
        play(make_ticket(at=AT + timedelta(hours=number)), staff, steps)
    run_due(timezone.now())


def kept() -> list[tuple[Any, ...]]:
    return sorted(SlaClock.objects.values_list(*KEPT), key=str)


def copied() -> list[tuple[Any, ...]]:
    return list(Ticket.objects.order_by("pk").values_list(*COPIES))


def owed() -> list[tuple[Any, ...]]:
    """Return what is owed by ticket, point and time; clocks made anew have other ids."""
    rows = Job.objects.filter(name=DUE_JOB, state="ready")
    return sorted((row.payload["ticket_id"], row.payload["point"], row.due_at) for row in rows)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize(("seed", "is_business"), [(1, False), (2, True), (3, True)])
def test_the_log_alone_gives_the_clocks_life_left_and_twice_the_same(seed, is_business):
    calendar = make_calendar()
    SlaPolicy.objects.update(is_business_time=is_business, calendar_id=calendar.pk if is_business else None)
    mixed_history(seed)
    total = len(set(SlaClock.objects.exclude(state="met").values_list("ticket_id", flat=True)))
    life, lists, log = kept(), copied(), Event.objects.count()
    said = recompute()
    assert said.endswith(", 0 differed\n")
    assert int(said.split()[0]) >= total > 0
    assert (kept(), copied(), Event.objects.count()) == (life, lists, log)  # asking changes nothing

    wanted, still_owed = [row for row in life if row[0] in checked()], owed()
    for pk in checked():
        SlaClock.objects.filter(ticket_id=pk).delete()
    Job.objects.filter(name=DUE_JOB).delete()
    for _ in range(2):
        recompute("--repair")
        assert [row for row in kept() if row[0] in checked()] == wanted
        assert (copied(), owed(), Event.objects.count()) == (lists, still_owed, log)
    assert recompute().endswith(", 0 differed\n")


def checked() -> set[int]:
    """Return the open tickets: those the command looks at even when all their clocks are gone."""
    return set(Ticket.objects.exclude(status__in=["resolved", "closed"]).values_list("pk", flat=True))


@pytest.mark.slow
@pytest.mark.django_db
def test_what_was_harmed_is_named_and_mended_once():
    mixed_history(4)
    life, lists = kept(), copied()
    harmed = list(SlaClock.objects.filter(state="running").order_by("pk")[:3])
    for number, clock in enumerate(harmed):
        assert clock.due_at is not None
        clock.due_at = clock.due_at + timedelta(hours=number + 1)
        clock.save(update_fields=["due_at"])
    told = recompute()
    assert [f"ticket {clock.ticket_id}: {clock.kind} {clock.round} due_at" in told for clock in harmed] == [True] * 3
    ids = {clock.ticket_id for clock in harmed}
    assert recompute("--repair").endswith(f" tickets, {len(ids)} differed, repaired\n")
    assert recompute("--repair").endswith(", 0 differed\n")
    assert (kept(), copied()) == (life, lists)


def _elsewhere(happen: Callable[[], Any]) -> threading.Thread:
    """Have something done on a connection of its own."""

    def run() -> None:
        try:
            happen()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _between(marker: str, happen: Callable[[], Any], *, waits: bool) -> tuple[Any, list[threading.Thread]]:
    """Have something happen elsewhere right after the first statement that names a table."""
    begun: list[threading.Thread] = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if marker in sql and "WHERE" in sql and not begun and 'FROM "tickets_ticket"' not in sql:
            begun.append(_elsewhere(happen))
            if waits:
                begun[0].join()
        return result

    return connection.execute_wrapper(wrapper), begun


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("options", [(), ("--repair",)])
def test_a_status_changed_meanwhile_makes_no_difference(options):
    ticket = make_ticket(at=timezone.now() - timedelta(hours=1))

    def change():
        services.change_status(
            ticket_id=ticket.pk, status="waiting_customer", actor=SYSTEM, at=timezone.now() - timedelta(minutes=1)
        )

    listening, begun = _between("tickets_sla_clock", change, waits=not options)  # a repair holds the ticket's lock
    with listening:
        said = recompute(*options)
    begun[0].join()
    assert said == "1 tickets, 0 differed\n"
    ticket.refresh_from_db()
    assert ticket.status == "waiting_customer"
    assert set(SlaClock.objects.filter(ticket=ticket).values_list("state", flat=True)) == {"paused"}
    assert recompute() == "1 tickets, 0 differed\n"


@pytest.mark.django_db(transaction=True)
def test_a_ticket_joined_meanwhile_is_let_be():
    first = make_ticket(at=timezone.now() - timedelta(hours=1))
    second = make_ticket(at=timezone.now() - timedelta(hours=1), customer=first.customer)
    listening, begun = _between(
        "tickets_sla_clock",
        lambda: merge_tickets(source_id=second.pk, target_id=first.pk, actor=SYSTEM, at=timezone.now()),
        waits=False,
    )
    with listening:
        said = recompute("--repair")
    begun[0].join()
    assert said == "2 tickets, 0 differed\n"
    assert recompute() == "1 tickets, 0 differed\n"
