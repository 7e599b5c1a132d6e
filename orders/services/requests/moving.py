"""The one place where requests move, lock, and tell of it."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse

from accounts.services import notify
from core.actors import Actor
from core.errors import NotFound, TransitionNotAllowed
from core.events import Code, record
from core.live import announce
from orders.enums import OrderStatus, ParcelStatus
from orders.models import Order, OrderRequest
from orders.request_enums import REQUEST_OPEN, REQUEST_TRANSITIONS, RequestState
from orders.request_events import RequestAnswered

SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.COMPLETED)


def lock_order(order_id: int) -> Order:
    """Lock an order before its requests, as whoever ships it does. Raises NotFound."""
    rows = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("shop", "customer")
    order = rows.filter(pk=order_id).first()
    if order is None:
        raise NotFound
    return order


def lock_request(request_id: int) -> OrderRequest:
    """Lock a request after its order. Raises NotFound."""
    order_id = OrderRequest.objects.filter(pk=request_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound
    order = lock_order(order_id)
    request = OrderRequest.objects.select_for_update(no_key=True).filter(pk=request_id).first()
    if request is None:
        raise NotFound
    request.order = order
    return request


def is_sent(order: Order) -> bool:
    """Say whether a parcel of an order has left (its lock must be held)."""
    if order.status in SENT or order.shipped_at is not None:
        return True
    return order.parcels.exclude(status=ParcelStatus.CREATED).exists()


def move_request(
    request: OrderRequest, *, to: str, via: str, actor: Actor, at: datetime, reason: str = "", answer: str = "",
    staff_id: int | None = None,
) -> None:  # fmt: skip
    """Move a locked request on, record it and tell who asked. Raises TransitionNotAllowed."""
    if to not in REQUEST_TRANSITIONS[request.state]:
        raise TransitionNotAllowed(state=str(request.state), to=str(to))
    request.state, request.version = to, request.version + 1
    request.answered_at, request.answered_via, request.answered_by_id = at, via, staff_id
    request.answer_reason, request.answer = reason, answer[:400]
    request.closed_at = None if to in REQUEST_OPEN else at
    request.save(
        update_fields=[
            "state", "version", "answered_at", "answered_via", "answered_by", "answer_reason", "answer", "closed_at",
        ]
    )  # fmt: skip
    seconds = max(0, int((at - request.asked_at).total_seconds()))
    told = RequestAnswered(Code(request.kind), Code(via), Code(reason), seconds)
    record(f"order_request.{to}", subject=request, actor=actor, at=at, data=told)
    tell_pages(request)
    if to in (RequestState.DONE, RequestState.REFUSED) and staff_id != request.asked_by_id:
        tell_asker(request, "order_request.answered", at)


def tell_asker(request: OrderRequest, kind: str, at: datetime) -> None:
    """Put what became of a request into the notification centre of who asked."""
    params = {"kind": str(request.kind), "state": str(request.state), "why": request.answer_reason}
    url = reverse("orders:request", args=[request.pk])
    notify(staff_id=request.asked_by_id, kind=kind, params=params, url=url, at=at)


def tell_pages(request: OrderRequest) -> None:
    """Have the queue and the order's pages look again."""
    announce("order_requests", "order_request", request.pk, request.version)
    announce(f"order.{request.order_id}", "order_request", request.pk, 0)
