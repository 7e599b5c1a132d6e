"""How a customer's events read in a stream."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext

from accounts.selectors import staff_names
from core.models import Event
from core.registry import StoryLine

ICONS = {"merged": "arrow-merge", "took_in": "arrow-merge", "unmerged": "arrow-back-up", "let_go": "arrow-back-up"}


def render_customer_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each joining and parting of records; one query for names."""
    told = [event for event in events if event.kind.removeprefix("customer.") in ICONS]
    ids = {event.actor_id for event in told if event.actor_type == "staff" and event.actor_id}
    names = staff_names(ids, viewer) if ids else {}
    return {event.pk: _line(event, names) for event in told}


def _line(event: Event, names: dict[int, str]) -> StoryLine:
    step, other = event.kind.removeprefix("customer."), event.data.get("other_id", 0)
    who = names.get(event.actor_id or 0, gettext("The system"))
    if step == "merged":
        words = gettext("%(who)s joined this record with %(other)s")
    elif step == "took_in":
        words = gettext("%(who)s joined %(other)s with this record")
    else:
        words = gettext("%(who)s took this record and %(other)s apart")
    link = format_html('<a href="{}">#{}</a>', reverse("customers:customer", args=[other]), other)
    html = format_html(words.replace("%(who)s", "{who}").replace("%(other)s", "{other}"), who=who, other=link)
    return StoryLine(event.pk, ICONS[step], "", html)
