"""A job that kills its own worker: at most three runs, then quarantine; the others go on and pay nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from core.jobs import schedule
from core.models import Job, JobState

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

WORKER = """
import os, signal, time, django
django.setup()
from core.jobs import drain, job, queue

@job("probe.poison")
def poison(*, job):
    with open(os.environ["PROBE_LOG"], "a") as log:
        log.write("poison\\n")
    os.kill(os.getpid(), signal.SIGKILL)

@job("probe.good")
def good(*, job, n):
    with open(os.environ["PROBE_LOG"], "a") as log:
        log.write(f"good {n}\\n")

free, late = queue.free_orphans, float(os.environ["PROBE_LATE"])
queue.free_orphans = lambda: (time.sleep(late), free())[1]
drain(seconds=20)
"""


def work(log: Path, late: float = 0) -> int:
    """Run one worker until nothing is due, or until it dies; return its exit code. `late`: seconds its start takes."""
    from django.db import connection

    server = connection.settings_dict
    address = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    done = subprocess.run(
        [sys.executable, "-c", WORKER],
        env={**os.environ, "DATABASE_URL": address, "PROBE_LOG": str(log), "PROBE_LATE": f"{late}",
             "PYTHONPATH": str(ROOT)},
        cwd=ROOT, timeout=60, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-2000:]
    return done.returncode


def test_a_job_that_kills_its_worker_runs_three_times_and_harms_no_other(tmp_path: Path) -> None:
    log, now = tmp_path / "log", timezone.now()
    schedule("probe.good", key="before", due_at=now - timedelta(seconds=9), payload={"n": 0})
    schedule("probe.poison", key="x", due_at=now - timedelta(seconds=8))
    for n in range(1, 25):
        schedule("probe.good", key=str(n), due_at=now - timedelta(seconds=7), payload={"n": n}, shard=f"s{n % 3}")
    codes = []
    for _ in range(8):
        codes.append(work(log))
        Job.objects.filter(state=JobState.RUNNING).update(lease_until=timezone.now() - timedelta(seconds=1))
        if not Job.objects.filter(state__in=[JobState.READY, JobState.RUNNING], name__startswith="probe.").exists():
            break
    ran = log.read_text().split("\n")
    print({"workers": codes, "poison_runs": ran.count("poison")})
    assert ran.count("poison") == 3
    assert codes == [-signal.SIGKILL] * 3 + [0]
    assert Job.objects.get(name="probe.poison").state == JobState.QUARANTINED
    good = Job.objects.filter(name="probe.good")
    assert sorted(line for line in ran if line.startswith("good")) == sorted(f"good {n}" for n in range(25))
    assert {(job.state, job.attempts) for job in good} == {(JobState.DONE, 1)}


@pytest.mark.parametrize("late", [0, 0.55])
def test_the_others_get_ahead_of_the_poisoned_one(tmp_path: Path, late: float) -> None:
    log, now = tmp_path / "log", timezone.now()
    schedule("probe.poison", key="x", due_at=now - timedelta(seconds=8))
    for n in range(10):
        schedule("probe.good", key=str(n), due_at=now - timedelta(seconds=7), payload={"n": n})
    assert work(log) == -signal.SIGKILL
    assert work(log, late) == -signal.SIGKILL  # the next worker, a second later: the job may have been the victim
    good = [f"good {n}" for n in range(10)]
    assert log.read_text().splitlines() == ["poison", *good, "poison"]
    assert work(log) == 0  # but not again at once
    row = Job.objects.get(name="probe.poison")
    assert (row.state, row.attempts, row.last_error) == (JobState.READY, 2, "worker lost")
    assert row.retry_at is not None
    assert row.retry_at > timezone.now() + timedelta(seconds=5)
