"""What migrations add to the shell: their settings page, their live group, their jobs and events."""

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from core import registry
from tickets import migration_events, migration_jobs  # noqa: F401 - declared with the app


def _may_hear(staff: Staff, migration_id: int | None) -> bool:
    return migration_id is not None and staff.may(Permission.SYSTEM_MANAGE)


registry.register_live_group("migration", _may_hear)
registry.register_settings_page(
    "migration", _("Move in from another desk"), _("Bring tickets, messages and customers from a Zendesk export."),
    "file-import", "tickets:migrations", 60, Permission.SYSTEM_MANAGE, group="more",
)  # fmt: skip
