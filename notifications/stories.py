"""How deliveries read in a stream."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html_join
from django.utils.translation import gettext as _

from core.events import payload_of
from core.models import Event
from core.registry import StoryLine
from notifications.enums import Channel, Purpose
from notifications.templates import TEMPLATES
from notifications.wordings import words_for, words_for_notice

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
    others = {
        "delivery.sent": _("%(channel)s sent"),
        "delivery.delivered": _("%(channel)s arrived"),
        "delivery.failed": _("%(channel)s not delivered"),
        "delivery.expired": _("%(channel)s was too late to be sent"),
        "delivery.retried": _("%(channel)s sent again by hand"),
    }
    lines = {}
    for event in events:
        if event.kind not in titles:
            continue
        icon, tone = _LOOKS[event.kind]
        data = payload_of(event)
        title = titles[event.kind]
        if data.channel != Channel.EMAIL:
            title = others[event.kind] % {"channel": Channel(data.channel).label}
        what = _label(data.template, data.channel) if data.purpose == Purpose.NOTICE else ""
        why = words_for(data.cause) if event.kind == "delivery.failed" else ""
        html = format_html_join(" · ", "{}", ((part,) for part in (title, what, why) if part))
        lines[event.pk] = StoryLine(event.pk, icon, tone, html)
    return lines


def notice_lines(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Render notices that came to nothing, without a query."""
    titles = {
        "notice.failed": (_("Notice reached nobody"), "bell-off", "bad"),
        "notice.expired": (_("Notice was too late to be sent"), "clock-pause", "warn"),
        "notice.dropped": (_("Notice not sent"), "bell-off", "warn"),
    }
    lines = {}
    for event in events:
        if event.kind in titles:
            data = payload_of(event)
            title, icon, tone = titles[event.kind]
            parts = (title, _label(data.template, data.channel or Channel.EMAIL), words_for_notice(data.reason))
            html = format_html_join(" · ", "{}", ((part,) for part in parts if part))
            lines[event.pk] = StoryLine(event.pk, icon, tone, html)
    return lines


def _label(template: str, channel: str) -> str:
    known = TEMPLATES.get((template, channel))
    return str(known.label) if known else ""
