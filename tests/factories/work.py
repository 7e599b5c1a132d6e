"""Departments, tasks, promises and standards for tests, made through the services as in life."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Staff, Team
from core.actors import SYSTEM, Actor
from tests.factories.accounts import make_staff, make_team
from tickets.models import Commitment, Department, DepartmentTask, ServiceStandard, Ticket
from tickets.services.departments import DepartmentTerms, save_department
from tickets.services.promises import NewPromise, make_promise
from tickets.services.standards import StandardWords, publish_standard
from tickets.services.tasks import TaskOrder, ask_department


def make_department(team: Team | None = None, **terms: Any) -> Department:
    """Make a team a department."""
    team = team or make_team()
    return save_department(team_id=team.pk, terms=DepartmentTerms(**terms), actor=SYSTEM, at=timezone.now())


def make_member(department: Department, *, is_lead: bool = False, **fields: Any) -> Staff:
    """Make somebody who works in a department."""
    staff = make_staff(**{"roles": ["department"], "teams": [department.team], **fields})
    if is_lead:
        staff.memberships.update(is_lead=True)
    return staff


def make_task(
    ticket: Ticket, department: Department, *, asker: Staff | None = None, at: datetime | None = None, **fields: Any
) -> DepartmentTask:
    """Hand a task to a department."""
    at = at or timezone.now()
    order = TaskOrder(**{"team_id": department.pk, "asked": "请核实库存", "due_at": at + timedelta(hours=8), **fields})
    actor = Actor.staff(asker) if asker else SYSTEM
    return ask_department(ticket_id=ticket.pk, order=order, actor=actor, at=at)


def make_commitment(
    ticket: Ticket, staff: Staff | None = None, *, at: datetime | None = None, **fields: Any
) -> Commitment:
    """Promise a refund within a day."""
    at = at or timezone.now()
    new = NewPromise(**{"kind": "refund", "words": "退款 199 元", "due_at": at + timedelta(days=1), **fields})
    return make_promise(ticket_id=ticket.pk, promise=new, actor=Actor.staff(staff) if staff else SYSTEM, at=at)


def make_standard(category: Any, titles: dict[str, bool] | None = None, **fields: Any) -> ServiceStandard:
    """Publish a standard; `titles` maps steps to whether they are required."""
    steps = [
        {"title": title, "hint": "", "is_required": required, "key": f"k{n}"}
        for n, (title, required) in enumerate((titles or {"核对订单": True, "拍照留存": False}).items())
    ]
    at = fields.pop("at", None) or timezone.now() - timedelta(days=1)
    words = StandardWords(steps=steps, **fields)
    return publish_standard(category_id=category.pk, words=words, actor=SYSTEM, at=at)
