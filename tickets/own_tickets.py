"""A customer's requests on her own page."""

from __future__ import annotations

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.crypto import decrypt
from core.text import normalise_email
from customers.own_sections import MOST, OwnRow, OwnSection, register_own_section
from customers.selectors import aliases_of, phone_index
from customers.selectors.own import Proof
from tickets.enums import TicketStatus
from tickets.models import Ticket
from tickets.permissions import customer_url

LOOKED_AT = 100


def _hers(proof: Proof) -> QuerySet[Ticket]:
    """Return the requests of the person; of who did not prove the whole person, those about orders of that phone."""
    mine = Q(customer_id__in=aliases_of(proof.customer_id))
    if not proof.is_whole and proof.kind == "phone":
        mine &= Q(order__phone_index=phone_index(proof.value))
    rows = Ticket.objects.filter(mine, is_spam=False, merged_into__isnull=True, customer__erased_at__isnull=True)
    return rows.order_by("-opened_at", "-pk")


def _readable(proof: Proof, rows: list[Ticket]) -> list[Ticket]:
    """Leave out what answers to another mail address than the one proven."""
    if proof.is_whole or proof.kind != "email":
        return rows
    return [row for row in rows if row.contact_enc and normalise_email(decrypt(row.contact_enc)) == proof.value]


def own_tickets(proof: Proof) -> list[OwnRow]:
    """Return her newest requests with whose turn it is; one statement."""
    rows = _readable(proof, list(_hers(proof)[: MOST if proof.is_whole else LOOKED_AT]))[:MOST]
    return [_row(ticket) for ticket in rows]


def _row(ticket: Ticket) -> OwnRow:
    day = date_format(timezone.localtime(ticket.opened_at), "DATE_FORMAT")
    if ticket.status in {TicketStatus.RESOLVED, TicketStatus.CLOSED}:
        state, tone = gettext("Solved"), "good"
    elif ticket.status == TicketStatus.WAITING_CUSTOMER:
        state, tone = gettext("Waits for your answer"), "warn"
    else:
        state, tone = gettext("We are working on it"), "info"
    return OwnRow(ticket.pk, ticket.subject, f"{ticket.number} · {day}", state, tone, ticket.opened_at)


def own_ticket_url(proof: Proof, pk: int) -> str:
    """Return the customer's page of one of her requests; "" for what is not hers."""
    found = _readable(proof, list(_hers(proof).filter(pk=pk)[:1]))
    return customer_url(found[0]).removeprefix(settings.PUBLIC_URL.rstrip("/")) if found else ""


register_own_section(
    OwnSection(
        "requests", _("Requests"), "message", 20, own_tickets, own_ticket_url,
        _("You have not asked us anything yet."),
    )
)  # fmt: skip
