"""A worker killed in the middle of a breach or an escalation: the next one does it, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Notification
from core.jobs import drain
from core.models import Event, Job, JobState
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_ticket
from tests.factories.work import make_commitment, make_department, make_member, make_task

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.faults

# The worker falls asleep after the effect and before the commit, and is killed there.
VICTIM = """
import sys, time, django
django.setup()
from core.jobs import drain
from tickets.services import promises, task_clock

def sleepy(real):
    def act(**given):
        real(**given)
        print("inside", flush=True)
        time.sleep(60)
    return act

import tickets.work_jobs as jobs
jobs.break_promise = sleepy(promises.break_promise)
jobs.escalate_task = sleepy(task_clock.escalate_task)
drain(seconds=20)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["promise", "task"])
def test_a_killed_worker_leaves_one_breach(what: str) -> None:
    now = timezone.now()
    past = now - timedelta(seconds=1)
    ticket = make_ticket(at=now - timedelta(days=1))
    drain(seconds=10)
    Job.objects.filter(state=JobState.READY).update(state=JobState.CANCELLED)
    if what == "promise":
        make_commitment(ticket, make_staff(), at=now - timedelta(hours=3), due_at=past)
        Job.objects.filter(name="tickets.promise_warn").update(state=JobState.CANCELLED)
        kind = "promise.broken"
    else:
        department = make_department()
        make_task(ticket, department, at=now - timedelta(hours=3), due_at=past, owner_id=make_member(department).pk)
        kind = "task.overdue"
    server = connection.settings_dict
    address = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    with subprocess.Popen(
        [sys.executable, "-c", VICTIM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "DATABASE_URL": address, "PYTHONPATH": str(ROOT)},
    ) as victim:  # fmt: skip
        assert victim.stdout is not None
        assert victim.stdout.readline().strip() == b"inside"
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
    assert not Event.objects.filter(kind=kind).exists()
    begun = time.monotonic()
    while not Event.objects.filter(kind=kind).exists() and time.monotonic() - begun < 30:
        drain(seconds=3)
    drain(seconds=3)
    assert Event.objects.filter(kind=kind).count() == 1
    assert Notification.objects.filter(kind=kind).count() == 1
