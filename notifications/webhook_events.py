"""Events about outgoing webhooks: which settings changed, when one was switched off."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class WebhookSaved:
    """Which settings of a subscription changed."""

    fields: tuple[Code, ...] = ()


@dataclass(frozen=True)
class WebhookStopped:
    """Why a subscription was switched off, after how many failures in a row."""

    cause: Code
    failures: int


declare("webhook.added", WebhookSaved)
declare("webhook.changed", WebhookSaved)
declare("webhook.secret_rotated")
declare("webhook.paused")
declare("webhook.resumed")
declare("webhook.disabled", WebhookStopped)
declare("webhook.deleted")
