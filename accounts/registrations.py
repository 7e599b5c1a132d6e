from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.services.presence import touch_presence
from core import registry

registry.register_settings_page(
    "staff", _("Staff"), _("Who works here, what they may do, and who is invited."), "users", "accounts:staff", 10,
    Permission.STAFF_VIEW,
    group="people",
)  # fmt: skip
registry.register_settings_page(
    "teams", _("Teams"), _("Who works together, and for which shops."), "users-group", "accounts:teams", 11,
    Permission.STAFF_VIEW,
    group="people",
)  # fmt: skip
registry.register_settings_page(
    "api_keys", _("API keys"), _("Ways in for your own systems, each with its own rights."), "key", "accounts:api_keys",
    80, Permission.API_MANAGE,
    group="guard",
)  # fmt: skip
registry.register_settings_page(
    "access_log", _("Access log"), _("Who looked at which customer's personal data, and why."), "shield-lock",
    "accounts:access_log", 85, Permission.ACCESS_LOG_VIEW,
    group="guard",
)  # fmt: skip

registry.register_command(
    "profile", _("My account"), "user-circle", "accounts:profile", keywords="profile account password 2fa"
)
registry.register_command(
    "staff", _("Staff"), "users", "accounts:staff", Permission.STAFF_VIEW, keywords="team people roles"
)
registry.register_command("invite", _("Invite somebody"), "user-plus", "accounts:invite", Permission.STAFF_MANAGE)
registry.register_command(
    "access_log", _("Access log"), "shield-lock", "accounts:access_log", Permission.ACCESS_LOG_VIEW
)


def _own(staff: Staff, staff_id: int | None) -> bool:
    return staff_id == staff.pk


def _anyone_at_the_desk(staff: Staff, _id: int | None) -> bool:
    return staff.may(Permission.DESK_USE)


registry.register_live_group("staff", _own)
registry.register_live_group("presence", _anyone_at_the_desk)


def _heard(staff_id: int) -> None:
    touch_presence(staff_id=staff_id, at=timezone.now())


registry.register_console("presence", _heard)
