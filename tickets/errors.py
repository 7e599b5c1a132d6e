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


class TicketMerged(Conflict):
    """The ticket was joined into another; what is written belongs there."""

    code = "ticket_merged"
    message = _("This ticket was joined with another one. Open that one to go on; nothing you typed is lost.")


class CannotMerge(Conflict):
    """These two cannot become one conversation."""

    code = "cannot_merge"
    message = _("These tickets cannot be joined.")


class CannotUnmerge(Conflict):
    """Something was built on the joined conversation."""

    code = "cannot_unmerge"
    message = _("Somebody has written here since the tickets were joined. Split the messages off instead.")


class NothingToUndo(Conflict):
    """The time to take it back is over, or it was taken back already."""

    code = "nothing_to_undo"
    message = _("This can no longer be undone.")


class FieldsMissing(InvalidInput):
    """A required field of the category is empty; `fields` names them as field_<id>."""

    code = "fields_missing"
    message = _("Something is still missing before this ticket can be resolved.")


class AlreadyGone(Conflict):
    """An answer to be taken back or changed has gone out, or is taken back already."""

    code = "already_gone"
    message = _("It has gone out already.")


class NothingWaits(Conflict):
    """No ticket waits that this agent could take."""

    code = "nothing_waits"
    message = _("Nothing waits for you just now.")


class NoRoomLeft(Conflict):
    """An agent has as many tickets in work as she may."""

    code = "no_room_left"
    message = _("You have as many tickets in work as you may. Finish one first, then take the next.")


class OffShift(Conflict):
    """An agent who is off shift asked for work."""

    code = "off_shift"
    message = _("You are off shift. Set your status to online, then take the next ticket.")


class WorkMovedOn(Conflict):
    """Tickets came or went while a hand-over was being written."""

    code = "work_moved_on"
    message = _("Your tickets changed just now. Look at the list once more, then hand over.")
