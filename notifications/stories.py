"""How deliveries read in a stream."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

from core.events import payload_of
from core.models import Event
from core.registry import StoryLine
from notifications.wordings import words_for

_LOOKS = {
    "delivery.sent": ("send", ""),
    "delivery.delivered": ("check", "good"),
    "delivery.failed": ("mail-off", "bad"),
    "delivery.expired": ("clock-pause", "warn"),
    "delivery.retried": ("refresh", ""),
}


def delivery_lines(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Render deliveries without a query: the payload says all."""
    titles = {
        "delivery.sent": _("Mail sent"),
        "delivery.delivered": _("Mail arrived"),
        "delivery.failed": _("Mail not delivered"),
        "delivery.expired": _("Mail was too late to be sent"),
        "delivery.retried": _("Mail sent again by hand"),
    }
    lines = {}
    for event in events:
        if event.kind not in titles:
            continue
        icon, tone = _LOOKS[event.kind]
        why = words_for(payload_of(event).cause) if event.kind == "delivery.failed" else ""
        html = format_html("{} · {}", titles[event.kind], why) if why else format_html("{}", titles[event.kind])
        lines[event.pk] = StoryLine(event.pk, icon, tone, html)
    return lines
