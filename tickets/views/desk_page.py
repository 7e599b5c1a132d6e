"""What the desk's page and its fragments are made of."""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from django.template.loader import render_to_string
from django.urls import NoReverseMatch
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe  # allowed: what a template rendered
from django.utils.translation import get_language

from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, has
from accounts.selectors import remember_event_names
from core import registry
from core.addresses import address
from core.errors import NotFound
from core.models import Event
from core.ui.leaf import CHANNEL_NAMES
from tickets import presence
from tickets.enums import TICKET_TRANSITIONS, Channel, MessageKind, Priority, Sorting, TicketStatus
from tickets.models import Ticket
from tickets.models.ticket import NUMBER_OFFSET
from tickets.permissions import get_ticket_page_for
from tickets.selectors import conversation
from tickets.selectors.duplicates import kin_marks, surroundings_of
from tickets.selectors.fields import shown_fields
from tickets.selectors.filters import find_saved_view
from tickets.selectors.incidents import incident_marks
from tickets.selectors.lists import FACTS, Page, list_tickets
from tickets.selectors.sla import nearest_clock
from tickets.selectors.sorting import known_sorting
from tickets.selectors.views import count_views, known_view
from tickets.services.text_out import reach_by_text
from tickets.views.desk_incidents import incident_view, incidents_of
from tickets.views.desk_rows import FACT_NAMES, ticket_rows
from tickets.views.desk_stream import render_stream
from tickets.views.desk_waiting import send_times, waiting_rows

logger = logging.getLogger(__name__)
TEMPLATE = "tickets/desk/desk.html"
STATUS_KEYS = (
    TicketStatus.OPEN, TicketStatus.WAITING_CUSTOMER, TicketStatus.WAITING_DEPARTMENT, TicketStatus.RESOLVED,
    TicketStatus.CLOSED,
)  # fmt: skip


def open_ticket_page(request: StaffRequest, ticket_id: int, permission: Permission = Permission.TICKET_VIEW) -> Ticket:
    """Return the ticket of an address for this person, with all the head shows; a typed number does too.

    Addresses carry the key. A number that is no key is what a person typed from a mail.
    """
    if ticket_id > 2**53:
        raise NotFound
    try:
        return get_ticket_page_for(request.user, ticket_id, permission, _marks)
    except NotFound:
        if ticket_id <= NUMBER_OFFSET:
            raise
        return get_ticket_page_for(request.user, ticket_id - NUMBER_OFFSET, permission, _marks)


def _marks(staff: Staff) -> dict[str, Any]:
    return conversation.own_marks(staff) | kin_marks(staff) | incident_marks()


def view_key(request: StaffRequest) -> str:
    """Return the view the page stands in."""
    return known_view(request.GET.get("view") or request.POST.get("view") or "")


@dataclass(frozen=True)
class Shape:
    """How a list stands: its order and what each line says besides."""

    sorting: str
    facts: tuple[str, ...] = ()

    @property
    def query(self) -> dict[str, str]:
        """Return what the addresses of its parts carry, so that they need not ask how the person likes it."""
        return {"sort": self.sorting, "facts": ".".join(self.facts)}


def list_shape(request: StaffRequest, view: str) -> Shape:
    """Return the order and facts of a list: as the address says, else as this person likes it, else as it is kept."""
    likes = request.__dict__.get("_list_likes", {}).get(view, {})
    usual = likes.get("sort", "")
    if not usual and view.startswith("saved-"):
        saved = find_saved_view(request.user, int(view[6:]))
        usual = saved.sorting if saved else ""
    given = request.GET.get("facts")
    wanted = likes.get("facts", []) if given is None else given.split(".")
    facts = tuple(name for name in FACTS if name in wanted)
    return Shape(known_sorting(request.GET.get("sort"), known_sorting(usual)), facts)


def list_context(request: StaffRequest, view: str, *, current: Ticket | None, limit: int = 0) -> dict[str, Any]:
    """Return the list pane: rows as HTML and where the next page begins. Read after the views, which know its shape."""
    now, cursor, shape = timezone.now(), request.GET.get("before", ""), list_shape(request, view)
    page: Page = list_tickets(
        request.user, view, now=now, cursor=cursor, limit=limit or 50, sorting=shape.sorting, facts=shape.facts
    )
    may_bulk = has(request.user, Permission.TICKET_BULK)
    rows = ticket_rows(page.rows, view=view, now=now, current=current.pk if current else None, may_bulk=may_bulk)
    query = {"view": view, **shape.query}
    return {
        "rows": rows,
        "row_count": len(page.rows),
        "is_first_page": not cursor,
        "may_bulk": may_bulk,
        "may_take": has(request.user, Permission.TICKET_REPLY),
        "view_pk": int(view[6:]) if view.startswith("saved-") else 0,
        "may_export": has(request.user, Permission.EXPORT),
        "sorting": shape.sorting,
        "sortings": Sorting.choices,
        "facts": shape.facts,
        "all_facts": FACT_NAMES,
        "next_url": f"{address('tickets:desk')}?{urlencode({**query, 'before': page.after})}" if page.after else "",
        "list_url": f"{address('tickets:list')}?{urlencode(query)}",
        "export_url": f"{address('tickets:export')}?{urlencode(query)}",
    }


def views_context(request: StaffRequest, view: str) -> dict[str, Any]:
    """Return the view list with its counts, and remember how this person likes lists for the rest of the request."""
    counted = count_views(request.user, now=timezone.now())
    request.__dict__["_list_likes"] = counted.likes
    return {
        "view": view,
        "views": counted.views,
        "teams": counted.teams,
        "saved": counted.saved,
        "current_view": counted.find(view) or incident_view(request.user, view),
    }


def ticket_context(request: StaffRequest, ticket: Ticket, view: str) -> dict[str, Any]:
    """Return the conversation pane: head, stream, composer, who else is here."""
    now = timezone.now()
    stream = first_stream(request, ticket, now)
    drafts: dict[str, str] = {one["kind"]: one["text"] for one in ticket.own_drafts}  # type: ignore[attr-defined]
    kind = next(reversed(drafts), MessageKind.PUBLIC.value)
    return {
        **head_context(request, ticket, view),
        "stream": stream.html,
        "earlier_url": stream.earlier_url,
        "draft_texts": drafts,
        "composer_kind": kind,
        "client_id": uuid.uuid4(),
        "waiting": waiting_rows(ticket, request.user.pk),
        "send_times": send_times(now),
        "answer_way": _answer_way(ticket),
        "others": presence.arrive(ticket_id=ticket.pk, staff=request.user),
    }


def _answer_way(ticket: Ticket) -> str:
    """Return what to say about how an answer reaches the customer; "" where mail is what she writes and gets."""
    has_mail = bool(ticket.contact_enc) or ticket.has_address  # type: ignore[attr-defined]
    if ticket.customer_id is None or (has_mail and ticket.channel != Channel.SMS):
        return ""
    reach = reach_by_text(ticket)
    if has_mail:
        return "words_or_mail" if reach.takes_words else "mail"
    if not reach:
        return "none"
    return ("words_or_link" if reach.takes_link else "words") if reach.takes_words else "link"


def head_context(request: StaffRequest, ticket: Ticket, view: str) -> dict[str, Any]:
    """Return the head of the conversation and what this person may do with the ticket."""
    user, language = request.user, get_language() or ""
    short = "en" if language.startswith("en") else "zh-hans"
    fields = shown_fields(ticket.own_fields, short)  # type: ignore[attr-defined]
    may_resolve = has(user, Permission.TICKET_RESOLVE)
    nexts = TICKET_TRANSITIONS.get(ticket.status, frozenset())
    return {
        "ticket": ticket,
        "around": surroundings_of(ticket),
        "incidents": incidents_of(ticket),
        "snapshot": ticket.snapshot,  # type: ignore[attr-defined]
        "fields": fields,
        "missing_count": sum(one.is_missing for one in fields),
        "has_field_words": any(one.words for one in fields),
        "number": ticket.number,
        "view": view,
        "query": urlencode({"view": view}),
        "now": timezone.now(),
        "category_name": ticket.category.name_in(short) if ticket.category else "",
        "channel_name": CHANNEL_NAMES.get(ticket.channel, ticket.channel),
        "priorities": Priority.choices,
        "statuses": [
            (s.value, s.label) for s in STATUS_KEYS if s.value in nexts and (s != TicketStatus.RESOLVED or may_resolve)
        ],
        "may": {
            "reply": has(user, Permission.TICKET_REPLY),
            "note": has(user, Permission.TICKET_NOTE),
            "edit": has(user, Permission.TICKET_EDIT),
            "assign": has(user, Permission.TICKET_ASSIGN),
            "take": has(user, Permission.TICKET_REPLY),
            "resolve": may_resolve,
            "block": has(user, Permission.TICKET_BLOCK),
            "merge": has(user, Permission.TICKET_MERGE),
        },
        "can_resolve": may_resolve and TicketStatus.RESOLVED.value in nexts,
        "is_done": ticket.status in {TicketStatus.RESOLVED, TicketStatus.CLOSED},
        "is_mine": ticket.assignee_id == user.pk,
        "is_watching": user.pk in (ticket.watchers or ()),
        "head_clock": nearest_clock(ticket),
    }


@dataclass(frozen=True)
class Stream:
    """A piece of the stream and where the earlier one begins."""

    html: SafeString
    earlier_url: str = ""


def first_stream(request: StaffRequest, ticket: Ticket, now: datetime, before: str = "") -> Stream:
    """Return the newest messages (before a place) with the events around them, those of joined tickets among them."""
    parts: list[int] = getattr(ticket, "parts", None) or []
    if parts:
        place = _read_place(before)
        messages, has_earlier = conversation.last_messages_of_all([ticket.pk, *parts], before=place)
        first = f"{_micros(messages[0].at)}-{messages[0].id}" if messages else ""
    else:
        seq = int(before) if before.isdecimal() and len(before) < 10 else conversation.END
        messages, has_earlier = conversation.last_messages(ticket.pk, before=seq)
        first = str(messages[0].seq) if messages else ""
    since = messages[0].at if has_earlier and messages else datetime(2000, 1, 1, tzinfo=now.tzinfo)
    events = [] if before else conversation.events_around(ticket, since=since)
    html = _render(request, ticket, messages, events, now)
    earlier = f"{address('tickets:stream', ticket.pk)}?before={first}" if has_earlier else ""
    return Stream(html, earlier)


def _micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def _read_place(text: str) -> tuple[datetime, int]:
    """Return the moment and id of a place in a joined conversation; its end for one that cannot be read."""
    micros, _dash, pk = text.partition("-")
    if not (micros.isdecimal() and pk.isdecimal() and len(micros) <= 17 and len(pk) <= 18):
        return conversation.LATEST
    seconds, rest = divmod(int(micros), 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), int(pk)


def stream_after(
    request: StaffRequest, ticket: Ticket, *, seq: int, event_id: int, day: date | None, now: datetime
) -> tuple[SafeString, list[conversation.MessageRow]]:
    """Return what came after a seq and an event."""
    messages = conversation.messages_after(ticket.pk, seq)
    events = conversation.events_around(ticket, since=datetime(2000, 1, 1, tzinfo=now.tzinfo), after_id=event_id)
    return _render(request, ticket, messages, events, now, follows=day), messages


def _render(
    request: StaffRequest,
    ticket: Ticket,
    messages: list[conversation.MessageRow],
    events: list[Event],
    now: datetime,
    follows: date | None = None,
) -> SafeString:
    sent = {m.delivery_id: m.delivery for m in messages if m.delivery_id and m.delivery}
    remember_event_names(events, request.user)
    return render_stream(
        messages,
        events,
        viewer=request.user,
        customer_name=ticket.customer.name if ticket.customer else "",
        deliveries=sent,
        now=now,
        follows=follows,
        ticket_id=ticket.pk,
        may_promise=has(request.user, Permission.TICKET_REPLY),
    )


@dataclass(frozen=True)
class Tab:
    """One tab of the context panel: its label, where its fragment comes from, whether it is the open one."""

    key: str
    label: Any
    url: str
    active: bool = False


def context_tabs(request: StaffRequest, ticket: Ticket, wanted: str = "") -> list[Tab]:
    """Return the context tabs whose app offers a panel for this ticket, its order or its customer."""
    subjects = {"ticket": ticket.pk, "order": ticket.order_id, "customer": ticket.customer_id}
    found = []
    for subject, pk in subjects.items():
        for panel in registry.panels_for("context", subject):
            if pk is None or (panel.permission and not request.user.may(panel.permission)):
                continue
            try:
                found.append((panel, address(panel.url_name, pk)))
            except NoReverseMatch:  # a panel whose page is missing must not take the desk with it
                logger.error("tickets.panel_without_page panel=%s url_name=%s", panel.key, panel.url_name)
    found.sort(key=lambda item: item[0].order)
    keys = [panel.key for panel, _url in found]
    chosen = wanted if wanted in keys else keys[0] if keys else ""
    return [Tab(panel.key, panel.label, url, panel.key == chosen) for panel, url in found]


def render_to_safe(template: str, context: dict[str, Any], request: StaffRequest) -> SafeString:
    """Render a template or a part of one."""
    return mark_safe(render_to_string(template, context, request))  # allowed: templates escape
