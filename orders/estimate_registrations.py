"""What estimates add to the product: their due work and their lines in a story."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext

from core import registry
from core.models import Event
from core.registry import StoryLine
from core.ui.times import date_words, local
from orders import estimate_events, estimate_jobs  # noqa: F401 - declared there


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each risk told; no query."""
    return {event.pk: _line(event) for event in events}


def _line(event: Event) -> StoryLine:
    data = event.data
    is_likely = event.kind == "order.delay_expected" or data.get("level") == "likely"
    text = (
        gettext("Will most likely come after the promised %(promised)s: expected %(expected)s")
        if is_likely
        else gettext("May come after the promised %(promised)s: expected %(expected)s")
    )
    values = {name: _day(data.get(f"{name}_at")) for name in ("promised", "expected")}
    return StoryLine(event.pk, "clock", "bad" if is_likely else "warn", format_html("{}", text % values))


def _day(told: Any) -> str:
    if not told:
        return "–"
    at = local(datetime.fromisoformat(told))
    return date_words(at, this_year=at.year)


registry.register_story("parcel.late_risk", _render)
registry.register_story("order.delay_expected", _render)
