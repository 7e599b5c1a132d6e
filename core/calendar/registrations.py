"""What the calendar adds: its events and jobs, its settings pages."""

from django.utils.translation import gettext_lazy as _

from core import registry
from core.calendar import events, jobs  # noqa: F401 - declares the event kind and the periodic job

registry.register_settings_page(
    "calendars",
    _("Business hours"),
    _("When clocks run: weekly hours, single dates, public holidays."),
    "calendar",
    "core:calendars",
    20,
    "settings.manage",
    group="rules",
)
registry.register_settings_page(
    "holidays",
    _("Public holidays"),
    _("Days off and make-up working days, announced or estimated, and your own."),
    "calendar-event",
    "core:holidays",
    21,
    "settings.manage",
    group="rules",
)
registry.register_command(
    "calendars", _("Business hours"), "calendar", "core:calendars", "settings.manage", keywords="calendar SLA hours"
)
