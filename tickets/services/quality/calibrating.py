"""Several reviewers score one conversation blind."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.events import record
from tickets.models import Calibration, QualityReview, Rubric, Ticket
from tickets.quality_enums import Why
from tickets.quality_errors import NothingToReview, OwnConversation
from tickets.selectors.quality_drawing import able_reviewers, authors_of, main_agent
from tickets.services.quality.drawing import tell_reviewers
from tickets.services.quality.facts import fact_of

DAYS, FEWEST, MOST = 5, 2, 8


@transaction.atomic
def start_calibration(
    *, ticket_id: int, reviewer_ids: list[int], rubric_id: int | None, actor: Actor, at: datetime
) -> Calibration:
    """Have two or more reviewers score a conversation without seeing each other's marks; it counts for no figure.

    Raises NotFound, NothingToReview, OwnConversation, InvalidInput.
    """
    ticket = Ticket.objects.select_related("customer", "category").filter(pk=ticket_id).first()
    if ticket is None:
        raise NotFound
    agent_id = main_agent(ticket_id)
    if agent_id is None:
        raise NothingToReview
    people = list(dict.fromkeys(reviewer_ids))
    able = {one.pk for one in able_reviewers()}
    if not FEWEST <= len(people) <= MOST or set(people) - able:
        raise InvalidInput(fields={"reviewers": [_("Choose two reviewers or more.")]})
    if set(people) & (authors_of([ticket_id])[ticket_id] | {agent_id}):
        raise OwnConversation
    rubrics = Rubric.objects.filter(current__isnull=False).order_by("pk")
    rubric = rubrics.filter(pk=rubric_id).first() if rubric_id else rubrics.first()
    if rubric is None or rubric.current_id is None:
        raise InvalidInput(fields={"rubric": [_("Choose a rubric that is published.")]})
    row = Calibration.objects.create(
        ticket=ticket, rubric_version_id=rubric.current_id, started_by_id=actor.id, started_at=at
    )
    for staff_id in people:
        review = QualityReview.objects.create(
            ticket=ticket, agent_id=agent_id, team_id=ticket.team_id, reviewer_id=staff_id, calibration=row,
            rubric_version_id=rubric.current_id, why=[Why.CALIBRATION.value], assigned_at=at,
            due_at=at + timedelta(days=DAYS),
        )  # fmt: skip
        record("quality.assigned", subject=review, actor=actor, at=at, data=fact_of(review), reason="calibration")
    tell_reviewers(people, at=at)
    return row
