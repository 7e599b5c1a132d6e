"""States of outgoing webhooks, and which step may follow which."""

from datetime import timedelta

from django.db import models
from django.utils.translation import pgettext_lazy


class WebhookState(models.TextChoices):
    """Whether a subscription gets messages."""

    ACTIVE = "active", pgettext_lazy("webhook", "On")
    PAUSED = "paused", pgettext_lazy("webhook", "Paused")
    DISABLED = "disabled", pgettext_lazy("webhook", "Switched off after failures")


WEBHOOK_MOVES: dict[str, frozenset[str]] = {
    WebhookState.ACTIVE: frozenset({WebhookState.PAUSED, WebhookState.DISABLED}),
    WebhookState.PAUSED: frozenset({WebhookState.ACTIVE}),
    WebhookState.DISABLED: frozenset({WebhookState.ACTIVE, WebhookState.PAUSED}),
}


class WebhookSentState(models.TextChoices):
    """How far one message to one subscription has come."""

    QUEUED = "queued", pgettext_lazy("webhook message", "Waiting")
    SENT = "sent", pgettext_lazy("webhook message", "Taken")
    FAILED = "failed", pgettext_lazy("webhook message", "Given up")


WEBHOOK_SENT_MOVES: dict[str, frozenset[str]] = {
    WebhookSentState.QUEUED: frozenset({WebhookSentState.SENT, WebhookSentState.FAILED}),
    WebhookSentState.SENT: frozenset({WebhookSentState.QUEUED}),
    WebhookSentState.FAILED: frozenset({WebhookSentState.QUEUED}),
}
"""Back to queued by hand only: a replay, with the same id."""

PING = "webhook.ping"

RETRIES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 72_000)
)
"""How long to wait after each failed try: ten tries within three days."""

GIVE_UP = timedelta(days=3)
"""A message is not tried longer than this, and a receiver that took nothing for so long is switched off."""

RESTS = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 300, 600))
"""How long a receiver is left alone after so many failures in a row, whatever waits for it."""
