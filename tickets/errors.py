"""Named states of the tickets app."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, InvalidInput, StaleEdit, TooLarge, Unavailable


class AlreadyTaken(Conflict):
    """A colleague took the ticket first."""

    code = "ticket_taken"
    message = _("A colleague has taken this ticket already.")


class SeenTooLittle(StaleEdit):
    """Something happened in the ticket since the composer was opened."""

    code = "ticket_moved_on"
    message = _("Something happened here while you were writing. Your text is kept; look at it, then send again.")


class ClientIdTaken(Conflict):
    """The client id names another message of this ticket."""

    code = "client_id_taken"
    message = _("This message was sent before with other content. Load the page again.")


class FileRefused(InvalidInput):
    """A file of a kind we do not take."""

    code = "file_refused"
    message = _("We cannot take this kind of file. Photos, PDF, Office documents, text, MP4 video and ZIP are fine.")


class FileTooLarge(TooLarge):
    """A file above the limit."""

    code = "file_too_large"
    message = _("This file is too large.")


class NoRoom(Unavailable):
    """The store is full or the quota used up."""

    code = "no_room"
    message = _("There is no room for files just now. Your text is safe; please send it without the file.")


class StoreAway(Unavailable):
    """The store of files cannot be reached; unlike a full one it comes back by itself."""

    code = "store_away"
    message = _("Files cannot be stored or opened just now. Nothing is lost; please try again in a few minutes.")
