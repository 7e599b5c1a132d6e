"""Erase what requests and notes hold about a person; kinds, states and times stay."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from core.actors import SYSTEM
from orders.models import Order, OrderNote, OrderRequest
from orders.request_enums import REQUEST_OPEN, AnswerReason, AnswerWay, RequestState
from orders.services.requests.moving import move_request


@transaction.atomic
def erase_order_requests(customer_id: int) -> int:
    """Erase new addresses, words to the shop, its answers and notes; what is open is refused. Returns the rows changed.

    The orders are locked first: who asks at the same moment is seen here, or sees the erasure.
    """
    list(Order.objects.select_for_update(no_key=True).filter(customer_id=customer_id).order_by("pk").values_list("pk"))
    rows = OrderRequest.objects.select_for_update(no_key=True, of=("self",)).select_related("order")
    for request in rows.filter(order__customer_id=customer_id, state__in=REQUEST_OPEN).order_by("pk"):
        move_request(
            request, to=RequestState.REFUSED, via=AnswerWay.ORDER, actor=SYSTEM, at=timezone.now(),
            reason=AnswerReason.ERASED,
        )  # fmt: skip
    erased = OrderRequest.objects.filter(order__customer_id=customer_id).update(told_enc=None, answer="")
    return erased + OrderNote.objects.filter(order__customer_id=customer_id).update(text_enc=None)
