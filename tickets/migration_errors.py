"""Named states of migrations, and the words for parts of a file that were refused."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, DomainError, Text


class MigrationRefused(DomainError):
    """A file that is no export we can read."""

    code, http_status = "migration_refused", 422
    message = _("This is not an export we can read.")


class MigrationBusy(Conflict):
    """The migration is in another state by now."""

    code = "migration_busy"
    message = _("This migration has moved on meanwhile. Look at it again.")


FAULTS: dict[str, Text] = {
    "too_large": _("larger than 8 MB"),
    "too_deep": _("nested too deeply"),
    "encoding": _("not in UTF-8"),
    "not_json": _("not whole JSON"),
    "cut_off": _("the file ends in the middle"),
    "damaged_row": _("damaged row of the table"),
    "unknown_shape": _("neither a ticket nor a user"),
    "no_id": _("without a number"),
    "no_time": _("without the time it was opened"),
    "bad_time": _("a time that cannot be read"),
    "bad_comments": _("comments that cannot be read"),
    "too_many_comments": _("more than 5,000 comments"),
    "no_words": _("nothing was said in it"),
    "deleted": _("deleted on the other desk"),
    "refused": _("could not be stored"),
}
