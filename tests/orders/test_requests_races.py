"""Requests on real transactions: two ask at once, the parcel leaves meanwhile, the shop answers twice."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction

from core.actors import SYSTEM
from core.errors import Conflict, TransitionNotAllowed
from core.models import Event
from orders.enums import ParcelStatus
from orders.models import OrderRequest
from orders.services import ScanData, add_scans
from orders.services.requests import answer_request, follow_due_requests
from orders.services.requests.moving import lock_order
from tests.factories.accounts import make_staff
from tests.factories.orders import AT, make_order, make_parcel
from tests.factories.requests import make_request
from tests.racing import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_agents_ask_at_once_and_one_is_told_so():
    order = make_order()
    agents = [make_staff(roles=["agent"]) for _ in range(2)]
    found = together(*(lambda one=one: make_request(type(order).objects.get(pk=order.pk), staff=one) for one in agents))
    assert {type(one) for one in found} == {OrderRequest, Conflict}
    assert OrderRequest.objects.count() == Event.objects.filter(kind="order_request.asked").count() == 1


def test_address_waits_for_the_parcel_that_leaves_and_is_too_late():
    order = make_order()
    parcel = make_parcel(order)
    held, agent = threading.Event(), make_staff(roles=["agent"])

    def ship() -> None:
        with transaction.atomic():
            lock_order(order.pk)
            held.set()
            row = ScanData(at=AT, status=ParcelStatus.PICKED_UP, text="已揽收")
            add_scans(parcel_id=parcel.pk, scans=[row], actor=SYSTEM, received_at=AT)

    def ask() -> OrderRequest:
        held.wait(timeout=10)
        return make_request(type(order).objects.get(pk=order.pk), staff=agent)

    _shipped, asked = together(ship, ask)
    assert isinstance(asked, Conflict)
    assert not OrderRequest.objects.exists()


def test_parcel_that_leaves_as_the_address_is_asked_never_leaves_it_open():
    order, agent = make_order(), make_staff(roles=["agent"])
    parcel = make_parcel(order)
    row = ScanData(at=AT, status=ParcelStatus.PICKED_UP, text="已揽收")
    together(
        lambda: add_scans(parcel_id=parcel.pk, scans=[row], actor=SYSTEM, received_at=AT),
        lambda: make_request(type(order).objects.get(pk=order.pk), staff=agent),
    )
    follow_due_requests(at=AT)
    assert not OrderRequest.objects.exclude(state="refused").exists()


def test_shop_that_says_done_and_refused_at_once_is_heard_once():
    found = make_request(make_order(), "hold")

    def say(to: str, reason: str = "") -> OrderRequest:
        return answer_request(request_id=found.pk, to=to, reason=reason, actor=SYSTEM, at=AT)

    heard = together(lambda: say("done"), lambda: say("refused", "packed"))
    assert {type(one) for one in heard} == {OrderRequest, TransitionNotAllowed}
    assert Event.objects.filter(kind__in=["order_request.done", "order_request.refused"]).count() == 1
    assert together(lambda: follow_due_requests(at=AT), lambda: follow_due_requests(at=AT)) == [0, 0]
