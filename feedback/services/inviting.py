"""Ask a customer how it went: once per ticket or order, once per period, only with leave and an address.

Who answered about a ticket that then came back and was resolved anew is asked once more: the first answer was about
help that did not last. Who did not answer the first time is left in peace.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import ngettext

from core.actors import SYSTEM
from core.crypto import decrypt, hash_token, random_token
from core.events import record
from core.jobs import schedule
from customers.models import Customer
from customers.selectors import aliases_of, may_contact, primary_address
from feedback.enums import Touchpoint
from feedback.events import SurveyDimensions
from feedback.models import Invitation, Survey
from feedback.services.dimensions import survey_dimensions
from notifications.models import Delivery
from notifications.services import queue_message
from orders.models import Order, Shop
from tickets.models import Ticket

logger = logging.getLogger(__name__)
INVITE_TEMPLATE = "feedback.survey_invitation"
REMIND_TEMPLATE = "feedback.survey_reminder"
REMIND_JOB = "feedback.remind"
EXPIRE_JOB = "feedback.expire_invitation"
PURPOSE = "survey"
MOST_PER_TICKET = 2


@dataclass(frozen=True)
class Asked:
    """What an invitation is about, as it stands now."""

    ticket: Ticket | None
    order: Order | None
    channel: str
    stage: str
    language: str


@transaction.atomic
def invite(
    *,
    survey_key: str,
    customer_id: int,
    shop_id: int | None,
    at: datetime,
    ticket_id: int | None = None,
    order_id: int | None = None,
    agent_id: int | None = None,
    team_id: int | None = None,
) -> Invitation | None:
    """Invite a customer and owe the mail with the link; None when there is a reason not to.

    Reasons: the survey is off, the person is erased or blocked, said no to surveys, left no address, was asked about
    this ticket or order before (but for a second time after an answer and a new resolution), or had this survey within
    its period. The customer's row is locked, so of parallel calls one invites.
    """
    survey = Survey.objects.select_related("current").filter(key=survey_key, is_active=True).first()
    customer = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id, erased_at__isnull=True).first()
    if survey is None or survey.current is None or customer is None or customer.is_blocked:
        return None
    about = _about(ticket_id, order_id, customer)
    to = address_for(customer_id, about.ticket)
    if to is None or not may_contact(customer_id, "email", PURPOSE) or _asked_before(survey, customer_id, about, at):
        logger.info("survey.not_invited", extra={"survey": survey.key, "customer_id": customer_id})
        return None
    token = random_token()
    invitation = Invitation(
        survey=survey,
        asked=survey.current,
        token_hash=hash_token(token),
        customer=customer,
        shop_id=shop_id,
        ticket=about.ticket,
        order=about.order,
        agent_id=agent_id,
        team_id=team_id,
        channel=about.channel,
        stage=about.stage,
        tier=customer.tier,
        language=about.language,
        invited_at=at,
        expires_at=at + timedelta(days=survey.expires_days),
    )
    invitation.save(force_insert=True)
    record(
        "survey.invited",
        subject=invitation,
        actor=SYSTEM,
        at=at,
        data=SurveyDimensions(**survey_dimensions(invitation)),
    )
    delivery = send_link(invitation, token, to, template=INVITE_TEMPLATE, key=f"survey:{invitation.pk}", at=at)
    invitation.delivery_id = delivery.pk
    invitation.save(update_fields=["delivery_id"])
    _owe_later_steps(invitation)
    return invitation


def _about(ticket_id: int | None, order_id: int | None, customer: Customer) -> Asked:
    ticket = Ticket.objects.select_related("category", "order").filter(pk=ticket_id).first() if ticket_id else None
    order = Order.objects.filter(pk=order_id).first() if order_id else (ticket.order if ticket else None)
    if ticket is not None:
        stage = "chat" if ticket.channel == "chat" else ticket.category.stage if ticket.category else "ticket"
        return Asked(ticket, order, ticket.channel, stage, ticket.language)
    return Asked(None, order, "", "delivery" if order else "", customer.language)


def address_for(customer_id: int, ticket: Ticket | None) -> str | None:
    """Return the mail address a survey goes to: where the ticket's answers went, else the customer's own."""
    if ticket is not None and ticket.contact_enc:
        return decrypt(ticket.contact_enc) or None
    return primary_address(customer_id, "email")


def _asked_before(survey: Survey, customer_id: int, about: Asked, at: datetime) -> bool:
    rows = Invitation.objects.filter(survey=survey)
    if about.ticket is not None:
        if not _may_ask_about(about.ticket, list(rows.filter(ticket=about.ticket).order_by("-invited_at", "-pk"))):
            return True
        rows = rows.exclude(ticket=about.ticket)  # the period keeps other tickets' surveys apart, not this one's second
    if about.ticket is None and about.order is not None and rows.filter(order=about.order, ticket=None).exists():
        return True
    since = at - timedelta(days=survey.period_days)
    rows = rows.filter(customer_id__in=aliases_of(customer_id), invited_at__gt=since)
    return survey.period_days > 0 and rows.exists()


def _may_ask_about(ticket: Ticket, asked: list[Invitation]) -> bool:
    """Tell whether a ticket's customer may be asked (again): `asked` are its invitations, the newest first."""
    if not asked:
        return True
    answered_at, resolved_at = asked[0].answered_at, ticket.resolved_at
    is_anew = answered_at is not None and resolved_at is not None and resolved_at > answered_at
    return is_anew and len(asked) < MOST_PER_TICKET


def send_link(invitation: Invitation, token: str, to: str, *, template: str, key: str, at: datetime) -> Delivery:
    """Owe the mail with the link; the links with a number only tick it on the page."""
    path = reverse("feedback:survey", args=[token])
    url = urljoin(settings.PUBLIC_URL, path)
    shop: Shop | None = invitation.shop
    language = invitation.language
    minutes = max(1, round(invitation.asked.estimated_seconds / 60))
    with translation.override(language):
        length = ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    about = invitation.ticket.number if invitation.ticket else invitation.order.number if invitation.order else ""
    subject = invitation.ticket.subject if invitation.ticket else ""
    return queue_message(
        key=key,
        template=f"{template}.{_kind(invitation)}",
        language=language,
        to=to,
        context={
            "customer_name": invitation.customer.name or _dear(language),
            "shop_name": shop.name if shop else "",
            "shop_colour": shop.color if shop else "",
            "number": about,
            "subject": subject,
            "length": length,
            "days": invitation.survey.expires_days,
            "url": url,
            **{f"score_{n}_url": f"{url}?score={n}" for n in range(1, 6)},
        },
        purpose=PURPOSE,
        customer_id=invitation.customer_id,
        order_id=invitation.order_id,
        shop_id=invitation.shop_id,
        at=at,
        expires_at=invitation.expires_at,
    )


def _kind(invitation: Invitation) -> str:
    return Touchpoint.TICKET if invitation.ticket_id else Touchpoint.ORDER


def _dear(language: str) -> str:
    return "" if language != "en" else "there"


def _owe_later_steps(invitation: Invitation) -> None:
    payload = {"invitation_id": invitation.pk}
    survey = invitation.survey
    schedule(EXPIRE_JOB, key=str(invitation.pk), due_at=invitation.expires_at, payload=payload)
    remind_at = invitation.invited_at + timedelta(days=survey.remind_after_days)
    if survey.remind_after_days and remind_at < invitation.expires_at:
        schedule(REMIND_JOB, key=str(invitation.pk), due_at=remind_at, payload=payload)
