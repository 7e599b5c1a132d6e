"""Outgoing webhooks for tests."""

from typing import Any

from django.utils import timezone

from accounts.models import Staff
from core.actors import Actor
from core.jobs import drain
from notifications.models import Webhook, WebhookSent, WebhookTry
from notifications.services.webhook_feed import feed_webhooks, new_message_id
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


def make_sent(webhook: Webhook, state: str = "failed", event_id: int = 4711) -> WebhookSent:
    """Make a message with one failed try."""
    now = timezone.now()
    times: dict[str, Any] = {"next_try_at": now} if state == "queued" else {"done_at": now}
    sent = WebhookSent.objects.create(
        webhook=webhook, message_id=new_message_id(), event_id=event_id, kind="order.placed", state=state,
        body='{"type":"order.placed","note":"<script>alert(1)</script>"}', queued_at=now, **times,
    )  # fmt: skip
    WebhookTry.objects.create(
        sent=sent, number=1, at=now, milliseconds=12, status=500, code="500", request_head="webhook-id: x",
        answer_head="<img src=x onerror=alert(1)>",
    )  # fmt: skip
    return sent
