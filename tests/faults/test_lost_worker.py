"""A killed worker's job is taken up within seconds; a frozen worker keeps its own; a server restart proves nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.jobs import drain, schedule
from core.jobs.orphans import free_orphans
from core.models import Job, JobState
from tests.stack import running_stack

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.faults
SOON = 30  # seconds: by the lease alone nobody would take the job up in less than 90, on the fastest machine

WORKER = """
import os, sys, time, django
django.setup()
from core.jobs import drain, job

@job("probe.long", outside=sys.argv[1] == "outside")
def long(*, job):
    with open(os.environ["PROBE_LOG"], "a") as log:
        log.write(f"{sys.argv[2]}\\n")
    if sys.argv[2] != "heir":
        time.sleep(30)

end = time.monotonic() + float(sys.argv[3])
while not drain(seconds=1) and time.monotonic() < end:  # what was given back rests for a second first
    time.sleep(0.1)
"""


@contextmanager
def worker(log: Path, kind: str, name: str, seconds: float = 2) -> Iterator[subprocess.Popen[bytes]]:
    """Run one worker process; killed at the end."""
    server = connection.settings_dict
    address = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, kind, name, str(seconds)],
        env={**os.environ, "DATABASE_URL": address, "PROBE_LOG": str(log), "PYTHONPATH": str(ROOT)},
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def wait_for(what: Callable[[], Any], seconds: float, why: str = "") -> float:
    """Wait until it is so and return how long that took."""
    begun = time.monotonic()
    while not what():
        if time.monotonic() - begun > seconds:
            pytest.fail(f"not within {seconds} s: {why}")
        time.sleep(0.05)
    return time.monotonic() - begun


def words(log: Path) -> list[str]:
    return log.read_text().split() if log.exists() else []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["inside", "outside"])
def test_a_killed_workers_job_is_run_by_the_next_within_seconds(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "log"
    schedule("probe.long", key="x", due_at=timezone.now())
    with worker(log, kind, "victim") as victim:
        wait_for(lambda: words(log) == ["victim"], 30)
        assert free_orphans() == 0  # it lives
        victim.send_signal(signal.SIGKILL)
        victim.wait(10)
    killed = time.monotonic()
    wait_for(lambda: free_orphans() == 1, SOON, "the server ends the session of a dead worker at once")
    with worker(log, kind, "heir", 10) as heir:
        heir.wait(60)
    took = time.monotonic() - killed
    row = Job.objects.get()
    assert (words(log), row.state, row.attempts) == (["victim", "heir"], JobState.DONE, 2)
    print({"seconds": round(took, 1)})


@pytest.mark.django_db(transaction=True)
def test_a_frozen_worker_keeps_its_job_until_the_lease_is_over_and_then_cannot_finish(tmp_path: Path) -> None:
    log = tmp_path / "log"
    schedule("probe.long", key="x", due_at=timezone.now())
    with worker(log, "outside", "frozen") as frozen:
        wait_for(lambda: words(log) == ["frozen"], 30)
        frozen.send_signal(signal.SIGSTOP)
        time.sleep(1)
        assert free_orphans() == 0
        with worker(log, "outside", "heir", 1) as heir:
            heir.wait(60)
        assert words(log) == ["frozen"]
        Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        with worker(log, "outside", "heir", 1) as heir:
            heir.wait(60)
        assert words(log) == ["frozen", "heir"]
        done_at = Job.objects.get().done_at
        frozen.send_signal(signal.SIGCONT)
        frozen.wait(60)
    row = Job.objects.get()
    assert (row.state, row.attempts, row.fence, row.done_at) == (JobState.DONE, 2, 2, done_at)


@pytest.mark.django_db(transaction=True)
def test_a_session_lost_with_the_server_proves_no_death() -> None:
    """After a restart no session is older than the lease's: as here, where the lease's is older than the server."""
    schedule("probe.unknown", key="x", due_at=timezone.now())
    long_ago = timezone.now() - timedelta(days=400)
    held = {"state": JobState.RUNNING, "lease_until": timezone.now() + timedelta(seconds=60), "attempts": 1}
    Job.objects.update(**held, lease_pid=4_000_000, lease_session_at=long_ago)
    assert free_orphans() == 0
    Job.objects.update(lease_session_at=timezone.now())  # the same, had the server been up all the time
    assert free_orphans() == 1
    row = Job.objects.get()
    assert (row.state, row.attempts, row.last_error) == (JobState.READY, 1, "worker lost")
    assert row.retry_at is not None
    Job.objects.update(**held, lease_pid=None, lease_session_at=None)  # claimed by a worker of the version before
    assert free_orphans() == 0


@pytest.mark.django_db(transaction=True)
def test_a_session_of_the_same_number_is_another_worker() -> None:
    schedule("probe.unknown", key="x", due_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid, backend_start FROM pg_stat_get_activity(pg_backend_pid())")
        pid, began = cursor.fetchone()
    held = {"state": JobState.RUNNING, "lease_until": timezone.now() + timedelta(seconds=60)}
    Job.objects.update(**held, lease_pid=pid, lease_session_at=began)
    assert free_orphans() == 0
    Job.objects.update(lease_session_at=began - timedelta(milliseconds=1))
    assert free_orphans() == 1
    assert drain(seconds=0.1) == 0  # unknown here: it waits for a worker that knows it


class TarPit:
    """A mail server that takes the call, says nothing, and counts who called."""

    def __init__(self) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        self.calls: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                self.calls.append(self.server.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self.server.close()
        for call in self.calls:
            call.close()


OWE = """
from django.utils import timezone
from notifications.services import queue_message
from notifications.templates import register_template
words = {"zh-hans": "您好", "en": "hello"}
register_template("probe.mail", label="x", subject=words, body=words)
queue_message(key="probe", template="probe.mail", language="en", to="who@mail.example", context={}, at=timezone.now())
"""


@pytest.mark.timeout(300)
def test_the_product_takes_up_a_killed_workers_mail_within_seconds() -> None:
    pit = TarPit()
    try:
        with running_stack(SMTP_URL=f"smtp://127.0.0.1:{pit.port}", TRIAL="0", ALLOWED_HOSTS="*") as stack:
            stack.manage("shell", "-v", "0", "-c", OWE)
            wait_for(lambda: len(pit.calls) >= 1, 30, "the worker calls the mail server")
            time.sleep(0.5)
            stack.kill9("worker")
            killed = time.monotonic()
            wait_for(lambda: stack._child("worker").is_running, 30, "the supervisor starts it again")
            back = time.monotonic() - killed
            wait_for(lambda: len(pit.calls) >= 2, 30, stack.log("worker"))
            took = time.monotonic() - killed
            with stack.db() as db:
                row = db.execute("SELECT * FROM core_job WHERE name = 'notifications.send_delivery'").fetchone()
    finally:
        pit.close()
    print({"worker_back": round(back, 1), "job_taken_up": round(took, 1)})
    assert (row["state"], row["attempts"], row["last_error"]) == ("running", 2, "worker lost")
    assert took < SOON  # of which the start of a worker is the most
