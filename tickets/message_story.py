"""How messages read in a stream that is not their conversation: who wrote, and how it begins."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, OuterRef, Subquery, When
from django.db.models.functions import Left
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext

from accounts.selectors import staff_names
from core.models import Event
from core.registry import StoryLine
from tickets.enums import Channel
from tickets.models import Message
from tickets.models.ticket import NUMBER_OFFSET

LONGEST = 160
BEGINS = "message_begins"
"""What each event of a message, or of a ticket's opening, brings along: the beginning of the (first) message."""
LOOKS = {
    "message.received": ("message", "info"),
    "message.sent": ("message-2", ""),
    "message.acknowledged": ("mail-check", ""),
    "message.noted": ("note", "note"),
}


def message_begins() -> Case:
    """Return the expression of BEGINS."""
    begins = Message.objects.annotate(begins=Left("text", LONGEST * 4)).values("begins")
    return Case(
        When(kind__startswith="message.", then=Subquery(begins.filter(pk=OuterRef("subject_id")))),
        When(kind="ticket.opened", then=Subquery(begins.filter(ticket_id=OuterRef("subject_id"), seq=1))),
    )


def render_message_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each message; the events bring along how it begins (BEGINS)."""
    names = staff_names({event.actor_id for event in events if event.actor_type == "staff"}, viewer)
    lines = {}
    for event in events:
        if event.kind in LOOKS:
            icon, tone = LOOKS[event.kind]
            html = _told(event.ticket_id, _words(event, names), event)
            lines[event.pk] = StoryLine(event.pk, icon, tone, html)
    return lines


def render_opened(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each ticket opened, with how its first message begins."""
    lines = {}
    for event in events:
        channel = event.data.get("channel")
        name = str(Channel(channel).label) if channel in Channel.values else ""
        number = f"#{event.subject_id + NUMBER_OFFSET}"
        words = gettext("Ticket %(number)s opened: %(channel)s") % {"number": number, "channel": name}
        html = _told(event.subject_id, words, event)
        lines[event.pk] = StoryLine(event.pk, "ticket", "info", html)
    return lines


def _told(ticket: int | None, words: str, event: Event) -> SafeString:
    text = getattr(event, BEGINS, None) or ""
    begins = Truncator(" ".join(text.split())).chars(LONGEST)
    said = format_html('<span class="story-said">{}</span>', begins) if begins else SafeString("")
    if ticket is None:
        return format_html("{}{}", words, said)
    return format_html('<a href="{}">{}</a>{}', reverse("tickets:ticket", args=[ticket]), words, said)


def _words(event: Event, names: dict[int, str]) -> str:
    who = names.get(event.actor_id or 0, gettext("A former colleague"))
    match event.kind:
        case "message.received":
            return gettext("The customer wrote")
        case "message.acknowledged":
            return gettext("The customer was told that the message arrived")
        case "message.noted":
            return gettext("%(who)s noted") % {"who": who} if event.actor_type == "staff" else gettext("Note")
    return gettext("%(who)s answered") % {"who": who} if event.actor_type == "staff" else gettext("Answered by a rule")
