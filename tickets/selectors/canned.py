"""Canned replies and the words their variables stand for."""

from __future__ import annotations

import re

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from core.text import pinyin_initials
from orders.models import Parcel
from tickets.models import CannedReply, Ticket

VARIABLES = ("customer_name", "order_number", "tracking_number", "agent_name", "shop_name", "ticket_number")
_VARIABLE = re.compile(r"\{(" + "|".join(VARIABLES) + r")\}")
MOST = 40


def fill_in(body: str, values: dict[str, str]) -> str:
    """Put values in the place of known variables; an unknown or empty one stays as it was written."""
    return _VARIABLE.sub(lambda found: values.get(found[1]) or found[0], body)


def missing_in(text: str) -> list[str]:
    """Return the variables that are still open in a filled text."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def variables_for(ticket: Ticket, staff: Staff | None) -> dict[str, str]:
    """Return what each variable stands for in this ticket; without a person writing, its agent's or the shop's name."""
    shop_name = ticket.shop.name if ticket.shop else ""
    writer = staff or ticket.assignee
    parcel = (
        Parcel.objects.filter(order_id=ticket.order_id)
        .order_by("-shipped_at", "-pk")
        .values_list("tracking_number", flat=True)
        .first()
        if ticket.order_id
        else None
    )
    return {
        "customer_name": ticket.customer.name if ticket.customer else "",
        "order_number": ticket.order.number if ticket.order else "",
        "tracking_number": parcel or "",
        "agent_name": writer.display_name if writer else shop_name,
        "shop_name": shop_name,
        "ticket_number": ticket.number,
    }


def canned_replies_of(staff: Staff) -> QuerySet[CannedReply]:
    """Return everybody's canned replies and this person's own, those in use."""
    return CannedReply.objects.filter(Q(owner__isnull=True) | Q(owner=staff), is_active=True)


def canned_replies(staff: Staff, *, query: str, language: str) -> list[CannedReply]:
    """Return the canned replies that match, the customer's language first, then the most used.

    A query matches title, shortcut and body, and the pinyin initials of the title.
    """
    same = Case(When(language=language, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = list(canned_replies_of(staff).order_by(same, F("used_count").desc(), "title", "pk")[:400])
    wanted = query.strip().lower().removeprefix("/")
    if not wanted:
        return rows[:MOST]
    ranked = [(rank, row) for row in rows if (rank := _rank(row, wanted)) is not None]
    return [row for _rank_, row in sorted(ranked, key=lambda item: item[0])[:MOST]]


VARIABLE_NAMES = {
    "customer_name": _("the customer's name"),
    "order_number": _("the order number"),
    "tracking_number": _("the tracking number"),
    "agent_name": _("your name"),
    "shop_name": _("the shop's name"),
    "ticket_number": _("the ticket number"),
}


def _rank(row: CannedReply, wanted: str) -> int | None:
    if row.shortcut.lower().startswith(wanted):
        return 0
    if wanted in row.title.lower() or pinyin_initials(row.title).lower().startswith(wanted):
        return 1
    if wanted in row.shortcut.lower() or wanted in row.folder.lower() or wanted in row.body.lower():
        return 2
    return None
