"""Switch a subscription off that has failed too long, and tell the people who care for it."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from accounts.enums import Permission
from accounts.selectors import staff_with
from accounts.services.notices import notify
from core.actors import SYSTEM
from core.events import Code, record
from core.live import announce
from notifications.models import Webhook, WebhookSent
from notifications.webhook_enums import WEBHOOK_MOVES, WebhookSentState, WebhookState
from notifications.webhook_events import WebhookStopped

NOTICE = "webhook.disabled"
MOST_TOLD = 20


def stop_webhook(webhook: Webhook, *, cause: str, at: datetime) -> None:
    """Switch a locked subscription off and give up what waits for it; its owner and the admins get a notice.

    Part of the caller's transaction. What was given up can be replayed by hand for a month.
    """
    assert WebhookState.DISABLED in WEBHOOK_MOVES[webhook.state]
    webhook.state = WebhookState.DISABLED
    webhook.version += 1
    webhook.save(update_fields=["state", "version"])
    WebhookSent.objects.filter(webhook=webhook, state=WebhookSentState.QUEUED).update(
        state=WebhookSentState.FAILED, last_code="disabled", next_try_at=None, held_until=None, done_at=at
    )
    stopped = WebhookStopped(Code(cause), webhook.failures)
    record("webhook.disabled", subject=webhook, actor=SYSTEM, at=at, data=stopped)
    url = reverse("notifications:webhook", args=[webhook.pk])
    admins = staff_with(Permission.API_MANAGE).order_by("pk").values_list("pk", flat=True)[:MOST_TOLD]
    for staff_id in sorted({webhook.owner_id, *admins}):
        notify(staff_id=staff_id, kind=NOTICE, params={"webhook_id": webhook.pk}, url=url, at=at)
    announce("webhooks", "webhook", webhook.pk, webhook.version)
