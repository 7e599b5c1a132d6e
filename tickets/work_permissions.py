"""The doors to department tasks and promises, and what a person is to a task."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Membership, Staff
from accounts.permissions import Permission, has, require, team_scope
from core.errors import NotFound
from tickets.models import Commitment, DepartmentTask, JointResponse
from tickets.permissions import tickets_visible_to
from tickets.work_enums import TASK_RULES, TaskAction, TaskPart


def own_team_ids(staff: Staff) -> list[int]:
    """Return the teams a person works in; reach plays no part, one works only for one's own department."""
    if not staff.is_active:
        return []
    scope = team_scope(staff)
    if scope is not None:
        return scope
    rows = Membership.objects.filter(staff_id=staff.pk, team__archived_at__isnull=True)
    return list(rows.values_list("team_id", flat=True))


def tasks_visible_to(staff: Staff) -> QuerySet[DepartmentTask]:
    """Return the tasks of the person's departments, and those on tickets whose customers she answers."""
    seen = Q(team_id__in=own_team_ids(staff))
    if has(staff, Permission.TICKET_REPLY):
        seen |= Q(Exists(tickets_visible_to(staff).filter(pk=OuterRef("ticket_id"))))
    return DepartmentTask.objects.filter(seen)


def get_task_for(staff: Staff, task_id: int) -> DepartmentTask:
    """Return a task with all its page shows. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, Permission.TASK_WORK)
    rows = tasks_visible_to(staff).select_related(
        "ticket", "ticket__customer", "ticket__order", "ticket__category", "ticket__shop", "team", "owner", "asked_by",
        "answered_by", "joint", "parent", "defect", "defect__product",
    )  # fmt: skip
    task = rows.filter(pk=task_id).first()
    if task is None:
        raise NotFound
    return task


def parts_in(staff: Staff, task: DepartmentTask) -> frozenset[TaskPart]:
    """Return what a person is to a task: of the desk, of the department, its lead, its owner."""
    parts: set[TaskPart] = set()
    if has(staff, Permission.TICKET_REPLY) and tickets_visible_to(staff).filter(pk=task.ticket_id).exists():
        parts.add(TaskPart.DESK)
    if has(staff, Permission.TASK_WORK):
        own = Membership.objects.filter(staff_id=staff.pk, team_id=task.team_id).first()
        if own is not None:
            parts.add(TaskPart.MEMBER)
            if own.is_lead:
                parts.add(TaskPart.LEAD)
            if task.owner_id == staff.pk:
                parts.add(TaskPart.OWNER)
    return frozenset(parts)


def possible_actions(task: DepartmentTask, parts: frozenset[TaskPart]) -> frozenset[TaskAction]:
    """Return what can be done with a task in its state by somebody with these parts."""
    return frozenset(action for action, rule in TASK_RULES.items() if task.state in rule.before and parts & rule.parts)


def may_read_for_task(staff: Staff, ticket_id: int) -> bool:
    """Say whether a ticket was handed to one's department: its whole conversation is readable there."""
    if not has(staff, Permission.TASK_WORK):
        return False
    rows = DepartmentTask.objects.filter(ticket_id=ticket_id, team_id__in=own_team_ids(staff))
    return rows.exclude(state="withdrawn").exists()


def get_joint_for(staff: Staff, joint_id: int) -> JointResponse:
    """Return a joint response on a ticket the person answers. Raises NotFound, NotAllowed."""
    require(staff, Permission.TICKET_REPLY)
    seen = tickets_visible_to(staff).filter(pk=OuterRef("ticket_id"))
    joint = JointResponse.objects.select_related("ticket", "asked_by", "message").filter(Exists(seen), pk=joint_id)
    found = joint.first()
    if found is None:
        raise NotFound
    return found


def promises_visible_to(staff: Staff) -> QuerySet[Commitment]:
    """Return the promises on tickets this person sees, and those she owes."""
    seen = Exists(tickets_visible_to(staff).filter(pk=OuterRef("ticket_id")))
    return Commitment.objects.filter(seen | Q(owner_id=staff.pk))


def get_promise_for(staff: Staff, promise_id: int) -> Commitment:
    """Return a promise on a ticket the person answers. Raises NotFound, NotAllowed."""
    require(staff, Permission.TICKET_REPLY)
    rows = promises_visible_to(staff).select_related("ticket", "ticket__customer", "owner", "made_by", "message")
    promise = rows.filter(pk=promise_id).first()
    if promise is None:
        raise NotFound
    return promise


def may_hear_task(staff: Staff, task_id: int | None) -> bool:
    """Say whether one may listen to a task, or to the list (None)."""
    if not has(staff, Permission.TASK_WORK):
        return False
    return task_id is None or tasks_visible_to(staff).filter(pk=task_id).exists()


def may_hear_promise(staff: Staff, promise_id: int | None) -> bool:
    """Say whether one may listen to a promise, or to the list (None)."""
    if not has(staff, Permission.TICKET_REPLY):
        return False
    return promise_id is None or promises_visible_to(staff).filter(pk=promise_id).exists()
