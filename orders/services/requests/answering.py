"""Take the shop's answer to a request, told by its system or by hand; or take the request back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from core.actors import Actor
from core.crypto import encrypt
from core.errors import InvalidInput, NotAllowed
from core.events import Code, record
from core.live import announce
from orders.enums import ORDER_TRANSITIONS, OrderStatus
from orders.events import OrderChanged
from orders.models import Order, OrderRequest
from orders.request_enums import ANSWERS, SAID_BY_SHOP, AnswerWay, RequestKind, RequestState
from orders.services.completing import cancel_order
from orders.services.data import clean_line
from orders.services.requests.moving import lock_request, move_request
from orders.services.requests.wording import Told, goes_there, told_in
from orders.services.told import phone_columns


@transaction.atomic
def answer_request(
    *,
    request_id: int,
    to: str,
    actor: Actor,
    at: datetime,
    reason: str = "",
    answer: str = "",
    staff: Staff | None = None,
) -> OrderRequest:
    """Take an answer: accepted, done, or refused for a reason. The same answer again changes nothing.

    What was done is true of the order at once: cancelled, or on its way to the new address; later news of the shop have
    the last word. Raises NotFound, InvalidInput, TransitionNotAllowed when it was answered otherwise. After commit: who
    asked is told.
    """
    if to not in ANSWERS:
        raise InvalidInput(fields={"state": [_("Say accepted, done or refused.")]})
    if (to == RequestState.REFUSED) != bool(reason) or (reason and reason not in SAID_BY_SHOP):
        raise InvalidInput(fields={"reason": [_("Choose why it was refused.")]})
    request = lock_request(request_id)
    if request.state == to and request.answer_reason == reason:
        return request
    via = AnswerWay.STAFF if staff is not None else AnswerWay.API
    move_request(
        request, to=to, via=via, actor=actor, at=at, reason=reason, answer=clean_line(answer),
        staff_id=staff.pk if staff else None,
    )  # fmt: skip
    if to == RequestState.DONE:
        _bring_in_line(request.order, request, actor, at)
    return request


def _bring_in_line(order: Order, request: OrderRequest, actor: Actor, at: datetime) -> None:
    """Have the order here follow what the shop did (its lock is held)."""
    if request.kind == RequestKind.CANCEL and OrderStatus.CANCELLED in ORDER_TRANSITIONS[order.status]:
        cancel_order(order_id=order.pk, actor=actor, at=at, reason="asked")
    told = told_in(request)
    if request.kind != RequestKind.ADDRESS or not told.street or goes_there(order, told):
        return
    fields = _columns(told)
    for name, value in fields.items():
        setattr(order, name, value)
    order.content_hash = None  # the shop's next word is compared field by field
    order.version, order.updated_at = order.version + 1, at
    order.save(update_fields=[*fields, "content_hash", "version", "updated_at"])
    changed = tuple(Code(name.removesuffix("_enc")) for name in fields if not name.endswith("_index"))
    record("order.changed", subject=order, actor=actor, at=at, data=OrderChanged(changed))
    announce(f"order.{order.pk}", "order", order.pk, order.version)
    announce("orders", "order", order.pk, order.version)


def _columns(told: Told) -> dict[str, Any]:
    """Return the columns of a new address; what stays as it is is left out."""
    fields: dict[str, Any] = {"region": told.region, "street_enc": encrypt(told.street)}
    if told.recipient:
        fields["recipient"] = told.recipient
    return fields | (phone_columns(told.phone) if told.phone else {})


@transaction.atomic
def withdraw_request(*, request_id: int, staff: Staff, at: datetime) -> OrderRequest:
    """Take back what one asked and nobody has begun; again, nothing changes.

    Raises NotFound, NotAllowed for what somebody else asked, TransitionNotAllowed once the shop is at it.
    """
    request = lock_request(request_id)
    if request.asked_by_id != staff.pk:
        raise NotAllowed
    if request.state == RequestState.WITHDRAWN:
        return request
    move_request(
        request, to=RequestState.WITHDRAWN, via=AnswerWay.STAFF, actor=Actor.staff(staff), at=at, staff_id=staff.pk
    )
    return request
