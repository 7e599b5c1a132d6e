"""Which news of orders and parcels customers are told; imported history never is."""

from __future__ import annotations

from django.utils import timezone

from core.events import payload_of
from core.models import Event
from core.reactions import reacts_to
from orders.enums import ParcelStatus
from orders.exception_enums import ExceptionKind
from orders.models import Parcel
from orders.notice_enums import NoticeStep
from orders.services.notices import notify_order

ORDER_STEPS = {
    "order.placed": NoticeStep.CONFIRMATION,
    "order.shipped": NoticeStep.SHIPPED,
    "order.delivered": NoticeStep.DELIVERED,
}
PARCEL_STEPS = {
    "parcel.out_for_delivery": NoticeStep.OUT_FOR_DELIVERY,
    "parcel.ready_for_pickup": NoticeStep.PICKUP_CODE,
    "parcel.delivered": NoticeStep.DELIVERED,
    "parcel.refused": NoticeStep.EXCEPTION,
    "parcel.lost": NoticeStep.EXCEPTION,
    "parcel.problem_reported": NoticeStep.EXCEPTION,
}


@reacts_to(*ORDER_STEPS, name="orders.tell_of_order")
def tell_of_order(event: Event) -> None:
    """Tell a customer about her order; a delivery that its parcels tell of is told by them."""
    step = ORDER_STEPS[event.kind]
    arrived = Parcel.objects.filter(order_id=event.subject_id, status=ParcelStatus.DELIVERED)
    if step == NoticeStep.DELIVERED and arrived.exists():
        return
    notify_order(order_id=event.subject_id, step=step, happened_at=event.at, at=timezone.now())


@reacts_to(*PARCEL_STEPS, name="orders.tell_of_parcel")
def tell_of_parcel(event: Event) -> None:
    """Tell a customer about one of her parcels."""
    if event.order_id is None:
        return
    notify_order(
        order_id=event.order_id, step=PARCEL_STEPS[event.kind], parcel_id=event.subject_id, happened_at=event.at,
        at=timezone.now(),
    )  # fmt: skip


@reacts_to("order.delay_expected", name="orders.tell_of_delay")
def tell_of_delay(event: Event) -> None:
    """Tell a customer before it is late that her order will come after its promise, and when."""
    expected_at = payload_of(event).expected_at
    notify_order(
        order_id=event.subject_id, step=NoticeStep.DELAYED, happened_at=event.at, expected_at=expected_at,
        at=timezone.now(),
    )  # fmt: skip


def _stands_still(event: Event) -> bool:
    return event.data.get("kind") == ExceptionKind.STALLED


@reacts_to("exception.opened", name="orders.tell_of_standstill", when=_stands_still)
def tell_of_standstill(event: Event) -> None:
    """Tell a customer, before she asks, that her parcel stands still and somebody deals with it."""
    if event.order_id is not None:
        notify_order(
            order_id=event.order_id, step=NoticeStep.EXCEPTION, parcel_id=payload_of(event).parcel_id,
            happened_at=event.at, at=timezone.now(),
        )  # fmt: skip
