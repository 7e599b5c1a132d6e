"""Outgoing webhooks for tests."""

from typing import Any

from django.utils import timezone

from accounts.models import Staff
from core.actors import Actor
from core.jobs import drain
from notifications.models import Webhook
from notifications.services.webhook_feed import feed_webhooks
from notifications.services.webhook_sending import owe_due_webhooks
from notifications.services.webhooks import WebhookDraft, create_webhook
from tests.factories.accounts import make_staff

KINDS = ("order.placed", "order.paid", "parcel.delivered", "ticket.opened")


def make_webhook(
    url: str = "https://erp.example/hook", *, owner: Staff | None = None, **fields: Any
) -> tuple[Webhook, str]:
    """Make a subscription; returns it and its secret."""
    feed_webhooks(at=timezone.now())  # the log is read from here on, as in a product that runs
    draft = WebhookDraft(
        fields.pop("name", "ERP"), url, tuple(fields.pop("kinds", KINDS)), tuple(fields.pop("shop_ids", ()))
    )
    return create_webhook(
        draft=draft, actor=Actor.staff(owner or make_staff(roles=["admin"])), at=fields.pop("at", timezone.now())
    )


def tick() -> None:
    """Do what one tick of the running product does for webhooks, and the work it owes."""
    feed_webhooks(at=timezone.now())
    owe_due_webhooks(now=timezone.now())
    drain(seconds=20)
