"""How calls read in a stream: one line a call, with its length, its way through the menu and its recording."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from accounts.enums import Permission
from accounts.models import Staff
from core import ui
from core.models import Event
from core.registry import StoryLine
from tickets.calls_enums import CallDirection, CallResult
from tickets.models import Call
from tickets.selectors.call_plans import menu_words
from tickets.selectors.calls import calls_by_id


def render_call_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return one line a call, at its newest event that says something; at most two statements."""
    newest: dict[int, Event] = {}
    for event in events:
        if event.kind in {"call.answered", "call.ended", "call.missed"}:
            known = newest.get(event.subject_id)
            if known is None or event.pk > known.pk:
                newest[event.subject_id] = event
    calls = calls_by_id(newest)
    ways = menu_words(calls.values())
    found = {}
    for call_id, event in newest.items():
        call = calls.get(call_id)
        if call is not None:
            icon, tone = _look(call)
            found[event.pk] = StoryLine(event.pk, icon, tone, _line(call, ways.get(call_id, ""), viewer))
    return found


def _look(call: Call) -> tuple[str, str]:
    if call.answered_at is None and call.ended_at is not None:
        return "phone", "warn"
    return "phone-call", ""


def _line(call: Call, way: str, viewer: Any) -> Any:
    agent = call.agent.display_name if call.agent else gettext("A colleague")
    is_out = call.direction == CallDirection.OUT
    if call.answered_at is None:
        words = gettext("Called the customer, nobody answered") if is_out else _missed(call)
    elif call.ended_at is None:
        words = gettext("%(who)s is on the phone with the customer") % {"who": agent}
    else:
        told = {"who": agent, "long": ui.duration(call.talked or 0)}
        words = (
            gettext("%(who)s called the customer, %(long)s") if is_out
            else gettext("%(who)s spoke with the customer on the phone, %(long)s")
        ) % told  # fmt: skip
    parts = [format_html("{}", words)]
    if way:
        parts.append(format_html(" · {}", gettext("Menu: %(way)s") % {"way": way}))
    if call.recording_enc and isinstance(viewer, Staff) and viewer.may(Permission.CALL_LISTEN):
        url, label = reverse("tickets:call_recording", args=[call.pk]), gettext("Listen to the recording")
        parts.append(format_html(' · <a href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, label))
    return format_html("{}" * len(parts), *parts)


def _missed(call: Call) -> str:
    told = {"long": ui.duration(call.waited or 0)}
    if call.result == CallResult.ABANDONED:
        return gettext("The customer called and hung up after %(long)s") % told
    return gettext("The customer called, nobody answered (%(long)s)") % told
