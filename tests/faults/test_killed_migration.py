"""A worker that takes another desk's tickets in is killed -9 in the middle of batches: nothing is lost or doubled."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Count
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event, Job, JobState
from customers.models import Customer, Identity
from tests.tickets.test_migration import lines, ticket
from tickets.models import Message, Migration, MigrationPerson, Ticket
from tickets.services import migration as service

ROOT = Path(__file__).resolve().parent.parent.parent
TICKETS, BATCH, PEOPLE = 240, 20, 60
pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

# The worker says where it is, batch by batch, and waits there to be killed when it is told to.
WORKER = """
import sys, time, django
django.setup()
from core.jobs import drain
from tickets.services.migration import running, taking

where, which = sys.argv[1], int(sys.argv[2])
running.BATCH, seen = int(sys.argv[3]), 0

def here(place):
    global seen
    seen += place == where
    if place == where and seen == which:
        print("here", flush=True)
        time.sleep(60)

def stopping(module, name, before, after):
    real = getattr(module, name)
    def act(*given, **named):
        here(before)
        told = real(*given, **named)
        here(after)
        return told
    setattr(module, name, act)

stopping(taking, "find_or_add_customers", "", "customers")
stopping(taking, "copy_messages", "tickets", "messages")
stopping(running, "_write", "batch", "written")
drain(seconds=30)
"""


def worker(where: str, which: int) -> subprocess.Popen[str]:
    server = connection.settings_dict
    address = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, where, str(which), str(BATCH)], cwd=ROOT, text=True,
        env={**os.environ, "DATABASE_URL": address, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def kill(where: str, which: int) -> None:
    """Let a worker go to a place in its batch and kill it there; what it held is free at once."""
    process = worker(where, which)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "here\n", f"the worker never came to {where} {which}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
    end = time.monotonic() + 20
    while Job.objects.filter(name="tickets.run_migration").exclude(state=JobState.READY).exists():
        free_it()
        assert time.monotonic() < end, "the job of the dead worker was never given back"
        time.sleep(0.05)


def free_it() -> None:
    from core.jobs.orphans import free_orphans

    free_orphans()
    past = timezone.now() - timedelta(seconds=5)
    given_back = Job.objects.filter(name="tickets.run_migration", state=JobState.READY)
    given_back.update(due_at=past, retry_at=None, attempts=0)  # three deaths in one slice would set it aside as poison


def begin() -> Migration:
    rows = []
    for number in range(1, TICKETS + 1):
        who = 1000 + number % PEOPLE
        told = ticket(
            number, requester_id=who, requester={"id": who, "name": f"顾客{who}", "email": f"c{who}@example.com"}
        )
        for comment in told["comments"]:
            comment["author_id"] = who if comment["author_id"] == 11 else comment["author_id"]
        rows.append(told)
    files = [("tickets.json", io.BytesIO(lines(*rows)))]
    started = service.start_migration(source="zendesk", shop_id=None, files=files, actor=SYSTEM, at=timezone.now())
    service.check_migration(migration_id=started.pk, at=timezone.now())
    Job.objects.filter(name="tickets.check_migration").update(state=JobState.CANCELLED)
    return service.begin_migration(migration_id=started.pk, mapping={}, actor=SYSTEM, at=timezone.now())


def kinds() -> Counter[str]:
    rows = Event.objects.filter(origin="import").values("kind").annotate(count=Count("pk"))
    return Counter({row["kind"]: row["count"] for row in rows})


def test_killed_in_the_middle_of_batches_nothing_is_lost_or_doubled() -> None:
    found = begin()
    dice = random.Random(int(os.environ.get("CS_FAULT_SEED", "20261122")))
    for place in ("customers", "tickets", "messages", "written"):
        before = Migration.objects.get(pk=found.pk).items_done
        which = dice.randint(1, 3)
        kill(place, which)
        after = Migration.objects.get(pk=found.pk)
        assert after.items_done == before + (which - 1) * BATCH  # whole batches, and the one it died in not at all
        assert (Ticket.objects.count(), Message.objects.count()) == (after.items_done, 5 * after.items_done)
        assert after.tickets_new == after.items_done
    heir = worker("nowhere", 0)
    heir.communicate(timeout=60)
    done = Migration.objects.get(pk=found.pk)
    assert (done.state, done.items_done, done.tickets_new, done.messages_new, done.bad) == (
        "done", TICKETS, TICKETS, 4 * TICKETS, 0,
    )  # fmt: skip
    assert Ticket.objects.values("client_id").distinct().count() == Ticket.objects.count() == TICKETS
    assert Message.objects.values("client_id").distinct().count() == Message.objects.count() == 5 * TICKETS
    each = Ticket.objects.annotate(said=Count("messages")).values_list("said", "last_seq").distinct()
    assert list(each) == [(5, 5)]
    assert (Customer.objects.count(), Identity.objects.count()) == (PEOPLE, PEOPLE)
    told = kinds()
    assert told == Counter({
        "ticket.opened": TICKETS, "ticket.resolved": TICKETS, "ticket.closed": TICKETS,
        "message.received": 2 * TICKETS, "message.sent": TICKETS, "message.noted": TICKETS, "customer.added": PEOPLE,
    })  # fmt: skip
    assert Event.objects.filter(kind="migration.finished").count() == 1
    assert not MigrationPerson.objects.exists()
