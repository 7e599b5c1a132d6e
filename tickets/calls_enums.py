"""States, results and words of phone calls."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CallDirection(models.TextChoices):
    """Who called whom."""

    IN = "in", pgettext_lazy("call", "Incoming")
    OUT = "out", pgettext_lazy("call", "Outgoing")


class CallState(models.TextChoices):
    """How far a call has come; see CALL_RANK."""

    ASKED = "asked", pgettext_lazy("call", "Being dialled")
    RINGING = "ringing", pgettext_lazy("call", "Ringing")
    ANSWERED = "answered", pgettext_lazy("call", "In conversation")
    ENDED = "ended", pgettext_lazy("call", "Ended")


CALL_RANK: dict[str, int] = {
    CallState.ASKED: 0,
    CallState.RINGING: 1,
    CallState.ANSWERED: 2,
    CallState.ENDED: 3,
}
"""A call only ever moves up: what arrives late adds its facts and never takes a call back."""
LIVE_STATES = (CallState.ASKED, CallState.RINGING, CallState.ANSWERED)


class CallResult(models.TextChoices):
    """How a call ended; empty while it has not."""

    ANSWERED = "answered", pgettext_lazy("call", "Answered")
    MISSED = "missed", pgettext_lazy("call", "Nobody answered")
    ABANDONED = "abandoned", pgettext_lazy("call", "Caller hung up")
    BUSY = "busy", pgettext_lazy("call", "Engaged")
    FAILED = "failed", pgettext_lazy("call", "Did not get through")


TO_CALL_BACK = (CallResult.MISSED, CallResult.ABANDONED, CallResult.BUSY, CallResult.FAILED)


class PhoneEventType(models.TextChoices):
    """What a PBX tells."""

    RINGING = "ringing", pgettext_lazy("call", "Ringing")
    ANSWERED = "answered", pgettext_lazy("call", "Answered")
    ENDED = "ended", pgettext_lazy("call", "Ended")
    RECORDING = "recording", _("Recording")
    IVR = "ivr", _("Menu choices")


class PhoneEventState(models.TextChoices):
    """What became of a message of a PBX."""

    STORED = "stored", _("Received")
    APPLIED = "applied", _("Applied")
    REFUSED = "refused", _("Set aside")


class Disposition(models.TextChoices):
    """What came of a conversation."""

    SOLVED = "solved", pgettext_lazy("call", "Settled on the phone")
    FOLLOW_UP = "follow_up", pgettext_lazy("call", "We owe something")
    PASSED_ON = "passed_on", pgettext_lazy("call", "Passed on")
    CALL_BACK = "call_back", pgettext_lazy("call", "Call back later")
    WRONG_NUMBER = "wrong_number", pgettext_lazy("call", "Wrong number")
    CUT_OFF = "cut_off", pgettext_lazy("call", "Cut off")
    NUISANCE = "nuisance", pgettext_lazy("call", "Nuisance call")


class CallBackReason(models.TextChoices):
    """Why somebody is called back."""

    MISSED = "missed", pgettext_lazy("call back", "Nobody answered")
    ABANDONED = "abandoned", pgettext_lazy("call back", "Hung up while waiting")
    ASKED = "asked", pgettext_lazy("call back", "Agreed in a call")
    MENU = "menu", pgettext_lazy("call back", "Chosen in the menu")


class CallBackState(models.TextChoices):
    """Where a call-back stands."""

    OPEN = "open", pgettext_lazy("call back", "Nobody has it")
    CLAIMED = "claimed", pgettext_lazy("call back", "In hand")
    SOLVED = "solved", pgettext_lazy("call back", "Done")


class CallBackEnd(models.TextChoices):
    """Why a call-back is done."""

    REACHED = "reached", pgettext_lazy("call back", "Spoken to")
    WRITTEN = "written", pgettext_lazy("call back", "Settled in writing")
    UNREACHABLE = "unreachable", pgettext_lazy("call back", "Cannot be reached")
    WRONG_NUMBER = "wrong_number", pgettext_lazy("call back", "Wrong number")
    NOT_NEEDED = "not_needed", pgettext_lazy("call back", "No longer needed")


class Strategy(models.TextChoices):
    """In which order the phones of a team ring."""

    LONGEST_IDLE = "longest_idle", _("Whoever has been free longest")
    ALL = "ring_all", _("All at once")
    IN_ORDER = "in_order", _("In the order of extensions")


class OptionKind(models.TextChoices):
    """Where a key of the menu leads."""

    TEAM = "team", _("To a team")
    MENU = "menu", _("To a submenu")
    MESSAGE = "message", _("To an announcement")
    CALL_BACK = "call_back", _("To a call-back")
