"""What phone calls add to the product: rail, settings, story, live group, reveal, erasure, jobs."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.enums import Permission
from accounts.models import Staff
from accounts.reveal import register_reveal
from core import registry
from tickets import calls_events, calls_jobs  # noqa: F401 - declared with the app
from tickets.calls_permissions import get_call_for, may_hear_calls
from tickets.calls_story import render_call_events
from tickets.models import Call
from tickets.services.calls.erasing import erase_calls

registry.register_nav("calls", _("Calls"), "phone", "tickets:calls", 18, Permission.TICKET_VIEW, "g p")
registry.register_command(
    "calls", _("Calls and call-backs"), "phone", "tickets:calls", Permission.TICKET_VIEW,
    keywords="phone telephone call back dianhua hujiao 电话 呼叫 回电",
)  # fmt: skip
registry.register_settings_page(
    "phone", pgettext_lazy("call", "Phone"),
    _("Lines, the menu callers hear, extensions, and how a PBX connects."), "phone",
    "tickets:settings_phone", 35, Permission.SETTINGS_MANAGE, group="words",
)  # fmt: skip
registry.register_panel("context", "ticket", "calls", _("Calls"), "tickets:ticket_calls", 46, Permission.TICKET_VIEW)
registry.register_panel(
    "customer", "customer", "calls", _("Calls"), "tickets:customer_calls", 12, Permission.TICKET_VIEW
)
registry.register_story("call.", render_call_events)
registry.register_live_group("calls", may_hear_calls)
# Named so that it sorts before the customers' own: their identities say which numbers were theirs, and go after.
registry.register_erasure("calls", erase_calls)


def _number(call_id: int) -> str | None:
    call = Call.objects.filter(pk=call_id).first()
    return call.number or None if call else None


def _door(staff: Staff, call_id: int) -> object:
    return get_call_for(staff, call_id)


register_reveal("call", "phone", _number, _door)
