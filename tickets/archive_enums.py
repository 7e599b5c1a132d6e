"""States and formats of archives people take out."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ArchiveState(models.TextChoices):
    """The life of an archive."""

    WRITING = "writing", _("Being written")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


ARCHIVE_TRANSITIONS: dict[str, frozenset[str]] = {
    ArchiveState.WRITING: frozenset({"ready", "failed", "cancelled", "expired"}),
    ArchiveState.READY: frozenset({"cancelled", "expired"}),
    ArchiveState.FAILED: frozenset(),
    ArchiveState.CANCELLED: frozenset(),
    ArchiveState.EXPIRED: frozenset(),
}


class ArchiveFormat(models.TextChoices):
    """How the tables of an archive are written."""

    CSV = "csv", _("Tables (CSV, opens in Excel)")
    JSON = "json", _("Lines of JSON, for programs")
