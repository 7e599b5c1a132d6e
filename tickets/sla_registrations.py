"""What clocks add to the shell: notices, their story, their live group, what a calendar's change would do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe  # allowed: words and values are escaped, templates escape
from django.utils.translation import gettext

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from core.calendar.impact import Effect, NewHours, register_impact
from core.calendar.words import day_name
from core.models import Event
from core.registry import StoryLine
from tickets.enums import ClockKind
from tickets.services.sla.repricing import preview_calendars


def _clock_name(code: Any) -> str:
    return str(ClockKind(code).label) if code in ClockKind.values else ""


def _warned(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Ticket %(number)s is due soon: %(clock)s")
    return NoticeWords("clock", _told(words, params), "warn")


def _breached(params: dict[str, Any]) -> NoticeWords:
    words = gettext("Ticket %(number)s has missed its deadline: %(clock)s")
    return NoticeWords("flame", _told(words, params), "bad")


def _told(words: str, params: dict[str, Any]) -> str:
    """Return the sentence, and that an answer is written already when one waits to go."""
    said = words % {"number": params.get("number", ""), "clock": _name_in(params)}
    if "answer_at" not in params:
        return said
    goes = timezone.localtime(datetime.fromisoformat(params["answer_at"]))
    moment = f"{day_name(goes.date())} {goes:%H:%M}"
    waiting = gettext("%(notice)s. An answer is written and goes on %(moment)s.")
    return waiting % {"notice": said, "moment": moment}


def _name_in(params: dict[str, Any]) -> str:
    return _clock_name(params.get("clock"))


register_notice("ticket.clock_warned", _warned)
register_notice("ticket.clock_breached", _breached)


def render_clock_events(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each warning and each deadline missed or spared; a clock stopped is told by its answer."""
    looks = {
        "clock.warned": ("clock", "warn", gettext("Due soon: %(clock)s")),
        "clock.breached": ("flame", "bad", gettext("Deadline missed: %(clock)s")),
        "clock.spared": ("clock", "info", gettext("By new terms not missed any more: %(clock)s")),
    }
    found = {}
    for event in events:
        if event.kind in looks:
            icon, tone, words = looks[event.kind]
            clock = escape(_clock_name(event.data.get("clock")))
            html = mark_safe(escape(words) % {"clock": clock})  # allowed: both are escaped
            found[event.pk] = StoryLine(event.pk, icon, tone, html)
    return found


registry.register_story("clock.", render_clock_events)


def _may_watch(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.SETTINGS_MANAGE)


registry.register_live_group("clocks", _may_watch)


def _impact(changes: Sequence[NewHours], at: datetime) -> Effect:
    """Say what new hours would do to the clocks of tickets."""
    effect = preview_calendars(changes, at=at)
    return Effect(SafeString(render_to_string("tickets/settings/sla_effect.html", {"effect": effect})), effect.moved)


register_impact("tickets", _impact)
