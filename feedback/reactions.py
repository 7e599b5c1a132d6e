"""What feedback does on others' news and its own. Imports and demo history cause nothing."""

from __future__ import annotations

from django.utils import timezone

from core.models import Event
from core.reactions import reacts_to
from feedback import services
from feedback.services import touchpoints
from feedback.services.recovering import DISSATISFIED


@reacts_to("ticket.resolved", name="feedback.owe_ticket_surveys")
def on_resolved(event: Event) -> None:
    """Owe the survey about a ticket."""
    touchpoints.owe_ticket_surveys(ticket_id=event.subject_id, at=timezone.now())


@reacts_to("ticket.reopened", name="feedback.withdraw_ticket_surveys")
def on_reopened(event: Event) -> None:
    """Ask nobody about a ticket that is open again."""
    touchpoints.withdraw_ticket_surveys(ticket_id=event.subject_id)


@reacts_to("order.completed", name="feedback.follow_up_order")
def on_completed(event: Event) -> None:
    """Owe a visit and the survey about an order."""
    now = timezone.now()
    services.plan_visit(order_id=event.subject_id, at=now)
    touchpoints.owe_order_surveys(order_id=event.subject_id, at=now)


def _is_survey_mail(event: Event) -> bool:
    return event.data.get("purpose") == "survey"


@reacts_to("delivery.sent", "delivery.delivered", name="feedback.note_delivered", when=_is_survey_mail)
def on_sent(event: Event) -> None:
    """Count an invitation that arrived."""
    services.note_delivered(delivery_id=event.subject_id, at=event.at)


def _is_dissatisfied(event: Event) -> bool:
    return (event.data.get("csat") or event.data.get("satisfaction") or 5) <= DISSATISFIED


@reacts_to("survey.answered", name="feedback.recover_answer", when=_is_dissatisfied)
def on_dissatisfied(event: Event) -> None:
    """Open a ticket for a dissatisfied answer."""
    services.recover_answer(invitation_id=event.subject_id, at=timezone.now())


@reacts_to("visit.answered", name="feedback.recover_visit", when=_is_dissatisfied)
def on_dissatisfied_visit(event: Event) -> None:
    """Open a ticket for a dissatisfied customer met in a visit."""
    services.recover_visit(visit_id=event.subject_id, at=timezone.now())
