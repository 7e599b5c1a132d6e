"""The one answer to the customer that several departments gave their parts for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from core.actors import Actor
from core.errors import NotFound
from core.events import record
from tickets.models import DepartmentTask, JointResponse
from tickets.services.conversation import reply_to_ticket
from tickets.services.locking import lock_canonical
from tickets.services.tasks import withdraw_task
from tickets.work_enums import TASK_RUNNING
from tickets.work_errors import DepartmentsOwe, JointAnswered
from tickets.work_events import JointFact


@transaction.atomic
def answer_jointly(
    *,
    joint_id: int,
    text: str,
    client_id: UUID,
    actor: Actor,
    at: datetime,
    without_missing: bool = False,
    then_status: str | None = None,
) -> JointResponse:
    """Answer the customer once, from all parts; parts still owed are withdrawn only when `without_missing`.

    The same `client_id` gives the stored answer. Raises JointAnswered when a colleague was quicker, DepartmentsOwe,
    InvalidInput, NotFound.
    """
    ticket_id = JointResponse.objects.filter(pk=joint_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        raise NotFound
    ticket = lock_canonical(ticket_id)
    joint = (
        JointResponse.objects.select_for_update(no_key=True, of=("self",)).select_related("message").get(pk=joint_id)
    )
    joint.ticket = ticket
    if joint.answered_at is not None:
        if joint.message is not None and joint.message.client_id == client_id:
            return joint
        raise JointAnswered
    parts = list(DepartmentTask.objects.filter(joint=joint).order_by("pk"))
    owed = [part for part in parts if part.state in TASK_RUNNING]
    if owed and not without_missing:
        raise DepartmentsOwe(count=len(owed))
    for part in owed:
        withdraw_task(task_id=part.pk, actor=actor, at=at)
    joint.message = reply_to_ticket(
        ticket_id=ticket.pk, text=text, actor=actor, at=at, client_id=client_id, then_status=then_status
    )
    joint.answered_at = at
    joint.version += 1
    joint.save(update_fields=["message", "answered_at", "version"])
    data = JointFact(tuple(part.team_id for part in parts), int((at - joint.asked_at).total_seconds()))
    record("joint_response.answered", subject=joint, actor=actor, at=at, data=data)
    return joint
