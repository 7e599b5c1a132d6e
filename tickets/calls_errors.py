"""Named states of phone calls."""

from django.utils.translation import gettext_lazy as _

from core.errors import Conflict, DomainError


class BadCallMessage(DomainError):
    """A signed message of a PBX cannot be understood; `code` says why, the sentence helps whoever connects it."""

    code, http_status = "bad_message", 400
    message = _("The message cannot be understood. The page about the phone webhook says what it must hold.")


class EventIdTaken(Conflict):
    """Another message with this id was stored before."""

    code = "event_id_taken"
    message = _("Another message had this id. Every message needs an id of its own.")


class CallMovedOn(Conflict):
    """The call is no longer where the page thought it was."""

    code = "call_moved_on"
    message = _("The call has moved on meanwhile. Look at what is there now.")


class CallBackTaken(Conflict):
    """A colleague has this call-back in hand."""

    code = "call_back_taken"
    message = _("A colleague has this call-back in hand already.")


class AlreadyDialling(Conflict):
    """A call this person asked for is being set up; a second press of the button is no second call."""

    code = "already_dialling"
    message = _("Your call is being set up already. Pick up your phone when it rings.")


class CannotDial(Conflict):
    """There is no way to have the PBX call."""

    code = "cannot_dial"
    message = _("This number cannot be called from here.")
