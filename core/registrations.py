"""What the core adds to the shell."""

import core.calendar.registrations
from core import upkeep  # noqa: F401 - registers the periodic jobs
