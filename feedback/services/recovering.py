"""A dissatisfied customer gets a ticket and a supervisor at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.enums import Permission
from accounts.permissions import team_scope
from accounts.selectors import staff_with
from accounts.services import notify
from core.actors import SYSTEM, Actor
from feedback.models import Answer, Visit
from feedback.questions import read_questions, value_in_words
from tickets.enums import Channel, Priority
from tickets.models import Category, Ticket
from tickets.permissions import desk_url
from tickets.services import NewTicket, add_note, open_ticket

DISSATISFIED = 2
NOTICE = "feedback.dissatisfied"
CATEGORY = "complaint-service"


@transaction.atomic
def recover_answer(*, invitation_id: int, at: datetime) -> Ticket | None:
    """Open a complaint for a dissatisfied, valid answer and tell the supervisors; once per answer."""
    answer = _locked_answer(invitation_id)
    if answer is None or answer.recovery_ticket_id or not answer.is_valid or (answer.csat or 5) > DISSATISFIED:
        return None
    invitation = answer.invitation
    earlier = invitation.ticket
    with translation.override(answer.language):
        data = NewTicket(
            channel=Channel.SURVEY,
            subject=_("Dissatisfied: %(score)d of 5") % {"score": answer.csat},
            text=in_words(answer),
            shop_id=invitation.shop_id,
            customer_id=invitation.customer_id,
            order_id=invitation.order_id,
            language=answer.language,
            mailbox_id=earlier.mailbox_id if earlier else None,
            **_common(invitation.team_id, f"survey:{invitation.pk}"),
        )
    ticket = open_ticket(data=data, actor=Actor.customer(invitation.customer_id), at=at)
    if earlier is not None:
        text = _("From the survey about ticket #%(number)s.") % {"number": earlier.number}
        add_note(ticket_id=ticket.pk, text=text, actor=SYSTEM, at=at)
    answer.recovery_ticket = ticket
    answer.save(update_fields=["recovery_ticket"])
    _tell_supervisors(ticket, at)
    return ticket


@transaction.atomic
def recover_visit(*, visit_id: int, at: datetime) -> Ticket | None:
    """Open a complaint when a visit found a dissatisfied customer; once per visit."""
    rows = Visit.objects.select_for_update(no_key=True, of=("self",)).select_related("customer", "order")
    visit = rows.filter(pk=visit_id).first()
    if visit is None or visit.recovery_ticket_id or (visit.satisfaction or 5) > DISSATISFIED:
        return None
    language = visit.customer.language
    with translation.override(language):
        data = NewTicket(
            channel=Channel.SURVEY,
            subject=_("Dissatisfied: %(score)d of 5") % {"score": visit.satisfaction},
            text=visit.note or _("Said in a follow-up visit, without further words."),
            shop_id=visit.shop_id,
            customer_id=visit.customer_id,
            order_id=visit.order_id,
            language=language,
            **_common(None, f"visit:{visit.pk}"),
        )
    ticket = open_ticket(data=data, actor=Actor.customer(visit.customer_id), at=at)
    visit.recovery_ticket = ticket
    visit.save(update_fields=["recovery_ticket"])
    _tell_supervisors(ticket, at)
    return ticket


def _common(team_id: int | None, name: str) -> dict[str, Any]:
    category = Category.objects.filter(key=CATEGORY).first() or Category.objects.filter(is_complaint=True).first()
    return {
        "category_id": category.pk if category else None,
        "priority": Priority.HIGH,
        "team_id": team_id,
        "acknowledge": False,
        "client_id": uuid5(NAMESPACE_URL, f"feedback.recovery:{name}"),
    }


def _locked_answer(invitation_id: int) -> Answer | None:
    rows = Answer.objects.select_for_update(no_key=True, of=("self",))
    return rows.select_related("invitation__ticket", "invitation__asked").filter(invitation_id=invitation_id).first()


def in_words(answer: Answer) -> str:
    """Return an answer as lines of question and words, for people."""
    questions = read_questions(answer.invitation.asked.questions)
    lines = [
        f"{question.text_in(answer.language)}\n{said}"
        for question in questions
        if (said := value_in_words(question, answer.answers.get(question.id), answer.language))
    ]
    return "\n\n".join(lines)


def _tell_supervisors(ticket: Ticket, at: datetime) -> None:
    for staff in staff_with(Permission.BOARD_MANAGE):
        teams = team_scope(staff)
        if teams is None or ticket.team_id is None or ticket.team_id in teams:
            params = {"ticket_id": ticket.pk, "number": ticket.number}
            notify(staff_id=staff.pk, kind=NOTICE, params=params, url=desk_url(ticket.pk), at=at)
