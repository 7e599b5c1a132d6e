"""What exceptions add to the product: rail, palette, story lines, notices, live groups, due work."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from core.models import Event
from core.registry import StoryLine
from orders import exception_events, exception_jobs  # noqa: F401 - declared there
from orders.exception_enums import CloseReason, ExceptionKind
from orders.exception_permissions import may_hear_exceptions

registry.register_nav(
    "exceptions", _("Parcel exceptions"), "alert-triangle", "orders:exceptions", 32, Permission.EXCEPTION_WORK,
    "g x",
)  # fmt: skip
registry.register_command(
    "exceptions", _("Parcel exceptions"), "alert-triangle", "orders:exceptions", Permission.EXCEPTION_WORK,
    keywords="yichang baoguo ycbg wuliu stalled lost refused",
)  # fmt: skip
registry.register_live_group("exceptions", may_hear_exceptions)


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    """Return a line for each exception opened, given, closed; no query."""
    return {event.pk: _line(event) for event in events}


def _line(event: Event) -> StoryLine:
    kind = ExceptionKind(event.data["kind"]).label
    if event.kind == "exception.opened":
        return StoryLine(
            event.pk, "alert-triangle", "bad", format_html("{}", gettext("Parcel exception: %(kind)s") % {"kind": kind})
        )
    if event.kind == "exception.closed":
        text = gettext("Parcel exception closed: %(kind)s · %(why)s")
        why = CloseReason(event.data["why"]).label
        return StoryLine(event.pk, "circle-check", "good", format_html("{}", text % {"kind": kind, "why": why}))
    text = gettext("Taken on: %(kind)s") if event.kind == "exception.taken" else gettext("Handed over: %(kind)s")
    return StoryLine(event.pk, "user-check", "neutral", format_html("{}", text % {"kind": kind}))


registry.register_story("exception.", _render)
register_notice(
    "exception.yours",
    lambda params: NoticeWords("alert-triangle", gettext("A parcel exception was handed to you"), "warn"),
)
