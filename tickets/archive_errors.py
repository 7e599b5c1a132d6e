"""Named states of archives."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, Expired


class ArchiveBusy(Conflict):
    """Another archive of this person is being written, or this one has moved on."""

    code = "archive_busy"
    message = _("Another archive of yours is being written. Wait until it is ready, or call it off.")


class ArchiveGone(Expired):
    """The archive or its link is over."""

    code = "archive_gone"
    message = _("This archive is no longer kept. Ask for a new one.")
