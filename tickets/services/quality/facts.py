"""What the events of a review say, and the one way to lock it."""

from __future__ import annotations

from decimal import Decimal

from core.errors import NotFound, StaleEdit
from core.events import Code
from tickets.models import QualityReview, QualityTerms
from tickets.quality_events import ReviewFact

LOADED = ("ticket", "ticket__customer", "ticket__category", "rubric_version", "agent")


def lock_review(review_id: int, *, version: int | None = None) -> QualityReview:
    """Lock and return a review with its ticket and rubric. Raises NotFound, StaleEdit."""
    rows = QualityReview.objects.select_for_update(no_key=True, of=("self",)).select_related(*LOADED)
    review = rows.filter(pk=review_id).first()
    if review is None:
        raise NotFound
    if version is not None and version != review.version:
        raise StaleEdit(changes=[{"field": "version", "yours": str(version), "theirs": str(review.version)}])
    return review


def fact_of(review: QualityReview, *, before: Decimal | None = None, is_changed: bool = False) -> ReviewFact:
    """Return where a fact about this review is counted, and its score now."""
    ticket, category = review.ticket, review.ticket.category
    return ReviewFact(
        agent_id=review.agent_id,
        version_id=review.rubric_version_id,
        channel=Code(ticket.channel),
        category=Code(category.key) if category else None,
        stage=Code(category.stage) if category and category.stage else None,
        priority=ticket.priority,
        tier=Code(ticket.customer.tier) if ticket.customer and ticket.customer.tier else None,
        team_id=review.team_id,
        reviewer_id=review.reviewer_id,
        plan_id=review.plan_id,
        score=review.score,
        before=before,
        is_fatal=review.is_fatal,
        is_changed=is_changed,
    )


def terms_now() -> QualityTerms:
    """Return the terms in force."""
    return QualityTerms.objects.filter(pk=1).first() or QualityTerms(pk=1)
