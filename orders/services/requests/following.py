"""Close requests whose order went on: it came as asked, or it is too late."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from core.actors import SYSTEM
from core.errors import NotFound
from orders.enums import OrderStatus
from orders.models import Order, OrderRequest
from orders.request_enums import REQUEST_OPEN, AnswerReason, AnswerWay, RequestKind, RequestState
from orders.services.requests.moving import is_sent, lock_order, move_request
from orders.services.requests.wording import goes_there, told_in

AT_ONCE = 200
_MAY_GO_ON = (RequestKind.ADDRESS, RequestKind.SPLIT)
"""The shop took these on: that a parcel left says nothing against them, the shop will."""


@transaction.atomic
def follow_requests(*, order_id: int, at: datetime) -> int:
    """Close the open requests of an order that its news have settled; return how many.

    Who asked is told. Repeated, late or out of order it does the same: only the order as it stands counts.
    """
    try:
        order = lock_order(order_id)
    except NotFound:
        return 0
    rows = OrderRequest.objects.select_for_update(no_key=True).filter(order=order, state__in=REQUEST_OPEN)
    sent, closed = is_sent(order), 0
    for request in rows.order_by("pk"):
        request.order = order
        if verdict := _verdict(order, request, sent):
            state, reason = verdict
            move_request(request, to=state, via=AnswerWay.ORDER, actor=SYSTEM, at=at, reason=reason)
            closed += 1
        elif request.order_version != order.version:
            request.order_version = order.version
            request.save(update_fields=["order_version"])
    return closed


def _verdict(order: Order, request: OrderRequest, sent: bool) -> tuple[str, str] | None:
    """Return what a request's order makes of it as (state, reason), None while it is open."""
    kind, done, refused = request.kind, (RequestState.DONE, ""), RequestState.REFUSED
    if order.status == OrderStatus.CANCELLED:
        return done if kind == RequestKind.CANCEL else (refused, AnswerReason.CANCELLED)
    if kind == RequestKind.ADDRESS and goes_there(order, told_in(request)):
        return done
    if not sent or kind == RequestKind.RESEND:
        return None
    if kind == RequestKind.RELEASE:
        return done
    if request.state == RequestState.ACCEPTED and kind in _MAY_GO_ON:
        return None
    return refused, AnswerReason.SENT


def follow_due_requests(*, at: datetime) -> int:
    """Look again at open requests whose order has news since, each order by itself; return how many were closed.

    Whatever door the news came by (a file, a push, a webhook), the order's version rose.
    """
    return sum(follow_requests(order_id=order_id, at=at) for order_id in _due())


def _due() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT r.order_id FROM orders_request r JOIN orders_order o ON o.id = r.order_id
                WHERE r.state IN ('asked', 'accepted') AND r.order_version <> o.version
                ORDER BY r.order_id LIMIT %s""",
            [AT_ONCE],
        )
        return [row[0] for row in cursor.fetchall()]
