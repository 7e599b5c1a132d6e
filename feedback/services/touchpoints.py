"""When to ask: a while after a ticket was resolved or an order completed."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from core.jobs import cancel, schedule
from feedback.enums import Touchpoint
from feedback.models import Invitation, Survey
from feedback.services.inviting import invite
from orders.models import Order
from tickets.enums import Channel, TicketStatus
from tickets.models import Ticket

TICKET_JOB = "feedback.invite_after_ticket"
ORDER_JOB = "feedback.invite_after_order"
DONE = (TicketStatus.RESOLVED, TicketStatus.CLOSED)


def surveys_at(touchpoint: str) -> list[Survey]:
    """Return the surveys sent at a touchpoint."""
    rows = Survey.objects.filter(touchpoint=touchpoint, is_active=True, current__isnull=False)
    return list(rows.order_by("pk"))


def delay_of(survey: Survey) -> timedelta:
    """Return how long after the touchpoint a survey goes out; at once in the trial, where nobody waits half an hour."""
    return timedelta(0) if settings.TRIAL else timedelta(minutes=survey.delay_minutes)


def _key(survey: Survey, ticket: Ticket, round_: int) -> str:
    return f"{survey.pk}:{ticket.pk}:{round_}"


def _asks(ticket: Ticket) -> bool:
    """Tell whether a ticket is one to ask about: a customer's, no spam, not itself born of a survey."""
    return (
        ticket.customer_id is not None
        and not ticket.is_spam
        and ticket.merged_into_id is None
        and ticket.channel != Channel.SURVEY
    )


@transaction.atomic
def owe_ticket_surveys(*, ticket_id: int, at: datetime) -> int:
    """Owe the surveys of a resolved ticket; return how many. A reopening takes them back."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None or ticket.resolved_at is None or not _asks(ticket):
        return 0
    owed = 0
    for survey in surveys_at(Touchpoint.TICKET):
        owed += schedule(
            TICKET_JOB,
            key=_key(survey, ticket, ticket.reopen_count),
            due_at=ticket.resolved_at + delay_of(survey),
            payload={
                "ticket_id": ticket.pk, "survey_id": survey.pk, "resolved_at": ticket.resolved_at.isoformat(),
            },
        )  # fmt: skip
    return owed


@transaction.atomic
def withdraw_ticket_surveys(*, ticket_id: int) -> int:
    """Take back surveys that have not gone out, because the ticket came back; return how many."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        return 0
    rounds = range(ticket.reopen_count) if ticket.reopen_count else []
    return sum(cancel(TICKET_JOB, _key(s, ticket, n)) for s in Survey.objects.all() for n in rounds)


@transaction.atomic
def invite_for_ticket(*, ticket_id: int, survey_id: int, resolved_at: datetime, at: datetime) -> Invitation | None:
    """Invite about a ticket that is still resolved as it was then; None otherwise."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    survey = Survey.objects.filter(pk=survey_id).first()
    if ticket is None or survey is None or ticket.status not in DONE or ticket.resolved_at != resolved_at:
        return None
    if not _asks(ticket) or ticket.customer_id is None:
        return None
    return invite(
        survey_key=survey.key,
        ticket_id=ticket.pk,
        customer_id=ticket.customer_id,
        shop_id=ticket.shop_id,
        agent_id=ticket.assignee_id,
        team_id=ticket.team_id,
        at=at,
    )


@transaction.atomic
def owe_order_surveys(*, order_id: int, at: datetime) -> int:
    """Owe the surveys of a completed order; return how many."""
    order = Order.objects.filter(pk=order_id, is_history=False).first()
    if order is None or order.completed_at is None:
        return 0
    owed = 0
    for survey in surveys_at(Touchpoint.ORDER):
        owed += schedule(
            ORDER_JOB,
            key=f"{survey.pk}:{order.pk}",
            due_at=at + delay_of(survey),
            payload={"order_id": order.pk, "survey_id": survey.pk},
        )
    return owed


@transaction.atomic
def invite_for_order(*, order_id: int, survey_id: int, at: datetime) -> Invitation | None:
    """Invite about a completed order."""
    order = Order.objects.filter(pk=order_id, is_history=False).first()
    survey = Survey.objects.filter(pk=survey_id).first()
    if order is None or survey is None:
        return None
    return invite(survey_key=survey.key, order_id=order.pk, customer_id=order.customer_id, shop_id=order.shop_id, at=at)
