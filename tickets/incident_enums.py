"""States of what is told to an incident's customers, and why somebody cannot be told."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class UpdateState(models.TextChoices):
    """The life of an update; the draft is the prepared answer of the incident."""

    DRAFT = "draft", pgettext_lazy("update", "Draft")
    SENDING = "sending", pgettext_lazy("update", "Going out")
    PAUSED = "paused", pgettext_lazy("update", "Paused")
    SENT = "sent", pgettext_lazy("update", "Sent")
    CANCELLED = "cancelled", pgettext_lazy("update", "Stopped")


UPDATE_TRANSITIONS: dict[str, frozenset[str]] = {
    UpdateState.DRAFT: frozenset({"sending"}),
    UpdateState.SENDING: frozenset({"paused", "sent", "cancelled"}),
    UpdateState.PAUSED: frozenset({"sending", "cancelled"}),
    UpdateState.SENT: frozenset({"sending"}),  # customers who were found later get the newest one too
    UpdateState.CANCELLED: frozenset(),
}
GOING_OUT = (UpdateState.SENDING, UpdateState.PAUSED)
PUBLISHED = (UpdateState.SENDING, UpdateState.PAUSED, UpdateState.SENT)


class NoticeState(models.TextChoices):
    """What became of one customer's copy of an update."""

    WAITING = "waiting", pgettext_lazy("notice", "Waiting")
    TOLD = "told", pgettext_lazy("notice", "Told")
    UNREACHABLE = "unreachable", pgettext_lazy("notice", "Not reachable")
    FAILED = "failed", pgettext_lazy("notice", "Failed")
    DROPPED = "dropped", pgettext_lazy("notice", "Left out")


class NoticeChannel(models.TextChoices):
    """How a customer was told: in an open conversation, or by a mail of its own."""

    TICKET = "ticket", pgettext_lazy("notice", "In the open conversation")
    EMAIL = "email", pgettext_lazy("notice", "By mail")


class Reason(models.TextChoices):
    """Why a customer was not told."""

    NO_ADDRESS = "no_address", _("No mail address and no open conversation")
    ADDRESS_REFUSED = "bounce", _("Mail to this address comes back")
    COMPLAINED = "complaint", _("Has marked our mail as spam")
    UNSUBSCRIBED = "unsubscribe", _("Has unsubscribed from all mail")
    ERASED = "erased", _("The customer's data is erased")
    TAKEN_OUT = "taken_out", _("No order of theirs is affected any more")
    CANCELLED = "cancelled", _("The update was stopped before")
    REFUSED = "refused", _("The message could not be written")


class LinkedHow(models.TextChoices):
    """How a ticket came to an incident."""

    FOUND = "found", pgettext_lazy("linked", "Was open when the order was attached")
    OPENED = "opened", pgettext_lazy("linked", "Opened while the incident was under way")
