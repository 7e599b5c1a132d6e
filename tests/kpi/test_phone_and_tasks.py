"""The figures of the telephone and of departments equal a recount of calls and tasks, late news included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.folds import FOLDS, rebuild
from core.jobs import drain
from kpi.models import Fact
from kpi.periods import period_of, today
from kpi.selectors import Filters, figures
from kpi.services import advance_folds
from tests.factories.accounts import make_staff
from tests.factories.calls import Office
from tests.factories.tickets import make_reply, make_ticket
from tests.factories.work import make_department, make_member, make_task
from tests.kpi.test_folds import assert_rollups_agree
from tickets.models import Call, DepartmentTask
from tickets.services import resolve_ticket
from tickets.services import tasks as services
from tickets.services.calls.wrapping import WrapUp, wrap_up_call
from tickets.services.task_clock import escalate_task
from tickets.services.tasks import TaskAnswer

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = ("calls_answered", "calls_missed", "call_wait", "call_talk_time", "call_handling_time")
HOUR = timedelta(hours=1)


def counted(*metrics: str) -> dict[tuple[str, str], tuple[float | None, int]]:
    rows = Fact.objects.filter(metric__in=metrics)
    return {
        (one.metric, one.fact_key): (None if one.value is None else float(one.value), int(one.numerator))
        for one in rows
    }


def recount_calls() -> Iterator[tuple[tuple[str, str], tuple[float | None, int]]]:
    """Count the calls' own rows."""
    for call in Call.objects.filter(direction="in", state="ended"):
        key = f"call:{call.pk}"
        if call.result != "answered":
            yield ("calls_missed", key), (None, 1)
            continue
        wrapped = max(timedelta(), call.wrapped_at - call.ended_at) if call.wrapped_at else timedelta()
        yield ("calls_answered", key), (None, 1)
        yield ("call_wait", key), (float(call.waited), 1)
        yield ("call_talk_time", key), (float(call.talked), 1)
        yield ("call_handling_time", key), (float(call.talked + int(wrapped.total_seconds())), 1)


@pytest.mark.slow
def test_the_telephone_equals_a_recount_of_the_calls_whatever_comes_late(client: Client):
    office, now = Office(), timezone.now()
    first = office.whole_call(call="c1", number="13800138001")
    office.missed(call="c2", number="13800138002")
    office.tell("ringing", 0, call="c3", number="13800138003", extensions=["8001"])
    office.tell("ended", 60, call="c3", number="13800138003", result="missed")
    office.whole_call(call="c4", number="13800138004", direction="out")
    office.tell("ringing", 5, call="c5", number="13800138005", extensions=["8001"])  # still rings
    advance_folds(at=now)
    assert counted(*PHONE) == dict(recount_calls())
    assert {key for metric, key in counted("calls_missed")} == {
        f"call:{pk}" for pk in Call.objects.filter(ref__in=["c2", "c3"]).values_list("pk", flat=True)
    }

    office.tell("answered", 20, call="c3", number="13800138003", extension="8001")  # heard of only now
    wrap_up_call(
        call_id=first.pk, wrap_up=WrapUp(disposition="follow_up"), actor=Actor.staff(office.agent),
        at=first.ended_at + timedelta(seconds=45),
    )  # fmt: skip
    drain(seconds=5)
    advance_folds(at=now)
    found = counted(*PHONE)
    assert found == dict(recount_calls())
    assert found["call_handling_time", f"call:{first.pk}"] == (60 + 45, 1)
    late = Call.objects.get(ref="c3")
    assert late.result == "answered"
    assert ("calls_missed", f"call:{late.pk}") not in found
    assert Fact.objects.get(metric="call_talk_time", root_id=late.pk).at == late.ended_at
    office.tell("ended", 60, call="c6", number="13800138006", result="answered")  # the end first of all
    office.tell("answered", 25, call="c6", number="13800138006", extension="8001")
    advance_folds(at=now)
    found = counted(*PHONE)
    assert found == dict(recount_calls())
    backwards = Call.objects.get(ref="c6")
    assert found["call_wait", f"call:{backwards.pk}"][0] == float(backwards.waited)
    assert ("call_resolution_rate", f"call:{backwards.pk}") in counted("call_resolution_rate")
    assert_rollups_agree()
    rebuild(FOLDS["calls"], now)
    assert counted(*PHONE) == found
    assert_rollups_agree()

    period = period_of("month", today(now))
    if today(office.start) == today(now):
        read = figures([*PHONE], period, Filters())
        assert (read["calls_answered"].value, read["calls_missed"].value) == (3, 1)
        talks = [value for (metric, _key), (value, _n) in found.items() if metric == "call_talk_time"]
        assert read["call_talk_time"].value == sum(talks) / len(talks)
        waits = [value or 0.0 for (metric, _key), (value, _n) in found.items() if metric == "call_wait"]
        assert read["call_wait"].p50 == sorted(waits)[1]
    client.force_login(make_staff(roles=["manager"]))
    for metric in PHONE:
        query = f"?span=month&day={today(now)}"
        assert client.get(reverse("kpi:rows", args=[metric]) + query).status_code == 200
        assert client.get(reverse("kpi:export", args=[metric]) + query).status_code == 200


@pytest.mark.slow
def test_a_call_was_enough_when_its_ticket_is_solved_without_another_word():
    office, now = Office(), timezone.now()
    enough = office.whole_call(call="c1", number="13800138001")
    written = office.whole_call(call="c2", number="13800138002")
    twice = office.whole_call(call="c3", number="13800138003")
    again = office.whole_call(call="c4", number="13800138003")
    office.whole_call(call="c5", number="13800138005")  # not solved
    assert again.ticket_id == twice.ticket_id
    make_reply(written.ticket, office.agent, at=now)
    for call in (enough, written, twice):
        resolve_ticket(ticket_id=call.ticket_id, actor=Actor.staff(office.agent), at=now)
    advance_folds(at=now)
    found = {key: kept for (_metric, key), (_value, kept) in counted("call_resolution_rate").items()}
    expected = dict.fromkeys((f"call:{pk}" for pk in Call.objects.values_list("pk", flat=True)), 0)
    assert found == expected | {f"call:{enough.pk}": 1}


def recount_tasks() -> Iterator[tuple[tuple[str, str], tuple[float | None, int]]]:
    """Count the tasks' own rows."""
    for task in DepartmentTask.objects.all():
        key = f"task:{task.pk}"
        if task.state == "answered":
            yield ("department_task_time", key), (float(int((task.settled_at - task.asked_at).total_seconds())), 1)
            yield ("department_task_on_time", key), (None, int(task.settled_at <= task.due_at))
        elif task.overdue_at is not None and task.state in {"open", "taken"}:
            yield ("department_task_on_time", key), (None, 0)


def test_departments_equal_a_recount_of_their_tasks():
    now = timezone.now()
    department = make_department()
    member, asker = make_member(department), make_staff()
    by = Actor.staff(member)

    def ask(**fields):
        return make_task(make_ticket(at=now - 30 * HOUR), department, asker=asker, at=now - 20 * HOUR, **fields)

    def answer(task, at):
        services.answer_task(task_id=task.pk, answer=TaskAnswer(text="库存已核实"), actor=by, at=at)

    in_time, late, overdue, moved, declined, owed = (ask(due_at=now - 10 * HOUR) for _ in range(6))
    answer(in_time, now - 11 * HOUR)
    for task in (late, overdue, moved, declined):
        assert escalate_task(task_id=task.pk, round_=task.round, level=1, at=now - 9 * HOUR) is True
    advance_folds(at=now)
    assert counted("department_task_on_time", "department_task_time") == dict(recount_tasks())
    answer(late, now - 8 * HOUR)
    services.reschedule_task(task_id=moved.pk, due_at=now + 9 * HOUR, actor=SYSTEM, at=now)
    services.decline_task(task_id=declined.pk, reason="不归我们管", actor=by, at=now)
    advance_folds(at=now)
    found = counted("department_task_on_time", "department_task_time")
    assert found == dict(recount_tasks())
    kept = {key: n for (metric, key), (_value, n) in found.items() if metric == "department_task_on_time"}
    assert kept == {f"task:{in_time.pk}": 1, f"task:{late.pk}": 0, f"task:{overdue.pk}": 0}
    row = Fact.objects.get(metric="department_task_on_time", root_id=late.pk)
    assert (row.at, row.team_id) == (late.due_at, department.pk)  # late counts when the time passed
    assert owed.pk not in {one.root_id for one in Fact.objects.filter(fold="tasks")}
    rebuild(FOLDS["tasks"], now)
    assert counted("department_task_on_time", "department_task_time") == found
    assert_rollups_agree()
