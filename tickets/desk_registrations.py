"""What the desk adds to the shell: rail entry, commands, settings pages, the story of tickets, who else is here."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from core import registry
from tickets.permissions import tickets_visible_to
from tickets.story import render_ticket_events

registry.register_nav("desk", _("Desk"), "inbox", "tickets:desk", 10, Permission.TICKET_VIEW, "g i")
registry.register_story("ticket.", render_ticket_events)

registry.register_command(
    "search_tickets",
    _("Search tickets"),
    "search",
    "tickets:search",
    Permission.TICKET_VIEW,
    keywords="find conversation",
)
registry.register_settings_page(
    "canned", _("Canned replies"), _("Prepared answers with variables, typed with a slash."), "bolt",
    "tickets:settings_canned", 30,
    Permission.TICKET_NOTE,
    group="work",
)  # fmt: skip
registry.register_settings_page(
    "macros", _("Macros"), _("An answer, status, tags and more in one step."), "wand", "tickets:settings_macros", 30,
    Permission.TICKET_REPLY,
    group="work",
)  # fmt: skip
registry.register_settings_page(
    "fields", _("Custom fields"), _("What you want to know of a case, by category."), "forms",
    "tickets:settings_fields", 31, Permission.SETTINGS_MANAGE,
    group="rules",
)  # fmt: skip
registry.register_settings_page(
    "categories", _("Categories"), _("What tickets are about; a tree of two levels."), "tags",
    "tickets:settings_categories", 31,
    Permission.SETTINGS_MANAGE,
    group="rules",
)  # fmt: skip
registry.register_settings_page(
    "sla", _("Reply times"), _("How fast you promise to answer and to solve."), "clock", "tickets:settings_sla", 32,
    Permission.SETTINGS_MANAGE,
    group="rules",
)  # fmt: skip
registry.register_settings_page(
    "blocked", _("Block list"), _("Senders whose forms and mails go to spam."), "ban", "tickets:settings_blocked", 33,
    Permission.TICKET_BLOCK,
    group="work",
)  # fmt: skip


def _may_see_viewers(staff: Staff, ticket_id: int | None) -> bool:
    if ticket_id is None or not staff.may(Permission.TICKET_VIEW):
        return False
    return tickets_visible_to(staff).filter(pk=ticket_id).exists()


registry.register_live_group("viewers", _may_see_viewers)

from tickets import sla_registrations  # noqa: E402, F401 - the clocks' own entries
