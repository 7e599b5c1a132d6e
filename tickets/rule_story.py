"""How what rules did reads in a ticket's story."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from core.models import Event
from core.registry import StoryLine
from tickets.models import Rule
from tickets.rule_words import done_words


def render_rule_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each time a rule acted; the names came with the events, else one query."""
    acted = [event for event in events if event.kind == "rule.acted"]
    known = {event.actor_id: name for event in acted if (name := getattr(event, "rule_name", None))}
    missing = {event.actor_id for event in acted if event.actor_id is not None} - known.keys()
    if missing:
        known |= dict(Rule.objects.filter(pk__in=missing).values_list("pk", "name"))
    return {event.pk: _line(event, known.get(event.actor_id) or "–") for event in acted}


def _line(event: Event, name: str) -> StoryLine:
    done, failed = done_words(event.data.get("done", ())), done_words(event.data.get("failed", ()))
    if done and failed:
        words = gettext("Rule “{name}”: {done}; not done: {failed}")
    elif failed:
        words = gettext("Rule “{name}” could not do: {failed}")
    else:
        words = gettext("Rule “{name}”: {done}")
    html = format_html(words, name=name, done=done, failed=failed)
    if event.ticket_id:
        url = reverse("tickets:ticket_rules", args=[event.ticket_id])
        html = format_html('{} · <a href="{}#run-{}">{}</a>', html, url, event.subject_id, gettext("Why?"))
    return StoryLine(event.pk, "robot", "warn" if failed else "", html)
