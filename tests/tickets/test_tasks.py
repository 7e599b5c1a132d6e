"""Department tasks: the ticket waits, illegal steps are refused, late ones rise once, joint answers are given once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Notification, Staff
from core.actors import SYSTEM, Actor
from core.errors import Conflict, InvalidInput, NotAllowed, TransitionNotAllowed
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_order, make_product, make_shop
from tests.factories.tickets import jpeg, make_ticket
from tests.factories.work import make_department, make_member, make_task
from tests.tickets.test_races import at_once
from tickets.models import DepartmentTask, JointResponse, Message, ProductDefect, Ticket
from tickets.services import resolve_ticket
from tickets.services import tasks as services
from tickets.services.joints import answer_jointly
from tickets.services.task_clock import DUE_JOB, escalate_task
from tickets.work_enums import TASK_RULES, TaskAction, TaskState
from tickets.work_errors import DepartmentsOwe, JointAnswered

pytestmark = pytest.mark.django_db


class World:
    """A ticket of one team, a department of another, and everybody who may or may not touch a task."""

    def __init__(self) -> None:
        self.team = make_team()
        self.department = make_department()
        self.people: dict[str, Staff] = {
            "desk": make_staff(teams=[self.team]),
            "member": make_member(self.department),
            "lead": make_member(self.department, is_lead=True),
            "owner": make_member(self.department),
            "other_department": make_member(make_department()),
            "other_desk": make_staff(teams=[make_team()]),
            "analyst": make_staff(roles=["analyst"]),
            "gone": make_staff(roles=["admin"], is_active=False),
        }
        self.ticket = make_ticket(at=timezone.now() - timedelta(days=1))
        Ticket.objects.filter(pk=self.ticket.pk).update(team=self.team, assignee=self.people["desk"])
        self.ticket.refresh_from_db()

    def task(self, **fields: Any) -> DepartmentTask:
        return make_task(self.ticket, self.department, asker=self.people["desk"], **fields)

    def task_in(self, state: str) -> DepartmentTask:
        task, now = self.task(owner_id=self.people["owner"].pk), timezone.now()
        owner = Actor.staff(self.people["owner"])
        if state == TaskState.TAKEN:
            services.take_task(task_id=task.pk, actor=owner, at=now)
        elif state == TaskState.ANSWERED:
            services.answer_task(task_id=task.pk, answer=services.TaskAnswer("有货"), actor=owner, at=now)
        elif state == TaskState.DECLINED:
            services.decline_task(task_id=task.pk, reason="不归我们", actor=owner, at=now)
        elif state == TaskState.WITHDRAWN:
            services.withdraw_task(task_id=task.pk, actor=SYSTEM, at=now)
        task.refresh_from_db()
        assert task.state == state
        return task


@pytest.fixture
def world() -> World:
    return World()


def act(action: TaskAction, task: DepartmentTask, staff: Staff, owner: Staff) -> Any:
    actor, at = Actor.staff(staff), timezone.now()
    later = at + timedelta(days=1)
    acts: dict[TaskAction, Any] = {
        TaskAction.TAKE: lambda: services.take_task(task_id=task.pk, actor=actor, at=at),
        TaskAction.GIVE_BACK: lambda: services.give_back_task(task_id=task.pk, actor=actor, at=at),
        TaskAction.PASS_ON: lambda: services.pass_on_task(task_id=task.pk, owner_id=owner.pk, actor=actor, at=at),
        TaskAction.ANSWER: lambda: services.answer_task(
            task_id=task.pk, answer=services.TaskAnswer("有货"), actor=actor, at=at
        ),
        TaskAction.DECLINE: lambda: services.decline_task(task_id=task.pk, reason="不归我们", actor=actor, at=at),
        TaskAction.WITHDRAW: lambda: services.withdraw_task(task_id=task.pk, actor=actor, at=at),
        TaskAction.ASK_AGAIN: lambda: services.ask_again(
            task_id=task.pk, asked="还差数量", due_at=later, actor=actor, at=at
        ),
        TaskAction.RESCHEDULE: lambda: services.reschedule_task(task_id=task.pk, due_at=later, actor=actor, at=at),
    }
    return acts[action]()


# Written out, not computed from the table under test: who may do what from where.
RUNNING = ("open", "taken")
LEGAL = {
    **{("open", "take", who): "taken" for who in ("member", "lead", "owner")},
    **{("taken", "give_back", who): "open" for who in ("lead", "owner")},
    **{(state, "pass_on", who): "taken" for state in RUNNING for who in ("lead", "owner")},
    **{(state, "answer", who): "answered" for state in RUNNING for who in ("member", "lead", "owner")},
    **{(state, "decline", who): "declined" for state in RUNNING for who in ("member", "lead", "owner")},
    **{(state, "withdraw", "desk"): "withdrawn" for state in RUNNING},
    **{(state, "ask_again", "desk"): "open" for state in ("answered", "declined")},
    **{(state, "reschedule", "desk"): state for state in RUNNING},
}


@pytest.mark.parametrize("action", list(TaskAction))
@pytest.mark.parametrize("state", TaskState.values)
def test_every_step_of_everybody_is_legal_or_refused(state: str, action: TaskAction) -> None:
    for who in ("desk", "member", "lead", "owner", "other_department", "other_desk", "analyst", "gone"):
        world = World()
        task = world.task_in(state)
        expected = LEGAL.get((state, action.value, who))
        events = Event.objects.filter(subject_type="task", subject_id=task.pk)
        before = events.count()
        if expected is None:
            with pytest.raises((NotAllowed, TransitionNotAllowed)):
                act(action, task, world.people[who], world.people["member"])
            task.refresh_from_db()
            assert (task.state, events.count()) == (state, before)
        else:
            act(action, task, world.people[who], world.people["member"])
            task.refresh_from_db()
            assert (task.state, events.count()) == (expected, before + 1)


def test_the_table_names_every_action() -> None:
    assert set(TASK_RULES) == set(TaskAction)
    assert {(state, action.value) for action, rule in TASK_RULES.items() for state in rule.before} == {
        (state, action) for state, action, _who in LEGAL
    }


def test_the_ticket_waits_and_comes_back_with_the_last_answer(world: World) -> None:
    one, two = world.task(), make_task(world.ticket, make_department(), asker=world.people["desk"])
    world.ticket.refresh_from_db()
    assert world.ticket.status == "waiting_department"
    act(TaskAction.ANSWER, one, world.people["member"], world.people["member"])
    world.ticket.refresh_from_db()
    assert world.ticket.status == "waiting_department"
    services.withdraw_task(task_id=two.pk, actor=Actor.staff(world.people["desk"]), at=timezone.now())
    world.ticket.refresh_from_db()
    assert world.ticket.status == "open"
    note = Message.objects.get(ticket=world.ticket, kind="note")
    assert (note.author_id, note.text.splitlines()[1]) == (world.people["member"].pk, "有货")
    one.refresh_from_db()
    assert one.note == note
    told = Notification.objects.get(kind="task.answered")
    assert told.staff == world.people["desk"]


def test_a_task_without_waiting_leaves_the_ticket_alone(world: World) -> None:
    world.task(is_blocking=False)
    world.ticket.refresh_from_db()
    assert world.ticket.status == "new"


def test_a_ticket_that_departments_work_on_is_not_resolved_by_a_person(world: World) -> None:
    task, desk = world.task(), Actor.staff(world.people["desk"])
    with pytest.raises(DepartmentsOwe):
        resolve_ticket(ticket_id=world.ticket.pk, actor=desk, at=timezone.now())
    services.withdraw_task(task_id=task.pk, actor=desk, at=timezone.now())
    resolve_ticket(ticket_id=world.ticket.pk, actor=desk, at=timezone.now())
    with pytest.raises(Conflict):
        world.task()


def test_what_makes_no_sense_is_refused(world: World) -> None:
    now = timezone.now()
    for fields in ({"asked": " "}, {"due_at": now - timedelta(hours=1)}, {"due_at": now + timedelta(days=400)},
                   {"owner_id": world.people["desk"].pk}, {"attachment_ids": (99,)}, {"kind": "tier", "tier": 9},
                   {"team_id": world.team.pk}):  # fmt: skip
        with pytest.raises(InvalidInput):
            world.task(**fields)
    assert (Job.objects.filter(name=DUE_JOB).count(), DepartmentTask.objects.count()) == (0, 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_wins_and_the_other_sees_it() -> None:
    world = World()
    task = world.task()

    def answer(who: str, text: str) -> Any:
        return services.answer_task(
            task_id=task.pk, answer=services.TaskAnswer(text), actor=Actor.staff(world.people[who]),
            at=timezone.now(), version=task.version,
        )  # fmt: skip

    results = at_once(lambda: answer("member", "有货"), lambda: answer("lead", "没货"))
    assert sorted(type(result).__name__ for result in results) == ["DepartmentTask", "TaskMovedOn"]
    task.refresh_from_db()
    assert Message.objects.filter(ticket=world.ticket, kind="note").count() == 1
    assert Event.objects.filter(kind="task.answered").count() == 1
    client = Client()
    loser = world.people["lead" if task.answer == "有货" else "member"]
    client.force_login(loser)
    page = client.post(f"/desk/tasks/{task.pk}/answer/", {"version": 1, "text": "我写了很久的话"})
    assert page.status_code == 409
    assert "我写了很久的话" in page.content.decode()
    assert task.answer in page.content.decode()


def test_a_late_task_rises_to_owner_lead_and_supervisor_each_once(world: World) -> None:
    supervisor = make_staff(roles=["supervisor"], teams=[world.team])
    now = timezone.now()
    task = world.task(at=now - timedelta(hours=9), due_at=now - timedelta(seconds=1), owner_id=world.people["owner"].pk)
    for level, kind, whom in (
        (1, "task.overdue", {world.people["owner"].pk, world.people["desk"].pk}),
        (2, "task.escalated", {world.people["lead"].pk}),
        (3, "task.escalated", {supervisor.pk}),
    ):
        Notification.objects.all().delete()
        job = Job.objects.get(name=DUE_JOB, state="ready")
        assert job.payload["level"] == level
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        drain(seconds=20)
        assert set(Notification.objects.filter(kind=kind).values_list("staff_id", flat=True)) == whom
        assert not escalate_task(task_id=task.pk, round_=1, level=level, at=timezone.now())
    task.refresh_from_db()
    assert (task.escalation, task.overdue_at) == (3, task.due_at)
    assert not Job.objects.filter(name=DUE_JOB, state="ready").exists()
    assert list(Event.objects.filter(subject_type="task").order_by("id").values_list("kind", flat=True)) == [
        "task.asked", "task.overdue", "task.escalated", "task.escalated",
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_workers_raise_a_late_task_once() -> None:
    world, now = World(), timezone.now()
    world.task(at=now - timedelta(hours=9), due_at=now - timedelta(seconds=1))
    at_once(*[lambda: drain(seconds=6)] * 2)
    assert Event.objects.filter(kind="task.overdue").count() == 1


def test_an_answered_task_no_longer_rises_and_one_asked_again_starts_over(world: World) -> None:
    task = world.task_in(TaskState.ANSWERED)
    assert not escalate_task(task_id=task.pk, round_=1, level=1, at=timezone.now())
    act(TaskAction.ASK_AGAIN, task, world.people["desk"], world.people["member"])
    world.ticket.refresh_from_db()
    assert world.ticket.status == "waiting_department"
    assert not escalate_task(task_id=task.pk, round_=1, level=1, at=timezone.now())
    assert list(Job.objects.filter(name=DUE_JOB, state="ready").values_list("key", flat=True)) == [f"{task.pk}:2:1"]


def ask_jointly(world: World) -> JointResponse:
    teams = [world.department.pk, make_department().pk]
    order = services.TaskOrder(team_id=0, asked="客户投诉延误，请各自说明", due_at=timezone.now() + timedelta(hours=5))
    return services.ask_jointly(
        ticket_id=world.ticket.pk,
        team_ids=teams,
        order=order,
        actor=Actor.staff(world.people["desk"]),
        at=timezone.now(),
    )


def test_a_joint_response_waits_for_all_parts_and_is_given_once(world: World) -> None:
    joint = ask_jointly(world)
    desk = Actor.staff(world.people["desk"])

    def answer(**fields: Any) -> JointResponse:
        given = {"text": "给您一个说法", "client_id": uuid4(), "actor": desk, "at": timezone.now(), **fields}
        return answer_jointly(joint_id=joint.pk, **given)

    mine = joint.parts.get(team=world.department.team)
    act(TaskAction.ANSWER, mine, world.people["member"], world.people["member"])
    with pytest.raises(DepartmentsOwe):
        answer()
    once = uuid4()
    answer(without_missing=True, client_id=once)
    joint.refresh_from_db()
    assert joint.message is not None
    assert joint.message.text == "给您一个说法"
    assert sorted(joint.parts.values_list("state", flat=True)) == ["answered", "withdrawn"]
    assert answer(client_id=once).pk == joint.pk
    with pytest.raises(JointAnswered):
        answer()
    assert Message.objects.filter(ticket=world.ticket, kind="public", author_type="staff").count() == 1
    with pytest.raises(InvalidInput):
        services.ask_jointly(
            ticket_id=world.ticket.pk, team_ids=[world.department.pk], actor=desk, at=timezone.now(),
            order=services.TaskOrder(team_id=0, asked="一个不算", due_at=timezone.now() + timedelta(hours=1)),
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_two_joint_answers_at_once_are_one() -> None:
    world = World()
    joint = ask_jointly(world)
    works = [
        lambda: answer_jointly(
            joint_id=joint.pk, text="说法", client_id=uuid4(), actor=Actor.staff(world.people["desk"]),
            at=timezone.now(), without_missing=True,
        )
    ] * 2  # fmt: skip
    results = at_once(*works)
    assert sorted(type(result).__name__ for result in results) == ["JointAnswered", "JointResponse"]


def test_technical_support_asks_research_and_reports_a_defect_while_the_agent_keeps_the_customer(
    client: Client,
) -> None:
    world = World()
    shop = make_shop()
    product = make_product(shop, "CUP-500-W")
    order = make_order(shop=shop)
    Ticket.objects.filter(pk=world.ticket.pk).update(order=order)
    support, research = make_department(tier=2), make_department(tier=3)
    technician = make_staff(roles=["tech_support"], teams=[support.team])
    engineer = make_member(research)
    client.force_login(world.people["desk"])
    due_at = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    form = {"teams": [support.pk], "asked": "杯子漏水，请技术看看", "due_at": due_at, "is_blocking": "on"}
    assert client.post(f"/desk/t/{world.ticket.pk}/tasks/new/", form).status_code == 302
    task = DepartmentTask.objects.get()
    assert (task.kind, task.tier) == ("tier", 2)
    client.force_login(technician)
    page = client.get(f"/desk/tasks/{task.pk}/").content.decode()
    assert "杯子收到时有裂纹" in page  # the whole conversation is readable though the ticket is another team's
    form = {"teams": [research.pk], "asked": "批次问题？", "due_at": due_at}
    assert client.post(f"/desk/tasks/{task.pk}/escalate/", form).status_code == 302
    child = task.children.get()
    assert (child.tier, child.is_blocking, child.asked_by) == (3, False, technician)
    services.answer_task(
        task_id=child.pk, answer=services.TaskAnswer("是批次问题"), actor=Actor.staff(engineer), at=timezone.now()
    )
    assert Notification.objects.get(kind="task.answered").staff == technician
    answer = {
        "version": task.version,
        "text": "密封圈缺陷",
        "is_defect": "on",
        "defect": "密封圈偏小",
        "product": product.pk,
    }
    photo = SimpleUploadedFile("ring.jpg", jpeg(), "image/jpeg")
    assert client.post(f"/desk/tasks/{task.pk}/answer/", {**answer, "files": photo}).status_code == 302
    defect = ProductDefect.objects.get()
    assert (defect.product, defect.words) == (product, "密封圈偏小")
    world.ticket.refresh_from_db()
    assert (world.ticket.assignee, world.ticket.status) == (world.people["desk"], "open")
    note = Message.objects.filter(ticket=world.ticket, kind="note").latest("seq")
    assert note.attachments.count() == 1
    client.force_login(world.people["desk"])
    assert "密封圈偏小" in client.get("/desk/tasks/defects/").content.decode()


def test_the_pages_of_a_task_by_hand(client: Client, world: World) -> None:
    task = world.task(owner_id=None)
    client.force_login(world.people["member"])
    assert "请核实库存" in client.get("/desk/tasks/").content.decode()
    assert client.post(f"/desk/tasks/{task.pk}/take/").status_code == 302
    assert client.post(f"/desk/tasks/{task.pk}/answer/", {"version": 2, "text": ""}).status_code == 422
    assert client.post(f"/desk/tasks/{task.pk}/decline/", {"version": 2, "reason": "不归我们"}).status_code == 302
    assert client.get(f"/desk/tasks/{task.pk}/").status_code == 200
    assert client.post(f"/desk/tasks/{task.pk}/withdraw/").status_code == 403
    client.force_login(world.people["desk"])
    assert client.get(f"/desk/t/{world.ticket.pk}/tasks/").status_code == 200
    due_at = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert client.post(f"/desk/tasks/{task.pk}/ask-again/", {"asked": "再看看", "due_at": due_at}).status_code == 302
    assert client.post(f"/desk/tasks/{task.pk}/answer/", {"version": 2, "text": "抢答"}).status_code == 403
    joint = ask_jointly(world)
    assert client.get(f"/desk/joint/{joint.pk}/").status_code == 200
    form = {"client_id": str(uuid4()), "text": "说法"}
    assert client.post(f"/desk/joint/{joint.pk}/", form).status_code == 409
    assert client.post(f"/desk/joint/{joint.pk}/", {**form, "without_missing": "on"}).status_code == 302


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_a_bounded_number_of_questions(
    client: Client, world: World, django_assert_num_queries: Any, count: int
) -> None:
    for _n in range(count):
        world.task()
    client.force_login(world.people["member"])
    client.get("/desk/tasks/")
    with django_assert_num_queries(QUERIES):
        page = client.get("/desk/tasks/")
    assert page.content.decode().count('<td class="is-lead">') == count


QUERIES = 4
