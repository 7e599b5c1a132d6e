"""What incidents add to conversations: panels of an incident's page, the mail of an update, story lines."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from core import registry
from core.models import Event
from core.registry import StoryLine
from notifications.templates import register_template
from orders.incident_registrations import titles_of
from tickets import incident_events, incident_jobs  # noqa: F401 - declared here
from tickets.services.incidents.telling import TEMPLATE

register_template(
    TEMPLATE,
    label=_("Update about an incident"),
    subject={
        "zh-hans": "关于您的订单 {order_number}：{incident_title}",
        "en": "About your order {order_number}: {incident_title}",
    },
    body={"zh-hans": "{text}", "en": "{text}"},
    is_automatic=False,
)
registry.register_panel(
    "incident", "incident", "figures", _("Figures"), "tickets:incident_figures", 10, Permission.INCIDENT_VIEW
)
registry.register_panel(
    "incident", "incident", "updates", _("What customers are told"), "tickets:incident_updates", 20,
    Permission.INCIDENT_VIEW,
)  # fmt: skip
registry.register_panel(
    "incident", "incident", "tickets", _("Tickets about it"), "tickets:incident_tickets", 30, Permission.INCIDENT_VIEW
)
registry.register_panel(
    "incident", "incident", "close", _("End of the incident"), "tickets:incident_close", 40, Permission.INCIDENT_VIEW
)

_WORDS = {
    "linked": ("alert-octagon", "warn", lambda: gettext("About an incident: %(title)s")),
    "unlinked": ("x", "neutral", lambda: gettext("No longer about the incident: %(title)s")),
}


def _render(events: list[Event], viewer: Any) -> dict[int, StoryLine]:
    titles, lines = titles_of(events), {}
    for event in events:
        if event.kind == "incident_ticket.linked" and event.order_id is not None:
            continue  # its order's own line says so already
        icon, tone, words = _WORDS[event.kind.removeprefix("incident_ticket.")]
        text = words() % {"title": titles.get(event.data.get("incident_id", 0), "")}
        lines[event.pk] = StoryLine(event.pk, icon, tone, format_html("{}", text))
    return lines


registry.register_story("incident_ticket.", _render)
