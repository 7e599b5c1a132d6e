"""Everything that happened to an order, newest last: events of all apps, and scans that are no events."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.selectors import event_names, remember_event_names
from core import ui
from core.kept import Kept
from core.models import Event
from core.registry import render_story
from orders.models import Order
from orders.selectors.told import parcels_told
from orders.slots import ORDER, one_order

MAX_EVENTS = 300
PANEL_EVENTS = 30
KINDS = ("all", "order", "parcel", "service")


class StoryRow(NamedTuple):
    """One line of the story; `kind` is order, parcel or service (tickets, visits, …)."""

    at: datetime
    kind: str
    html: SafeString


def story_of(order: Order, viewer: Any, wanted: str = "all", *, brief: bool = False) -> tuple[list[StoryRow], bool]:
    """Return the rendered story of an order, the newest first, and whether there is more.

    One query for events with names, one for scans. With `brief`, as beside a conversation: the newest lines only, and
    none for messages, which stand in the conversation itself.
    """
    most = PANEL_EVENTS if brief else MAX_EVENTS
    events = _kept.instances(brief, lambda: _events(ORDER.sample, brief, most + 1), order=order.pk)
    is_more = len(events) > most
    del events[most:]
    remember_event_names(events, viewer)
    if wanted != "all":
        events = [event for event in events if _kind(event) == wanted]
    rows = [
        (event.at, event.pk, StoryRow(event.at, _kind(event), _item(line.icon, line.html, event.at, line.tone)))
        for event, line in render_story(events, viewer)
    ]
    if wanted in {"all", "parcel"}:
        told = {(event.subject_id, event.kind.removeprefix("parcel."), event.at) for event in events}
        for parcel, scans in parcels_told([order.pk], viewer)[order.pk]:
            for scan in scans:
                if (parcel.pk, scan.status, scan.at) not in told:
                    html = _item("point", scan.words, scan.at, "neutral")
                    rows.append((scan.at, 0, StoryRow(scan.at, "parcel", html)))
    rows.sort(key=lambda row: (row[0], row[1]), reverse=True)
    return [row[2] for row in rows[:most]], is_more or len(rows) > most


def _events(order_id: int, brief: bool, most: int) -> QuerySet[Event]:
    found = Event.objects.filter(order_id=order_id).annotate(**event_names())
    if brief:
        found = found.exclude(kind__startswith="message.")
    return found.order_by("-at", "-id")[:most]


_kept = Kept(one_order)


def _kind(event: Event) -> str:
    head = event.kind.partition(".")[0]
    return head if head in {"order", "parcel"} else "service"


def _item(icon: str, html: Any, at: datetime, tone: str) -> SafeString:
    text = format_html("{}", html)
    return ui.story_item(icon, text, at, tone)
