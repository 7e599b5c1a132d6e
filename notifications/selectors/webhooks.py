"""Reads of outgoing webhooks used by services and pages."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet

from core.errors import Text
from notifications.models import Webhook, WebhookSent
from notifications.webhook_enums import WebhookSentState, WebhookState
from notifications.webhook_kinds import WEBHOOK_KINDS


class Hearing(NamedTuple):
    """Who hears of what, since when."""

    webhook_id: int
    kinds: frozenset[str]
    shop_ids: frozenset[int]
    since: datetime

    def wants(self, kind: str, shop_id: int | None, recorded_at: datetime) -> bool:
        """Tell whether an event is for this subscription. One of no shop goes to those that hear all shops."""
        is_shop = not self.shop_ids or shop_id in self.shop_ids
        return is_shop and kind in self.kinds and recorded_at >= self.since


def hearing_webhooks() -> list[Hearing]:
    """Return the subscriptions that are on."""
    rows = Webhook.objects.filter(state=WebhookState.ACTIVE).order_by("pk")
    return [Hearing(row.pk, frozenset(row.kinds), frozenset(row.shop_ids), row.active_since) for row in rows]


def due_webhooks(at: datetime) -> QuerySet[Webhook]:
    """Return the subscriptions that are on, do not rest, and have a message to be sent now."""
    due = WebhookSent.objects.filter(
        Q(held_until__isnull=True) | Q(held_until__lte=at),
        webhook=OuterRef("pk"),
        state=WebhookSentState.QUEUED,
        next_try_at__lte=at,
    )
    rows = Webhook.objects.filter(Q(rest_until__isnull=True) | Q(rest_until__lte=at), state=WebhookState.ACTIVE)
    return rows.filter(Exists(due)).order_by("pk")


def kind_choices() -> list[tuple[Text, list[tuple[str, Text]]]]:
    """Return the public kinds as (group, [(kind, label)])."""
    groups: dict[Text, list[tuple[str, Text]]] = {}
    for known in WEBHOOK_KINDS.values():
        groups.setdefault(known.group, []).append((known.kind, known.label))
    return list(groups.items())
