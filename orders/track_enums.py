"""How customers look for a parcel, and what came of it."""

from django.db import models
from django.utils.translation import pgettext_lazy


class LookupWay(models.TextChoices):
    """What the customer had in hand."""

    LINK = "link", pgettext_lazy("lookup", "The link from a message")
    NUMBER = "number", pgettext_lazy("lookup", "Order number and phone")


class LookupOutcome(models.TextChoices):
    """What a look-up came to; the customer never hears which of the failures it was."""

    FOUND = "found", pgettext_lazy("lookup", "Found")
    MALFORMED = "malformed", pgettext_lazy("lookup", "Not a number at all")
    UNKNOWN_NUMBER = "unknown_number", pgettext_lazy("lookup", "No such order")
    OTHER_PHONE = "other_phone", pgettext_lazy("lookup", "Another phone")
    NO_PHONE = "no_phone", pgettext_lazy("lookup", "The shop told no phone")
    UNKNOWN_LINK = "unknown_link", pgettext_lazy("lookup", "Not a link of ours")
    DEAD_LINK = "dead_link", pgettext_lazy("lookup", "Link too old or withdrawn")
    LIMITED = "limited", pgettext_lazy("lookup", "Too many tries")
