"""The job table: once, in order, fenced, counted, quarantined, replayed, back-filled."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.events import declare, record
from core.jobs import RetryLater, cancel, drain, job, periodic, replay_job, reschedule, schedule, went_on
from core.jobs.clock import make_periods, period_start
from core.jobs.queue import LeaseLost, claim, run_job
from core.jobs.registry import PERIODIC, TICKS
from core.models import Event, Job, JobState
from core.reactions import REACTIONS, reacts_to
from tests.core.test_events import Thing

RAN: list[Any] = []
SEEN: list[Any] = []
declare("probe.reacted")
declare("probe.seldom")
declare("probe.crowded")


@job("probe.plain")
def plain(*, job: Any, n: int) -> None:
    RAN.append(n)


@job("probe.failing")
def failing(*, job: Any, n: int) -> None:
    RAN.append(n)
    raise ValueError("no luck")


@job("probe.outside", outside=True, max_attempts=2)
def outside(*, job: Any, n: int) -> None:
    assert not connection.in_atomic_block
    RAN.append(job.idempotency_key)
    raise RetryLater("busy", timedelta(0))


@job("probe.long", outside=True)
def long(*, job: Any, steps: list[bool]) -> None:
    """Each run comes a step further, when it may, and fails."""
    RAN.append(len(RAN))
    if steps[len(RAN) - 1]:
        with transaction.atomic():
            went_on(job)
    raise RetryLater("cut off", timedelta(0))


@job("probe.half")
def half(*, job: Any) -> None:
    Job.objects.create(name="probe.trace", key="half", due_at=timezone.now() + timedelta(days=1))
    raise ValueError("after the write")


@job("probe.looks")
def looks(*, job: Any) -> None:
    SEEN[:] = Job.objects.order_by("due_at", "id").values_list("state", "attempts")


@reacts_to("probe.reacted", name="probe.on_reacted")
def on_reacted(event: Event) -> None:
    RAN.append(event.pk)
    record("probe.seldom", subject=Thing(event.subject_id), actor=SYSTEM, at=timezone.now())


@reacts_to("probe.reacted", name="probe.on_reacted_history", when=lambda e: e.subject_id > 10, on_import=True)
def on_reacted_history(event: Event) -> None:
    RAN.append(("history", event.subject_id))


@periodic("probe.hourly", every=timedelta(hours=1))
def hourly(*, period_start: datetime) -> None:
    RAN.append(period_start)


@pytest.fixture(autouse=True)
def _clean():
    RAN.clear()


def now() -> datetime:
    return timezone.now()


@pytest.mark.django_db(transaction=True)
def test_a_key_is_owed_once():
    assert schedule("probe.plain", key="a", due_at=now(), payload={"n": 1})
    assert not schedule("probe.plain", key="a", due_at=now(), payload={"n": 2})
    assert drain(seconds=5) == 1
    assert RAN == [1]
    assert not schedule("probe.plain", key="a", due_at=now(), payload={"n": 3})


@pytest.mark.django_db(transaction=True)
def test_not_due_cancelled_and_unknown_jobs_wait():
    schedule("probe.plain", key="later", due_at=now() + timedelta(hours=1), payload={"n": 1})
    schedule("probe.plain", key="off", due_at=now(), payload={"n": 2})
    schedule("probe.of_a_newer_worker", key="x", due_at=now())
    assert cancel("probe.plain", "off")
    assert drain(seconds=5) == 0
    assert reschedule("probe.plain", "later", now())
    assert drain(seconds=5) == 1
    assert RAN == [1]
    assert Job.objects.get(name="probe.of_a_newer_worker").state == JobState.READY


@pytest.mark.django_db(transaction=True)
def test_a_failing_job_backs_off_holds_its_shard_then_is_quarantined_and_the_shard_goes_on():
    schedule("probe.failing", key="1", due_at=now(), shard="t:1", payload={"n": 1})
    schedule("probe.failing", key="2", due_at=now(), shard="t:1", payload={"n": 2})
    schedule("probe.plain", key="3", due_at=now(), shard="t:1", payload={"n": 3})
    for _ in range(3):
        drain(seconds=5)
        Job.objects.filter(key="1").update(retry_at=None)
    assert RAN.count(1) == 3
    assert RAN.count(3) == 1  # another name, another order
    assert Job.objects.get(key="1").state == JobState.QUARANTINED
    drain(seconds=5)
    assert RAN.count(2) == 1  # only now
    assert "no luck" in Job.objects.get(key="1").last_error
    assert replay_job(job_id=Job.objects.get(key="1").pk, at=now())
    Job.objects.filter(key="2").update(state="cancelled")
    drain(seconds=5)
    assert RAN.count(1) == 4


@pytest.mark.django_db(transaction=True)
def test_effect_and_done_mark_commit_together():
    schedule("probe.half", key="1", due_at=now())
    assert drain(seconds=5) == 0
    assert not Job.objects.filter(name="probe.trace").exists()
    assert Job.objects.get(name="probe.half").attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lost_its_lease_cannot_finish():
    schedule("probe.plain", key="1", due_at=now(), payload={"n": 1})
    (frozen,) = claim(1, names=["probe.plain"])
    Job.objects.filter(pk=frozen.id).update(lease_until=now() - timedelta(seconds=1))
    (taken_over,) = claim(1, names=["probe.plain"])
    assert taken_over.fence > frozen.fence
    assert run_job(frozen) is False
    assert run_job(taken_over) is True
    assert Job.objects.get(pk=frozen.id).state == JobState.DONE


@pytest.mark.django_db(transaction=True)
def test_a_job_that_kills_its_worker_runs_three_times_and_no_more():
    schedule("probe.plain", key="1", due_at=now(), payload={"n": 1})
    for _ in range(3):
        assert len(claim(1, names=["probe.plain"])) == 1  # and the worker dies here
        Job.objects.update(lease_until=now() - timedelta(seconds=1))
    (last,) = claim(1, names=["probe.plain"])
    assert run_job(last) is False
    assert Job.objects.get().state == JobState.QUARANTINED
    assert RAN == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_holds_only_the_job_it_runs_for_as_long_as_that_kind_may_take():
    schedule("probe.plain", key="1", due_at=now(), payload={"n": 1})
    schedule("probe.looks", key="1", due_at=now())
    schedule("probe.plain", key="2", due_at=now(), payload={"n": 2})
    assert drain(seconds=5) == 3
    assert SEEN == [(JobState.DONE, 1), (JobState.RUNNING, 1), (JobState.READY, 0)]
    schedule("probe.looks", key="2", due_at=now())
    claim(1, names=["probe.looks", "core.partitions"])
    lease = Job.objects.get(name="probe.looks", key="2").lease_until - now()
    assert timedelta(seconds=80) < lease <= timedelta(seconds=90)  # not the five minutes of a periodic one


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("off", ["enable_nestloop", "enable_hashjoin", "enable_mergejoin"])
def test_no_plan_of_the_claim_takes_more_than_asked(off):
    for key in "123":
        schedule("probe.plain", key=key, due_at=now(), payload={"n": 1})
    others = {"enable_nestloop", "enable_hashjoin", "enable_mergejoin", "enable_indexscan", "enable_bitmapscan"} - {off}
    for switched in ({off}, others):
        with transaction.atomic(), connection.cursor() as cursor:
            for setting in switched:
                cursor.execute(f"SET LOCAL {setting} = off")  # allowed: our own setting names
            assert len(claim(1, names=["probe.plain"])) == 1
    assert Job.objects.filter(state=JobState.READY).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_job_that_comes_further_is_given_up_only_when_it_stands_still():
    steps = [False, False, True, False, True, False, False]
    schedule("probe.long", key="1", due_at=timezone.now(), payload={"steps": steps})
    drain(seconds=10)
    assert (len(RAN), Job.objects.get(name="probe.long").state) == (7, JobState.QUARANTINED)


@pytest.mark.django_db(transaction=True)
def test_whoever_lost_a_job_cannot_say_it_went_on():
    schedule("probe.plain", key="1", due_at=timezone.now(), payload={"n": 1})
    mine = claim(1)[0]
    Job.objects.update(fence=mine.fence + 1)
    with pytest.raises(LeaseLost):
        went_on(mine)


@pytest.mark.django_db(transaction=True)
def test_an_outside_job_keeps_its_key_over_attempts():
    schedule("probe.outside", key="9", due_at=now(), payload={"n": 1})
    drain(seconds=5)
    drain(seconds=5)
    assert RAN == ["probe.outside:9", "probe.outside:9"]
    assert Job.objects.get().state == JobState.QUARANTINED


@pytest.mark.django_db(transaction=True)
def test_forty_claimers_take_each_job_once():
    for n in range(200):
        schedule("probe.plain", key=str(n), due_at=now(), shard=f"s{n % 7}" if n % 2 else "", payload={"n": n})

    def work() -> None:
        try:
            drain(seconds=20)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    drain(seconds=10)
    assert sorted(RAN) == list(range(200))
    for shard in range(7):
        mine = [n for n in RAN if n % 2 and n % 7 == shard]
        assert mine == sorted(mine)


@pytest.mark.django_db(transaction=True)
def test_reactions_run_once_per_event_and_know_their_cause():
    with transaction.atomic():
        event = record("probe.reacted", subject=Thing(1), actor=SYSTEM, at=now())
    drain(seconds=5)
    assert [event.pk] == RAN
    effect = Event.objects.get(kind="probe.seldom")
    assert (effect.cause_id, effect.depth) == (event.pk, 1)


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_event_leaves_no_reaction():
    with transaction.atomic():
        record("probe.reacted", subject=Thing(1), actor=SYSTEM, at=now())
        transaction.set_rollback(True)
    assert Job.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_imported_history_causes_only_what_asked_for_it():
    with transaction.atomic():
        for subject in (5, 50):
            record("probe.reacted", subject=Thing(subject), actor=SYSTEM, at=now(), origin="import")
    drain(seconds=5)
    assert RAN == [("history", 50)]


def test_more_than_three_reactions_to_one_kind_are_refused():
    for n in range(3):
        reacts_to("probe.crowded", name=f"probe.crowd{n}")(lambda event: None)
    with pytest.raises(ValueError, match="more than 3"):
        reacts_to("probe.crowded", name="probe.crowd3")(lambda event: None)
    REACTIONS.pop("probe.crowded")


@pytest.mark.django_db(transaction=True)
def test_missed_periods_are_filled_in_once_and_in_order():
    start = datetime(2026, 11, 21, 8, 5, tzinfo=UTC)
    item = PERIODIC["probe.hourly"]
    assert make_periods(item, start) == 1
    assert make_periods(item, start + timedelta(minutes=50)) == 0
    later = start + timedelta(hours=5)
    done: list[int] = []

    def beat() -> None:
        try:
            done.append(make_periods(item, later))
        finally:
            connection.close()

    beats = [threading.Thread(target=beat) for _ in range(2)]
    for thread in beats:
        thread.start()
    for thread in beats:
        thread.join()
    assert sorted(done) == [0, 5]
    drain(seconds=5)
    assert [at.hour for at in RAN] == [8, 9, 10, 11, 12, 13]


def test_period_start_is_aligned():
    at = datetime(2026, 11, 21, 8, 59, 59, 999999, tzinfo=UTC)
    assert period_start(at, timedelta(hours=1)) == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_upkeep_is_registered():
    assert "core.partitions" in PERIODIC
    assert "core.sweep" in PERIODIC
    assert isinstance(TICKS, dict)
