"""How reviews read in a conversation's story: to reviewers and to the agent concerned, to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.html import escape
from django.utils.safestring import mark_safe  # allowed: words and values are escaped
from django.utils.translation import gettext

from accounts.enums import Permission
from accounts.selectors import staff_names
from core.models import Event
from core.registry import StoryLine

Words = Callable[[], str]
LINES: dict[str, tuple[str, str, Words]] = {
    "quality.assigned": ("clipboard-list", "", lambda: gettext("Chosen for quality review; %(reviewer)s reviews")),
    "quality.reviewed": ("clipboard-check", "", lambda: gettext("%(who)s reviewed the conversation")),
    "quality.appealed": ("message-2", "warn", lambda: gettext("%(who)s appealed against the review")),
    "quality.decided": ("checks", "", lambda: gettext("%(who)s decided the appeal")),
}
TO_THE_AGENT = frozenset({"quality.reviewed", "quality.appealed", "quality.decided"})


def render_quality_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each event this viewer may know of; one query for people."""
    reviews = callable(getattr(viewer, "may", None)) and viewer.may(Permission.QUALITY_REVIEW)
    mine = getattr(viewer, "pk", None)
    shown = [
        event for event in events
        if event.kind in LINES and event.reason != "calibration"
        and ((reviews and event.data.get("agent_id") != mine)
             or (event.data.get("agent_id") == mine and mine is not None and event.kind in TO_THE_AGENT))
    ]  # fmt: skip
    people = {e.actor_id for e in shown if e.actor_type == "staff"} | {e.data.get("reviewer_id") for e in shown}
    names = staff_names(people, viewer) if shown else {}
    return {event.pk: _line(event, names) for event in shown}


def _line(event: Event, names: dict[int, str]) -> StoryLine:
    icon, tone, words = LINES[event.kind]
    values = {
        "who": names.get(event.actor_id or 0, gettext("The system")),
        "reviewer": names.get(event.data.get("reviewer_id") or 0, gettext("Nobody yet")),
    }
    escaped = {key: escape(value) for key, value in values.items()}
    html = mark_safe(escape(words()) % escaped)  # allowed: words and values are escaped
    return StoryLine(event.pk, icon, tone, html)
