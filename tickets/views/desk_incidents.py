"""Incidents as a ticket's page shows them: the banner with the prepared answer, and the news on the customer's page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString

from accounts.models import Staff
from orders.incident_permissions import incidents_visible_to
from orders.models import Parcel
from tickets.incident_words import Subjects, fill, text_for
from tickets.models import Ticket
from tickets.rich_text import as_html, as_text
from tickets.selectors.incidents import public_update_for
from tickets.selectors.views import View
from tickets.views.desk_html import safe_html


@dataclass(frozen=True)
class Banner:
    """An open incident a ticket is about; `answer` is the prepared one, filled in, "" when none is prepared."""

    id: int
    title: str
    what: str
    answer: str


def incidents_of(ticket: Ticket) -> list[Banner]:
    """Read the annotation of `incident_marks` on an opened ticket."""
    banners = []
    for row in getattr(ticket, "incidents", None) or []:
        language, text = text_for(row["texts"] or row["draft"] or {}, ticket.language)
        answer = fill(text, _subjects(ticket, row["title"], row["tracking"] or ""), language) if text else ""
        banners.append(Banner(row["id"], row["title"], row["what"], answer))
    return banners


def _subjects(ticket: Ticket, title: str, tracking: str) -> Subjects:
    # who names no order may have written under somebody else's phone number
    name = ticket.customer.name if ticket.customer and ticket.order_id else ""
    order = ticket.order.number if ticket.order else ticket.order_given
    return Subjects(name, order, tracking, ticket.shop.name if ticket.shop else "", title)


@dataclass(frozen=True)
class News:
    """The newest update as the customer reads it on the page of the request."""

    title: str
    text: str
    html: SafeString | str
    at: datetime


def told_publicly(ticket: Ticket, language: str) -> News | None:
    """Return what the customers of an incident were told last, when it touches this ticket."""
    told = public_update_for(ticket)
    if told is None:
        return None
    used, text = text_for(told.texts, language)
    tracking = ""
    if ticket.order_id is not None and "{tracking_number}" in text:
        parcels = Parcel.objects.filter(order_id=ticket.order_id).order_by("-shipped_at", "-pk")
        tracking = parcels.values_list("tracking_number", flat=True).first() or ""
    words = fill(text, _subjects(ticket, told.incident.title, tracking), used)
    html = as_html(words)
    return News(told.incident.title, as_text(words), safe_html(html, {}) if html else "", told.sent_at)


def incident_view(staff: Staff, key: str) -> Any:
    """Return the entry of an incident's list of tickets, None for another view or an incident she does not see."""
    if not key.startswith("incident-"):
        return None
    title = incidents_visible_to(staff).filter(pk=int(key[9:])).values_list("title", flat=True).first()
    return View(key, title, "alert-octagon") if title else None
