"""States of what is asked of carriers and of what they tell, and which step may follow which."""

from django.db import models
from django.utils.translation import pgettext_lazy


class TrackingState(models.TextChoices):
    """How far a number is followed at the provider."""

    WAITING = "waiting", pgettext_lazy("tracking", "To be subscribed")
    SUBSCRIBED = "subscribed", pgettext_lazy("tracking", "Followed")
    REFUSED = "refused", pgettext_lazy("tracking", "Refused by the provider")
    ENDED = "ended", pgettext_lazy("tracking", "Ended")


TRACKING_TRANSITIONS: dict[str, frozenset[str]] = {
    TrackingState.WAITING: frozenset({"subscribed", "refused", "ended"}),
    TrackingState.SUBSCRIBED: frozenset({"waiting", "refused", "ended"}),
    TrackingState.REFUSED: frozenset({"waiting", "ended"}),
    TrackingState.ENDED: frozenset({"waiting"}),
}
"""Subscribed goes back to waiting when the provider gave up or took another company; a person begins refused anew."""

TRACKING_LIVE = (TrackingState.WAITING, TrackingState.SUBSCRIBED)


class PushState(models.TextChoices):
    """What became of a provider's push."""

    STORED = "stored", pgettext_lazy("push", "Received")
    WAITING = "waiting", pgettext_lazy("push", "Waiting for its parcel")
    APPLIED = "applied", pgettext_lazy("push", "Applied")
    REFUSED = "refused", pgettext_lazy("push", "Refused")


PUSH_TRANSITIONS: dict[str, frozenset[str]] = {
    PushState.STORED: frozenset({"applied", "refused", "waiting"}),
    PushState.WAITING: frozenset({"stored", "refused"}),
    PushState.APPLIED: frozenset({"stored"}),
    PushState.REFUSED: frozenset({"stored"}),
}
"""From waiting back to stored when its parcel appears, from the others by hand only: it is applied once more, and every
scan it names is there once all the same."""
