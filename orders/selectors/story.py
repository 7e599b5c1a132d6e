"""Everything that happened to an order, newest last: events of all apps, and scans that are no events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import ui
from core.models import Event
from core.registry import render_story
from orders.models import Order, Scan

MAX_EVENTS = 300
KINDS = ("all", "order", "parcel", "service")


class StoryRow(NamedTuple):
    """One line of the story; `kind` is order, parcel or service (tickets, visits, …)."""

    at: datetime
    kind: str
    html: SafeString


def story_of(order: Order, viewer: Any, wanted: str = "all") -> list[StoryRow]:
    """Return the rendered story of an order, the newest first. One query for events, one for scans, few for names."""
    events = list(Event.objects.filter(order_id=order.pk).order_by("-at", "-id")[:MAX_EVENTS])
    if wanted != "all":
        events = [event for event in events if _kind(event) == wanted]
    rows = [
        (event.at, event.pk, StoryRow(event.at, _kind(event), _item(line.icon, line.html, event.at, line.tone)))
        for event, line in render_story(events, viewer)
    ]
    if wanted in {"all", "parcel"}:
        told = {(event.subject_id, event.kind.removeprefix("parcel."), event.at) for event in events}
        for scan in Scan.objects.filter(parcel__order_id=order.pk).order_by("-at", "-pk")[:MAX_EVENTS]:
            if (scan.parcel_id, scan.status, scan.at) not in told:
                text = scan.text or scan.get_status_display()
                rows.append((scan.at, 0, StoryRow(scan.at, "parcel", _item("point", text, scan.at, "neutral"))))
    rows.sort(key=lambda row: (row[0], row[1]), reverse=True)
    return [row[2] for row in rows]


def _kind(event: Event) -> str:
    head = event.kind.partition(".")[0]
    return head if head in {"order", "parcel"} else "service"


def _item(icon: str, html: Any, at: datetime, tone: str) -> SafeString:
    text = format_html("{}", html)
    return ui.story_item(icon, text, at, tone)
