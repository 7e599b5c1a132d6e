"""Work handed to other departments: asked, done, sent back. The ticket waits for it and comes back with the answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff, Team
from core.actors import SYSTEM, Actor
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleEdit, TransitionNotAllowed
from core.events import record
from tickets.enums import ACTIVE_STATUSES, TicketStatus
from tickets.models import Attachment, Department, DepartmentTask, JointResponse, Ticket
from tickets.selectors.supervising import members_to_tell, works_in
from tickets.services.conversation import add_note
from tickets.services.defects import Defect, report_defect
from tickets.services.locking import announce_ticket, lock_canonical, lock_ticket, not_before, save_ticket
from tickets.services.moving import move_and_record
from tickets.services.task_clock import announce_task, notify_task, owe_clock, record_task, stop_clock
from tickets.work_enums import TASK_RULES, TASK_RUNNING, TaskAction, TaskKind, Tier
from tickets.work_errors import TaskMovedOn
from tickets.work_events import JointFact
from tickets.work_permissions import parts_in

MAX_TEXT = 10_000
MOST_TEAMS = 8
FURTHEST = timedelta(days=180)


@dataclass(frozen=True)
class TaskOrder:
    """What a department is asked; `is_blocking`: the ticket waits. `tier` names an escalation's line."""

    team_id: int
    asked: str
    due_at: datetime
    owner_id: int | None = None
    is_blocking: bool = True
    attachment_ids: tuple[int, ...] = ()
    kind: str = TaskKind.TASK
    tier: int | None = None
    parent_id: int | None = None


@dataclass(frozen=True)
class TaskAnswer:
    """What a department answers: words, its own files, and the defect it found."""

    text: str
    attachment_ids: tuple[int, ...] = field(default=())
    defect: Defect | None = None


@transaction.atomic
def ask_department(*, ticket_id: int, order: TaskOrder, actor: Actor, at: datetime) -> DepartmentTask:
    """Hand a task to another department; the ticket waits for it when `is_blocking`.

    Raises InvalidInput, Conflict on a ticket that is resolved. After commit: its people are told, due jobs stand.
    """
    ticket = _lock_active(ticket_id)
    at = not_before(ticket, at)
    task = _ask(ticket, order, actor, at)
    if order.is_blocking:
        _make_wait(ticket, actor, at)
    else:
        announce_ticket(ticket)
    return task


@transaction.atomic
def ask_jointly(
    *, ticket_id: int, team_ids: Iterable[int], order: TaskOrder, actor: Actor, at: datetime
) -> JointResponse:
    """Put one question to several departments; each gives its part, the agent answers once.

    `order.team_id` is passed over. Raises InvalidInput for fewer than two departments, Conflict.
    """
    wanted = sorted(set(team_ids))
    if not 2 <= len(wanted) <= MOST_TEAMS:
        raise InvalidInput(fields={"teams": [_("Choose two to eight departments.")]})
    ticket = _lock_active(ticket_id)
    at = not_before(ticket, at)
    joint = JointResponse.objects.create(
        ticket=ticket, asked_by_id=actor.id if actor.is_person else None, asked=_words(order.asked), asked_at=at
    )
    for team_id in wanted:
        _ask(ticket, replace(order, team_id=team_id, kind=TaskKind.JOINT, owner_id=None, tier=None), actor, at, joint)
    record("joint_response.asked", subject=joint, actor=actor, at=at, data=JointFact(tuple(wanted)))
    _make_wait(ticket, actor, at)
    return joint


def _lock_active(ticket_id: int) -> Ticket:
    ticket = lock_canonical(ticket_id)
    if ticket.status not in ACTIVE_STATUSES:
        raise Conflict(_("This ticket is finished. Open it again before you hand over a task."))
    return ticket


def _words(text: str) -> str:
    text = text.strip()
    if not text:
        raise InvalidInput(fields={"asked": [_("Say what you need from the department.")]})
    if len(text) > MAX_TEXT:
        raise InvalidInput(fields={"asked": [_("This is too long. Please put it more briefly.")]})
    return text


def _ask(
    ticket: Ticket, order: TaskOrder, actor: Actor, at: datetime, joint: JointResponse | None = None
) -> DepartmentTask:
    team = Team.objects.filter(pk=order.team_id, archived_at__isnull=True).first()
    if team is None or not Department.objects.filter(pk=order.team_id, is_active=True).exists():
        raise InvalidInput(fields={"team": [_("This department is no longer there.")]})
    if order.owner_id is not None and not works_in(order.owner_id, order.team_id):
        raise InvalidInput(fields={"owner": [_("Choose somebody of that department.")]})
    _check_due(order.due_at, at)
    task = DepartmentTask(
        ticket=ticket,
        team=team,
        owner_id=order.owner_id,
        asked_by_id=actor.id if actor.is_person else None,
        joint=joint,
        parent_id=order.parent_id,
        kind=order.kind,
        tier=_tier(order),
        is_blocking=order.is_blocking,
        asked=_words(order.asked),
        asked_at=at,
        due_at=order.due_at,
    )
    task.save(force_insert=True)
    _refer_to_files(task, order.attachment_ids)
    owe_clock(task)
    record_task(task, "asked", actor, at)
    for staff_id in [order.owner_id] if order.owner_id else members_to_tell(team.pk):
        if not (actor.is_person and actor.id == staff_id):
            notify_task(staff_id, task, "task.asked", at)
    announce_task(task)
    return task


def _tier(order: TaskOrder) -> int | None:
    if order.kind != TaskKind.TIER:
        return None
    if order.tier not in Tier.values:
        raise InvalidInput(fields={"team": [_("This department is no line of support.")]})
    return order.tier


def _check_due(due_at: datetime, at: datetime) -> None:
    if not at < due_at <= at + FURTHEST:
        raise InvalidInput(fields={"due_at": [_("Choose a time ahead, within half a year.")]})


def _refer_to_files(task: DepartmentTask, ids: Iterable[int]) -> None:
    """Point to files of the ticket; they are not copied."""
    wanted = set(ids)
    files = list(Attachment.objects.filter(pk__in=wanted, ticket_id=task.ticket_id, message__isnull=False))
    if len(files) != len(wanted):
        raise InvalidInput(fields={"files": [_("One of the files is gone. Add it again, please.")]})
    if files:
        task.files.set(files)


def _make_wait(ticket: Ticket, actor: Actor, at: datetime) -> None:
    """Let the ticket wait for departments; what waits already is only told anew."""
    ticket.version += 1
    if ticket.status != TicketStatus.WAITING_DEPARTMENT:
        move_and_record(ticket, to=TicketStatus.WAITING_DEPARTMENT, actor=actor, at=at, reason="task_asked")
    save_ticket(ticket)


@dataclass
class _Locked:
    """A task with its ticket (the one its answer goes to), both locked."""

    task: DepartmentTask
    ticket: Ticket


def _lock(task_id: int, action: TaskAction, actor: Actor, version: int | None) -> _Locked:
    """Lock ticket and task and ask the table.

    Raises NotFound, NotAllowed, TransitionNotAllowed (TaskMovedOn when a colleague was quicker), StaleEdit.
    """
    ticket_id = DepartmentTask.objects.filter(pk=task_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        raise NotFound
    ticket = lock_canonical(ticket_id)
    task = DepartmentTask.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=task_id)
    task.ticket = ticket if ticket.pk == ticket_id else Ticket.objects.get(pk=ticket_id)
    rule = TASK_RULES[action]
    if actor != SYSTEM and not rule.parts & _parts(actor, task):
        raise NotAllowed
    if task.state not in rule.before:
        if action in {TaskAction.ANSWER, TaskAction.DECLINE, TaskAction.TAKE} and version is not None:
            raise TaskMovedOn(before=task.state, after=rule.after)
        raise TransitionNotAllowed(before=task.state, after=rule.after)
    if version is not None and task.version != version and action == TaskAction.RESCHEDULE:
        raise StaleEdit(changes=[{"field": "due_at", "yours": "", "theirs": task.due_at.isoformat()}])
    return _Locked(task, ticket)


def _parts(actor: Actor, task: DepartmentTask) -> frozenset[Any]:
    staff = Staff.objects.filter(pk=actor.id or 0, is_active=True).first() if actor.is_person else None
    return parts_in(staff, task) if staff is not None else frozenset()


def _move(task: DepartmentTask, action: TaskAction, at: datetime) -> None:
    """Set the state the table names; the only writer of it after the asking."""
    after = TASK_RULES[action].after
    if after is not None:
        task.state = after
    task.settled_at = None if task.state in TASK_RUNNING else at
    task.version += 1


@transaction.atomic
def take_task(*, task_id: int, actor: Actor, at: datetime, version: int | None = None) -> DepartmentTask:
    """Take a task in hand; of two who take it at once one gets it. Raises TaskMovedOn, NotAllowed."""
    task = _lock(task_id, TaskAction.TAKE, actor, version).task
    _move(task, TaskAction.TAKE, at)
    task.owner_id = actor.id
    task.save(update_fields=["state", "owner", "version"])
    record_task(task, "taken", actor, at)
    announce_task(task)
    return task


@transaction.atomic
def give_back_task(*, task_id: int, actor: Actor, at: datetime) -> DepartmentTask:
    """Put a task back for anybody of the department. Raises TransitionNotAllowed, NotAllowed."""
    task = _lock(task_id, TaskAction.GIVE_BACK, actor, None).task
    _move(task, TaskAction.GIVE_BACK, at)
    task.owner_id = None
    task.save(update_fields=["state", "owner", "version"])
    record_task(task, "given_back", actor, at)
    announce_task(task)
    return task


@transaction.atomic
def pass_on_task(*, task_id: int, owner_id: int, actor: Actor, at: datetime) -> DepartmentTask:
    """Give a task to somebody else of the department. Raises InvalidInput, TransitionNotAllowed, NotAllowed."""
    task = _lock(task_id, TaskAction.PASS_ON, actor, None).task
    if not works_in(owner_id, task.team_id):
        raise InvalidInput(fields={"owner": [_("Choose somebody of that department.")]})
    _move(task, TaskAction.PASS_ON, at)
    task.owner_id = owner_id
    task.save(update_fields=["state", "owner", "version"])
    record_task(task, "passed_on", actor, at)
    if not (actor.is_person and actor.id == owner_id):
        notify_task(owner_id, task, "task.asked", at)
    announce_task(task)
    return task


@transaction.atomic
def answer_task(
    *, task_id: int, answer: TaskAnswer, actor: Actor, at: datetime, version: int | None = None
) -> DepartmentTask:
    """Answer a task: an internal note on its ticket, which opens again when no department works on it any more.

    Of two who answer at once one wins, the other gets TaskMovedOn. Raises NotAllowed, TransitionNotAllowed,
    InvalidInput.
    """
    locked = _lock(task_id, TaskAction.ANSWER, actor, version)
    task, text = locked.task, answer.text.strip()
    if not text or len(text) > MAX_TEXT:
        raise InvalidInput(fields={"text": [_("Write the answer, in at most 10,000 characters.")]})
    task.answer = text
    task.answered_by_id = actor.id if actor.is_person else None
    if answer.defect is not None:
        report_defect(task, answer.defect, actor, at)
    _settle(locked, TaskAction.ANSWER, gettext("Answer from %(team)s"), answer.attachment_ids, actor, at)
    return task


@transaction.atomic
def decline_task(
    *, task_id: int, reason: str, actor: Actor, at: datetime, version: int | None = None
) -> DepartmentTask:
    """Send a task back unanswered and say why, as an internal note. Raises as answer_task does."""
    locked = _lock(task_id, TaskAction.DECLINE, actor, version)
    task, text = locked.task, reason.strip()
    if not text or len(text) > MAX_TEXT:
        raise InvalidInput(fields={"reason": [_("Say why it goes back and who could help.")]})
    task.answer = text
    task.answered_by_id = actor.id if actor.is_person else None
    _settle(locked, TaskAction.DECLINE, gettext("Sent back by %(team)s"), (), actor, at)
    return task


def _settle(
    locked: _Locked, action: TaskAction, heading: str, files: tuple[int, ...], actor: Actor, at: datetime
) -> None:
    task = locked.task
    heading = heading % {"team": task.team.name}
    task.note = add_note(
        ticket_id=locked.ticket.pk, text=f"{heading}\n{task.answer}", actor=actor, at=at, attachment_ids=files
    )
    _move(task, action, at)
    fields = ["state", "settled_at", "answer", "answered_by", "note", "version"]
    if task.owner_id is None and actor.is_person:
        task.owner_id = actor.id
        fields.append("owner")
    task.save(update_fields=fields)
    stop_clock(task)
    record_task(task, action.value + ("ed" if action == TaskAction.ANSWER else "d"), actor, at)
    announce_task(task)
    ticket = _end_wait(locked.ticket.pk, actor, at, "department_answered")
    whom = task.asked_by_id if task.parent_id else ticket.assignee_id or task.asked_by_id
    if whom is not None and not (actor.is_person and actor.id == whom):
        notify_task(whom, task, f"task.{task.state}", at)


def _end_wait(ticket_id: int, actor: Actor, at: datetime, reason: str) -> Ticket:
    """Open a waiting ticket again when no department owes it anything any more."""
    ticket = lock_ticket(ticket_id)
    mine = Q(ticket_id=ticket.pk) | Q(ticket__merged_into_id=ticket.pk)
    owed = DepartmentTask.objects.filter(mine, state__in=TASK_RUNNING, is_blocking=True)
    if ticket.status == TicketStatus.WAITING_DEPARTMENT and not owed.exists():
        at = not_before(ticket, at)
        ticket.version += 1
        move_and_record(ticket, to=TicketStatus.OPEN, actor=actor, at=at, reason=reason)
        save_ticket(ticket)
    else:
        announce_ticket(ticket)
    return ticket


@transaction.atomic
def withdraw_task(*, task_id: int, actor: Actor, at: datetime) -> DepartmentTask:
    """Take a question back: the department need not answer any more. Raises TransitionNotAllowed, NotAllowed."""
    locked = _lock(task_id, TaskAction.WITHDRAW, actor, None)
    task = locked.task
    _move(task, TaskAction.WITHDRAW, at)
    task.save(update_fields=["state", "settled_at", "version"])
    stop_clock(task)
    record_task(task, "withdrawn", actor, at)
    announce_task(task)
    if task.owner_id is not None and not (actor.is_person and actor.id == task.owner_id):
        notify_task(task.owner_id, task, "task.withdrawn", at)
    _end_wait(locked.ticket.pk, actor, at, "task_withdrawn")
    return task


@transaction.atomic
def ask_again(*, task_id: int, asked: str, due_at: datetime, actor: Actor, at: datetime) -> DepartmentTask:
    """Ask a department once more after its answer did not do; its earlier answer stays as a note on the ticket.

    Raises TransitionNotAllowed, NotAllowed, InvalidInput, Conflict on a finished ticket.
    """
    locked = _lock(task_id, TaskAction.ASK_AGAIN, actor, None)
    task, ticket = locked.task, _lock_active(locked.ticket.pk)
    at = not_before(ticket, at)
    _check_due(due_at, at)
    _move(task, TaskAction.ASK_AGAIN, at)
    task.asked, task.asked_at, task.due_at = _words(asked), at, due_at
    task.round, task.escalation, task.overdue_at = task.round + 1, 0, None
    task.save(
        update_fields=[
            "state", "settled_at", "asked", "asked_at", "due_at", "round", "escalation", "overdue_at", "version",
        ]
    )  # fmt: skip
    owe_clock(task)
    record_task(task, "asked_again", actor, at)
    for staff_id in [task.owner_id] if task.owner_id else members_to_tell(task.team_id):
        if staff_id is not None and not (actor.is_person and actor.id == staff_id):
            notify_task(staff_id, task, "task.asked", at)
    announce_task(task)
    if task.is_blocking:
        _make_wait(ticket, actor, at)
    return task


@transaction.atomic
def reschedule_task(
    *, task_id: int, due_at: datetime, actor: Actor, at: datetime, version: int | None = None
) -> DepartmentTask:
    """Give a running task another due time; what had escalated starts over. Raises TransitionNotAllowed, StaleEdit."""
    task = _lock(task_id, TaskAction.RESCHEDULE, actor, version).task
    _check_due(due_at, at)
    stop_clock(task)
    _move(task, TaskAction.RESCHEDULE, at)
    task.round, task.escalation, task.overdue_at, task.due_at = task.round + 1, 0, None, due_at
    task.save(update_fields=["due_at", "round", "escalation", "overdue_at", "version"])
    owe_clock(task)
    record_task(task, "rescheduled", actor, at)
    announce_task(task)
    announce_ticket(task.ticket)
    return task
