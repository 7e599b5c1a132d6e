"""Tickets somebody may want to join with or link to the one that is open."""

from __future__ import annotations

from django.db.models import F, Q

from accounts.models import Staff
from customers.selectors import aliases_of
from tickets.models import Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import tickets_visible_to
from tickets.selectors.filters import said_in

MOST = 20


def tickets_to_join(staff: Staff, ticket: Ticket, query: str = "") -> list[Ticket]:
    """Return visible tickets by number or words, without words those of the same customer or order, newest first."""
    rows = tickets_visible_to(staff).filter(merged_into__isnull=True, is_spam=False).exclude(pk=ticket.pk)
    number = query.lstrip("#")
    if number.isascii() and number.isdecimal() and len(number) < 16:
        rows = rows.filter(pk__in=[int(number), int(number) - NUMBER_OFFSET])
    elif query:
        rows = rows.filter(said_in(query))
    else:
        same = Q()
        if ticket.customer_id is not None:
            same |= Q(customer_id__in=list(aliases_of(ticket.customer_id)))
        if ticket.order_id is not None:
            same |= Q(order_id=ticket.order_id)
        if not same:
            return []
        rows = rows.filter(same)
    rows = rows.select_related("customer", "assignee")
    return list(rows.order_by(F("last_message_at").desc(), F("pk").desc())[:MOST])
