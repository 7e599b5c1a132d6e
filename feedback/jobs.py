"""Work of the feedback app that is due later: thin leaves over the services."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from core.jobs import RunningJob, job
from feedback import services
from feedback.services.inviting import EXPIRE_JOB, REMIND_JOB
from feedback.services.planning import DUE_JOB, WINDOW_JOB
from feedback.services.touchpoints import ORDER_JOB, TICKET_JOB, invite_for_order, invite_for_ticket


@job(TICKET_JOB)
def invite_after_ticket(*, job: RunningJob, ticket_id: int, survey_id: int, resolved_at: str) -> None:
    """Invite after a ticket, unless it was reopened meanwhile."""
    resolved = datetime.fromisoformat(resolved_at)
    invite_for_ticket(ticket_id=ticket_id, survey_id=survey_id, resolved_at=resolved, at=timezone.now())


@job(ORDER_JOB)
def invite_after_order(*, job: RunningJob, order_id: int, survey_id: int) -> None:
    """Invite after an order."""
    invite_for_order(order_id=order_id, survey_id=survey_id, at=timezone.now())


@job(REMIND_JOB)
def remind(*, job: RunningJob, invitation_id: int) -> None:
    """Send the one reminder."""
    services.remind_invitation(invitation_id=invitation_id, at=timezone.now())


@job(EXPIRE_JOB)
def expire(*, job: RunningJob, invitation_id: int) -> None:
    """Close a link nobody used."""
    services.expire_invitation(invitation_id=invitation_id, at=timezone.now())


@job(DUE_JOB)
def visit_due(*, job: RunningJob, visit_id: int) -> None:
    """Put a visit into the list."""
    services.make_visit_due(visit_id=visit_id, at=timezone.now())


@job(WINDOW_JOB)
def close_window(*, job: RunningJob, visit_id: int) -> None:
    """Count a visit when its days are over."""
    services.close_window(visit_id=visit_id, at=timezone.now())
