"""What the core adds to the shell."""

from django.utils.translation import gettext_lazy as _

import core.calendar.registrations  # noqa: F401 - its settings pages
from core import upkeep  # noqa: F401 - registers the periodic jobs
from core.registry import register_command, register_live_group, register_nav

register_nav("settings", _("Settings"), "settings", "core:settings", 90, permission="desk.use", shortcut="g s")
register_nav("system", _("System"), "server", "core:system", 95, permission="system.view", shortcut="g y")
register_command("settings", _("Open settings"), "settings", "core:settings", permission="desk.use")
register_command("system", _("Open the system page"), "server", "core:system", permission="system.view")
register_live_group("system", lambda staff, number: number is None and staff.may("system.view"))
