"""How a ticket's events read in a stream."""

from __future__ import annotations

from typing import Any

from django.utils.html import escape
from django.utils.safestring import mark_safe  # allowed: words and values are escaped
from django.utils.translation import get_language, gettext

from accounts.selectors import staff_names
from core.models import Event
from core.registry import StoryLine
from tickets.enums import Channel, TicketStatus
from tickets.models import CustomField
from tickets.models.ticket import NUMBER_OFFSET
from tickets.routing_words import why_words

FIELDS = {
    "category": lambda: gettext("category"),
    "priority": lambda: gettext("priority"),
    "tags": lambda: gettext("tags"),
    "order": lambda: gettext("order"),
    "subject": lambda: gettext("subject"),
}


def render_ticket_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each ticket event; one query for the names."""
    ids = {event.actor_id for event in events if event.actor_type == "staff"}
    ids |= {event.data.get("agent_id") for event in events if event.kind == "ticket.assigned"}
    known = {viewer.pk: viewer.display_name} if getattr(viewer, "pk", None) else {}
    missing = {pk for pk in ids if pk is not None and pk not in known}
    names = known | staff_names(missing, viewer)
    labels = _field_labels(events)
    return {event.pk: line for event in events if (line := _line(event, names, labels)) is not None}


def _field_labels(events: list[Event]) -> dict[int, str]:
    """Return the labels of own fields that events speak of; one query when there are any."""
    ids = {pk for event in events if event.kind == "ticket.fields_filled" for pk in event.data.get("field_ids", ())}
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    return {row.pk: row.label_in(language) for row in CustomField.objects.filter(pk__in=ids)} if ids else {}


def _who(event: Event, names: dict[int, str]) -> str:
    if event.actor_type == "staff":
        return names.get(event.actor_id or 0, gettext("A former colleague"))
    if event.actor_type == "customer":
        return gettext("The customer")
    if event.actor_type == "rule":
        name = getattr(event, "rule_name", None)
        return gettext("Rule “%(name)s”") % {"name": name} if name else gettext("A rule")
    return gettext("The system")


def _line(event: Event, names: dict[int, str], labels: dict[int, str]) -> StoryLine | None:
    who, data = _who(event, names), event.data
    match event.kind:
        case "ticket.opened":
            channel = str(Channel(data["channel"]).label) if data.get("channel") in Channel.values else ""
            return _say(event, "ticket", "", gettext("Ticket opened: %(channel)s"), channel=channel)
        case "ticket.assigned":
            return _assigned(event, who, names)
        case "ticket.changed":
            fields = gettext(", ").join(FIELDS[name]() for name in data.get("fields", ()) if name in FIELDS)
            return (
                _say(event, "pencil", "", gettext("%(who)s changed the %(fields)s"), who=who, fields=fields)
                if fields
                else None
            )
        case "ticket.fields_filled":
            fields = gettext(", ").join(labels[pk] for pk in data.get("field_ids", ()) if pk in labels)
            return _say(event, "forms", "", gettext("%(who)s filled in: %(fields)s"), who=who, fields=fields)
        case "ticket.status_changed":
            return _say(
                event,
                "circle-dot",
                "",
                gettext("%(who)s set the status to %(status)s"),
                who=who,
                status=_status(data.get("after")),
            )
        case "ticket.resolved":
            return _say(event, "circle-check", "good", gettext("%(who)s resolved the ticket"), who=who)
        case "ticket.reopened":
            return _say(event, "arrow-back-up", "warn", gettext("Opened again by %(who)s"), who=who)
        case "ticket.closed":
            return _say(event, "archive", "", gettext("Closed"))
        case (
            "ticket.merged" | "ticket.took_in" | "ticket.unmerged" | "ticket.let_go" | "ticket.split"
            | "ticket.linked" | "ticket.unlinked"
        ):  # fmt: skip
            return _joining(event, who)
        case "ticket.marked_spam":
            return _say(event, "ban", "", gettext("%(who)s marked this as spam"), who=who)
        case "ticket.unmarked_spam":
            return _say(event, "check", "", gettext("%(who)s said this is no spam"), who=who)
    return None


JOINING = {
    "ticket.merged": ("arrow-merge", lambda: gettext("%(who)s joined this into ticket %(other)s")),
    "ticket.took_in": ("arrow-merge", lambda: gettext("%(who)s joined ticket %(other)s into this")),
    "ticket.unmerged": ("arrow-back-up", lambda: gettext("%(who)s took this out of ticket %(other)s again")),
    "ticket.let_go": ("arrow-back-up", lambda: gettext("%(who)s took ticket %(other)s out again")),
    "ticket.split": ("arrow-forward-up", lambda: gettext("%(who)s moved messages to ticket %(other)s")),
    "ticket.linked": ("link", lambda: gettext("%(who)s linked this with ticket %(other)s")),
    "ticket.unlinked": ("link-off", lambda: gettext("%(who)s removed the link with ticket %(other)s")),
}


def _joining(event: Event, who: str) -> StoryLine:
    icon, words = JOINING[event.kind]
    other = f"#{event.data.get('other_id', 0) + NUMBER_OFFSET}"
    return _say(event, icon, "", words(), who=who, other=other)


def _assigned(event: Event, who: str, names: dict[int, str]) -> StoryLine:
    agent = event.data.get("agent_id")
    why = why_words(event.reason, event.data)
    if agent is None:
        words = gettext("%(who)s put the ticket back to the queue")
        words = gettext("%(who)s put the ticket back to the queue: %(why)s") if why else words
        return _say(event, "inbox", "", words, who=who, why=why)
    if event.actor_type == "staff" and event.actor_id == agent:
        is_next = event.reason == "claimed"
        words = gettext("%(who)s took the next ticket") if is_next else gettext("%(who)s took the ticket")
        return _say(event, "user-check", "", words, who=who)
    return _say(
        event,
        "user-check",
        "",
        gettext("%(who)s assigned the ticket to %(agent)s: %(why)s")
        if why
        else gettext("%(who)s assigned the ticket to %(agent)s"),
        who=who,
        why=why,
        agent=names.get(agent, "–"),
    )


def _status(code: Any) -> str:
    return str(TicketStatus(code).label) if code in TicketStatus.values else ""


def _say(event: Event, icon: str, tone: str, words: str, **values: str) -> StoryLine:
    escaped = {key: escape(value) for key, value in values.items()}
    html = mark_safe(escape(words) % escaped)  # allowed: words and values are escaped
    return StoryLine(event.pk, icon, tone, html)
