"""What outgoing webhooks add to the shell: their settings page, a command, how their notice reads, a live group."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from notifications import webhook_events, webhook_jobs  # noqa: F401 - declared there
from notifications.services.webhook_stopping import NOTICE

registry.register_settings_page(
    "webhooks", _("Outgoing webhooks"), _("Tell your own systems at once what happens to orders, parcels and tickets."),
    "plug-connected", "notifications:webhooks", 62, Permission.SETTINGS_MANAGE,
    group="guard",
)  # fmt: skip
registry.register_command(
    "webhooks", _("Outgoing webhooks"), "plug-connected", "notifications:webhooks", Permission.SETTINGS_MANAGE,
    keywords="webhook api huidiao tuisong",
)  # fmt: skip


def _disabled(params: dict[str, Any]) -> NoticeWords:
    words = gettext("An outgoing webhook was switched off: its receiver took nothing for too long.")
    return NoticeWords("plug-connected-x", words, "bad")


def _may_hear(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.SETTINGS_MANAGE)


register_notice(NOTICE, _disabled)
registry.register_live_group("webhooks", _may_hear)
