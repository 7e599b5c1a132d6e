"""States of a migration from another desk, and what a value there may become here."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class MigrationState(models.TextChoices):
    """The life of a migration."""

    CHECKING = "checking", _("Checking")
    CHECKED = "checked", _("Checked")
    RUNNING = "running", _("Importing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


MIGRATION_TRANSITIONS: dict[str, frozenset[str]] = {
    MigrationState.CHECKING: frozenset({"checked", "failed", "cancelled"}),
    MigrationState.CHECKED: frozenset({"running", "cancelled"}),
    MigrationState.RUNNING: frozenset({"done", "failed", "cancelled"}),
    MigrationState.DONE: frozenset(),
    MigrationState.FAILED: frozenset({"cancelled"}),
    MigrationState.CANCELLED: frozenset(),
}
