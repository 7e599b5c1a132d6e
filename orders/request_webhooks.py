"""What outgoing webhooks tell of requests to shops: kinds, states, lines and times; the address is asked of the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from core.models import Event
from notifications.webhook_kinds import register_webhook_kinds
from orders import webhook_payloads  # noqa: F401 - the kinds of orders and parcels stand before these
from orders.models import OrderRequest


@dataclass(frozen=True)
class RequestNews:
    """A request as it stands when the message is written; `type` says what happened to it."""

    request_id: int
    kind: str
    state: str
    why: str
    reason: str
    lines: list[dict[str, int]]
    order_id: int
    order_number: str
    shop: str
    asked_at: datetime
    due_at: datetime
    happened_at: datetime


def request_news(events: list[Event]) -> dict[int, Any]:
    """Return the payloads of request events by event id; one statement."""
    rows = OrderRequest.objects.select_related("order", "shop").in_bulk({event.subject_id for event in events})
    return {event.pk: _news(rows[event.subject_id], event) for event in events if event.subject_id in rows}


def _news(row: OrderRequest, event: Event) -> RequestNews:
    return RequestNews(
        row.pk, row.kind, row.state, row.why, row.answer_reason, row.lines, row.order_id, row.order.number,
        row.shop.code, row.asked_at, row.due_at, event.at,
    )  # fmt: skip


register_webhook_kinds(
    _("Requests to shops"),
    {
        "order_request.asked": _("An agent asks for something"),
        "order_request.accepted": _("The shop is at it"),
        "order_request.done": _("The shop did it"),
        "order_request.refused": _("The shop refused"),
        "order_request.withdrawn": _("The agent took it back"),
    },
    payload=RequestNews,
    build=request_news,
)
