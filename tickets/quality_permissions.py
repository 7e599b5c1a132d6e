"""The doors to reviews, appeals, findings and coaching."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Staff
from accounts.permissions import Permission, has, require
from core.errors import NotFound
from tickets.models import Appeal, Calibration, Coaching, QualityReview, ScreenFinding
from tickets.permissions import tickets_visible_to
from tickets.quality_enums import ReviewState

WITH = ("ticket", "ticket__customer", "ticket__category", "agent", "reviewer", "rubric_version", "plan")


def own_reviews(staff: Staff) -> QuerySet[QualityReview]:
    """Return the finished reviews of a person's own conversations: all an agent ever sees of reviews."""
    return QualityReview.objects.filter(agent_id=staff.pk, state=ReviewState.SUBMITTED, calibration__isnull=True)


def get_own_review(staff: Staff, review_id: int) -> QualityReview:
    """Return a finished review of one's own conversation. Raises NotFound."""
    review = own_reviews(staff).select_related(*WITH).filter(pk=review_id).first()
    if review is None:
        raise NotFound
    return review


def reviews_visible_to(staff: Staff) -> QuerySet[QualityReview]:
    """Return the reviews a reviewer may read: of conversations she sees, never of herself, others' blind ones never."""
    if not has(staff, Permission.QUALITY_REVIEW):
        return QualityReview.objects.none()
    seen = Exists(tickets_visible_to(staff).filter(pk=OuterRef("ticket_id")))
    blind = Q(calibration__isnull=False) & ~Q(reviewer_id=staff.pk)
    mine = Q(reviewer_id=staff.pk)
    return QualityReview.objects.filter(mine | Q(seen)).exclude(agent_id=staff.pk).exclude(blind)


def get_review_for(staff: Staff, review_id: int, permission: Permission = Permission.QUALITY_REVIEW) -> QualityReview:
    """Return a review with all its page shows. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, permission)
    review = reviews_visible_to(staff).select_related(*WITH).filter(pk=review_id).first()
    if review is None:
        raise NotFound
    return review


def appeals_visible_to(staff: Staff) -> QuerySet[Appeal]:
    """Return the appeals against reviews a reviewer may read."""
    return Appeal.objects.filter(Exists(reviews_visible_to(staff).filter(pk=OuterRef("review_id"))))


def get_appeal_for(staff: Staff, appeal_id: int) -> Appeal:
    """Return an appeal with its review. Raises NotFound, NotAllowed."""
    require(staff, Permission.QUALITY_REVIEW)
    rows = appeals_visible_to(staff).select_related(
        "made_by", "against", "decider", *(f"review__{one}" for one in WITH)
    )
    appeal = rows.filter(pk=appeal_id).first()
    if appeal is None:
        raise NotFound
    return appeal


def coachings_visible_to(staff: Staff) -> QuerySet[Coaching]:
    """Return the talks about reviews a reviewer may read, and those she is to hold."""
    seen = Exists(reviews_visible_to(staff).filter(pk=OuterRef("review_id")))
    return Coaching.objects.filter(seen | Q(coach_id=staff.pk))


def get_coaching_for(staff: Staff, coaching_id: int) -> Coaching:
    """Return a talk one may hold. Raises NotFound, NotAllowed."""
    require(staff, Permission.QUALITY_REVIEW)
    row = coachings_visible_to(staff).select_related("review", "agent", "coach").filter(pk=coaching_id).first()
    if row is None:
        raise NotFound
    return row


def get_finding_for(staff: Staff, finding_id: int) -> ScreenFinding:
    """Return a finding in a conversation a reviewer sees and did not answer. Raises NotFound, NotAllowed."""
    require(staff, Permission.QUALITY_REVIEW)
    seen = Exists(tickets_visible_to(staff).filter(pk=OuterRef("ticket_id")))
    row = ScreenFinding.objects.filter(seen, pk=finding_id).exclude(agent_id=staff.pk).first()
    if row is None:
        raise NotFound
    return row


def get_calibration_for(staff: Staff, calibration_id: int) -> Calibration:
    """Return a calibration of a conversation one sees. Raises NotFound, NotAllowed."""
    require(staff, Permission.QUALITY_REVIEW)
    seen = Exists(tickets_visible_to(staff).filter(pk=OuterRef("ticket_id")))
    rows = Calibration.objects.select_related("ticket", "rubric_version", "started_by")
    row = rows.filter(seen, pk=calibration_id).exclude(reviews__agent_id=staff.pk).first()
    if row is None:
        raise NotFound
    return row
