"""What routing adds to the shell: its settings page, who is asked before leaving, what a coming means."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.availability import ask_before_leaving, watch_presence
from accounts.enums import Permission
from accounts.models import Staff
from core import registry
from tickets import routing_events  # noqa: F401 - declared with the app
from tickets.enums import ACTIVE_STATUSES
from tickets.models import Ticket
from tickets.services.routing.coming import watch_coming

watch_presence(watch_coming)


def _hand_over_first(staff: Staff) -> str | None:
    """Send whoever goes off shift with open tickets to the hand-over first."""
    held = Ticket.objects.filter(assignee_id=staff.pk, status__in=ACTIVE_STATUSES, merged_into__isnull=True)
    return reverse("tickets:hand_over") if held.exists() else None


ask_before_leaving(_hand_over_first)


registry.register_settings_page(
    "routing", _("Routing"), _("How tickets find their agent: by hand or handed out, skills, limits."), "route",
    "tickets:settings_routing", 34, Permission.SETTINGS_MANAGE,
    group="rules",
)  # fmt: skip
registry.register_command(
    "next_ticket", _("Take the next ticket"), "player-skip-forward", "tickets:next", Permission.TICKET_REPLY,
    method="post", keywords="next claim queue 下一个 领取",
)  # fmt: skip
registry.register_command(
    "hand_over", _("Hand over and go off shift"), "door-exit", "tickets:hand_over", Permission.TICKET_REPLY,
    keywords="shift leave 交接 下班",
)  # fmt: skip
registry.register_panel(
    "customer", "customer", "dedicated_agent", _("Dedicated agent"), "tickets:dedicated_agent", 5,
    Permission.CUSTOMER_VIEW,
)  # fmt: skip
