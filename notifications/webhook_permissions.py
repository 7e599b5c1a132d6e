"""The door to outgoing webhooks: the settings permission; who serves some shops only steers webhooks of those alone."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Staff
from accounts.permissions import shop_scope
from core.errors import NotFound
from notifications.models import Webhook, WebhookSent


def webhooks_visible_to(staff: Staff) -> QuerySet[Webhook]:
    """Return the subscriptions this person may see."""
    rows, shops = Webhook.objects.order_by("name", "pk"), shop_scope(staff)
    return rows if shops is None else rows.filter(shop_ids__contained_by=shops).exclude(shop_ids=[])


def get_webhook_for(staff: Staff, webhook_id: int) -> Webhook:
    """Return a subscription this person may see. Raises NotFound."""
    webhook = webhooks_visible_to(staff).select_related("owner").filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound
    return webhook


def get_sent_for(staff: Staff, sent_id: int) -> WebhookSent:
    """Return a message of a subscription this person may see. Raises NotFound."""
    rows = WebhookSent.objects.select_related("webhook").filter(webhook__in=webhooks_visible_to(staff).order_by())
    sent = rows.filter(pk=sent_id).first()
    if sent is None:
        raise NotFound
    return sent
