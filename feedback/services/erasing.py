"""Blank what this app holds about a person; figures keep their numbers."""

from django.utils import timezone

from feedback.enums import OPEN_VISITS, UNANSWERED, InvitationState, SkipReason, VisitState
from feedback.models import Answer, Invitation, Visit, VisitAttempt
from feedback.questions import RANGES


def erase_feedback_texts(customer_id: int) -> int:
    """Blank a customer's words in answers and visits, close open links and visits; return the rows changed."""
    now = timezone.now()
    rows = 0
    answers = Answer.objects.filter(invitation__customer_id=customer_id).select_related("invitation__asked")
    for answer in answers:
        numbers = {row["id"] for row in answer.invitation.asked.questions if row.get("type") in RANGES}
        kept = {key: value for key, value in answer.answers.items() if key in numbers}
        rows += Answer.objects.filter(pk=answer.pk).update(answers=kept, comment="")
    invitations = Invitation.objects.filter(customer_id=customer_id)
    rows += invitations.filter(state__in=UNANSWERED).update(state=InvitationState.EXPIRED, expired_at=now, partial={})
    rows += invitations.exclude(partial={}).update(partial={})
    visits = Visit.objects.filter(customer_id=customer_id)
    rows += visits.filter(state__in=OPEN_VISITS).update(
        state=VisitState.SKIPPED, skip_reason=SkipReason.NO_CONTACT, done_at=now
    )
    rows += visits.exclude(note="").update(note="")
    rows += VisitAttempt.objects.filter(visit__customer_id=customer_id).exclude(note="").update(note="")
    return rows
