"""What happens to an invitation on its way: it arrives, is reminded once, runs out."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import SYSTEM
from core.crypto import hash_token, random_token
from core.events import record
from customers.selectors import may_contact
from feedback.enums import UNANSWERED, InvitationState
from feedback.events import SurveyDimensions, SurveyReminded
from feedback.models import Invitation
from feedback.services.dimensions import move_invitation, survey_dimensions
from feedback.services.inviting import PURPOSE, REMIND_TEMPLATE, address_for, send_link


def _lock(**which: int) -> Invitation | None:
    rows = Invitation.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("survey", "asked", "customer", "shop", "ticket", "order").filter(**which).first()


@transaction.atomic
def note_delivered(*, delivery_id: int, at: datetime) -> bool:
    """Note that an invitation's mail arrived, once; return whether it was news.

    The news may come after the answer: it is counted all the same, or answers would outnumber invitations.
    """
    invitation = _lock(delivery_id=delivery_id)
    if invitation is None or invitation.delivered_at is not None:
        return False
    invitation.delivered_at = at
    if invitation.state == InvitationState.INVITED:
        move_invitation(invitation, InvitationState.DELIVERED)
    invitation.save(update_fields=["delivered_at", "state"])
    data = SurveyDimensions(**survey_dimensions(invitation))
    record("survey.delivered", subject=invitation, actor=SYSTEM, at=at, data=data)
    return True


@transaction.atomic
def remind_invitation(*, invitation_id: int, at: datetime) -> bool:
    """Send the one reminder unless it was answered, ran out or the customer said no; return whether it goes out."""
    invitation = _lock(pk=invitation_id)
    if invitation is None or invitation.reminded_at is not None or invitation.state not in UNANSWERED:
        return False
    if invitation.expires_at <= at or invitation.customer.erased_at is not None or not invitation.survey.is_active:
        return False
    to = address_for(invitation.customer_id, invitation.ticket)
    if to is None or not may_contact(invitation.customer_id, "email", PURPOSE):
        return False
    token = random_token()  # the first link's token is not kept, so the reminder has one of its own; both work
    delivery = send_link(invitation, token, to, template=REMIND_TEMPLATE, key=f"survey-reminder:{invitation.pk}", at=at)
    invitation.reminder_hash = hash_token(token)
    invitation.reminder_delivery_id = delivery.pk
    invitation.reminded_at = at
    invitation.save(update_fields=["reminder_hash", "reminder_delivery_id", "reminded_at"])
    data = SurveyReminded(**survey_dimensions(invitation))
    record("survey.reminded", subject=invitation, actor=SYSTEM, at=at, data=data)
    return True


@transaction.atomic
def expire_invitation(*, invitation_id: int, at: datetime) -> bool:
    """Close an invitation nobody answered in time; what was typed so far is kept. Return whether it was open."""
    invitation = _lock(pk=invitation_id)
    if invitation is None or invitation.state not in UNANSWERED or invitation.expires_at > at:
        return False
    move_invitation(invitation, InvitationState.EXPIRED)
    invitation.expired_at = at
    invitation.save(update_fields=["state", "expired_at"])
    data = SurveyDimensions(**survey_dimensions(invitation))
    record("survey.expired", subject=invitation, actor=SYSTEM, at=at, data=data)
    return True
