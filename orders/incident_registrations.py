"""What incidents add to the product: rail, palette, story lines, notices, live groups."""

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
from orders import cluster_events, cluster_jobs, incident_jobs  # noqa: F401 - declared there
from orders.incident_permissions import may_hear_incident
from orders.models import Incident

registry.register_nav(
    "incidents", _("Incidents"), "alert-octagon", "orders:incidents", 35, Permission.INCIDENT_VIEW, "g e"
)
registry.register_command(
    "incidents", _("Incidents"), "alert-octagon", "orders:incidents", Permission.INCIDENT_VIEW,
    keywords="emergency yingji shijian yj",
)  # fmt: skip
registry.register_command(
    "declare_incident", _("Declare an incident"), "alert-octagon", "orders:incident_declare",
    Permission.INCIDENT_MANAGE, keywords="emergency mode yingji xiangying yjxy shigu",
)  # fmt: skip
registry.register_live_group("incident", may_hear_incident)

_WORDS = {
    "order_affected": ("alert-octagon", "warn", lambda: gettext("Affected by an incident: %(title)s")),
    "order_taken_out": ("x", "neutral", lambda: gettext("Taken out of the incident: %(title)s")),
    "order_put_back": ("alert-octagon", "warn", lambda: gettext("Back in the incident: %(title)s")),
}


def titles_of(events: list[Event]) -> dict[int, str]:
    """Return the titles of the incidents that events name, in one query."""
    ids = {event.data["incident_id"] for event in events if "incident_id" in event.data}
    return dict(Incident.objects.filter(pk__in=ids).values_list("pk", "title")) if ids else {}


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    titles, lines = titles_of(events), {}
    for event in events:
        icon, tone, words = _WORDS.get(event.kind.removeprefix("incident."), ("", "", None))
        if words is not None:
            title = titles.get(event.data.get("incident_id", 0), "")
            lines[event.pk] = StoryLine(event.pk, icon, tone, format_html("{}", words() % {"title": title}))
    return lines


registry.register_story("incident.", _render)

_NOTICES = {
    "incident.yours": ("alert-octagon", "bad", lambda: gettext("You own an incident")),
    "incident.dissolved": (
        "circle-check",
        "good",
        lambda: gettext("An incident's parcels move again: you can end it"),
    ),
    "incident.review_due": ("clipboard-list", "warn", lambda: gettext("An incident still waits for its review")),
}


def _wording(kind: str) -> Any:
    icon, tone, words = _NOTICES[kind]
    return lambda params: NoticeWords(icon, words(), tone)


for _kind in _NOTICES:
    register_notice(_kind, _wording(_kind))
