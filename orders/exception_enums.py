"""Kinds and states of parcel exceptions, and which step may follow which."""

from django.db import models
from django.utils.translation import pgettext_lazy


class ExceptionKind(models.TextChoices):
    """What is wrong with a parcel."""

    NO_PICKUP = "no_pickup", pgettext_lazy("parcel exception", "Not collected")
    STALLED = "stalled", pgettext_lazy("parcel exception", "Stalled")
    UNCLAIMED = "unclaimed", pgettext_lazy("parcel exception", "Waiting at the pickup point")
    DELAY = "delay", pgettext_lazy("parcel exception", "Will be late")
    ADDRESS = "address", pgettext_lazy("parcel exception", "Address or contact")
    DAMAGED = "damaged", pgettext_lazy("parcel exception", "Damaged")
    PROBLEM = "problem", pgettext_lazy("parcel exception", "Problem at the carrier")
    REFUSED = "refused", pgettext_lazy("parcel exception", "Refused")
    RETURNED = "returned", pgettext_lazy("parcel exception", "Coming back")
    LOST = "lost", pgettext_lazy("parcel exception", "Lost")


SILENT = (ExceptionKind.NO_PICKUP, ExceptionKind.STALLED, ExceptionKind.UNCLAIMED)
"""Nothing was heard for longer than the lane knows: over as soon as something is."""

BY_HAND = (ExceptionKind.DAMAGED,)
"""Not over because the parcel arrived: somebody looks."""


class ExceptionState(models.TextChoices):
    """The life of an exception."""

    OPEN = "open", pgettext_lazy("parcel exception", "Open")
    WORKING = "working", pgettext_lazy("parcel exception", "Being worked on")
    CLOSED = "closed", pgettext_lazy("parcel exception", "Closed")


EXCEPTION_TRANSITIONS: dict[str, frozenset[str]] = {
    ExceptionState.OPEN: frozenset({"working", "closed"}),
    ExceptionState.WORKING: frozenset({"closed"}),
    ExceptionState.CLOSED: frozenset(),
}
EXCEPTION_OPEN = (ExceptionState.OPEN, ExceptionState.WORKING)


class CloseReason(models.TextChoices):
    """Why an exception is over. The first three are found out, the others said by who worked on it."""

    MOVED = "moved", pgettext_lazy("parcel exception", "The parcel moves again")
    ARRIVED = "arrived", pgettext_lazy("parcel exception", "The parcel arrived")
    WITHDRAWN = "withdrawn", pgettext_lazy("parcel exception", "No longer the case")
    SOLVED = "solved", pgettext_lazy("parcel exception", "Solved with the carrier")
    RESENT = "resent", pgettext_lazy("parcel exception", "Sent again")
    REFUNDED = "refunded", pgettext_lazy("parcel exception", "Refunded")
    MISTAKEN = "mistaken", pgettext_lazy("parcel exception", "Nothing was wrong")


SAID = (CloseReason.SOLVED, CloseReason.RESENT, CloseReason.REFUNDED, CloseReason.MISTAKEN)
