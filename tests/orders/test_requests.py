"""Requests to shops: asked under what was seen, once, in time; answered, followed, remembered, erased."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleEdit, TransitionNotAllowed
from core.models import Event
from orders.enums import OrderStatus, ParcelStatus
from orders.models import Order, OrderNote, OrderRequest
from orders.request_enums import KIND_RIGHTS, REQUEST_OPEN, REQUEST_TRANSITIONS, RequestKind, RequestState
from orders.services import ItemData, ScanData, add_scans, cancel_order, upsert_order
from orders.services.requests import (
    add_order_note,
    answer_request,
    erase_order_requests,
    follow_due_requests,
    follow_requests,
    open_request,
    remind_overdue_requests,
    seen_of,
    withdraw_request,
)
from orders.services.requests.wording import Told, address_of, told_in
from tests.factories.accounts import make_staff
from tests.factories.orders import AT, make_order, make_parcel, order_data
from tests.factories.requests import NEW, asked_for, make_request

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def send(order: Order) -> None:
    parcel = order.parcels.first() or make_parcel(order)
    row = ScanData(at=AT, status=ParcelStatus.PICKED_UP, text="已揽收")
    add_scans(parcel_id=parcel.pk, scans=[row], actor=SYSTEM, received_at=AT)
    order.refresh_from_db()


def answer(request: OrderRequest, to: str, **more: Any) -> OrderRequest:
    return answer_request(request_id=request.pk, to=to, actor=SYSTEM, at=AT + HOUR, **more)


def test_address_is_asked_encrypted_and_told_without_a_word_of_it():
    order, agent = make_order(), make_staff(roles=["agent"])
    found = make_request(order, "address", staff=agent)
    assert (found.state, found.asked_by, found.due_at) == ("asked", agent, AT + 4 * HOUR)
    assert told_in(found) == Told(**{**NEW, "phone": "+8613700137000"})
    assert "世纪" not in bytes(found.told_enc or b"").decode("latin-1")
    event = Event.objects.get(kind="order_request.asked")
    assert event.data == {"kind": "address", "why": "customer", "line_count": 0}
    assert (event.order_id, event.actor_id) == (order.pk, agent.pk)


def test_same_key_asks_once_and_belongs_to_who_used_it():
    order, agent = make_order(), make_staff(roles=["agent"])
    args: dict[str, Any] = {"order_id": order.pk, "asked": asked_for("hold"), "seen": seen_of(order), "key": uuid4()}
    first = open_request(**args, staff=agent, at=AT)
    assert open_request(**args, staff=agent, at=AT + HOUR).pk == first.pk
    with pytest.raises(Conflict):
        open_request(**args, staff=make_staff(roles=["agent"]), at=AT)
    assert Event.objects.filter(kind="order_request.asked").count() == 1


@pytest.mark.parametrize("kind", RequestKind.values)
def test_each_kind_asks_for_its_own_right(kind: str):
    order = make_order()
    with pytest.raises(NotAllowed):
        make_request(order, kind, staff=make_staff(roles=["agent_junior"]))
    assert make_staff(roles=["agent"]).may(KIND_RIGHTS[kind])


@pytest.mark.parametrize("kind", ["address", "hold", "cancel", "split"])
def test_nothing_before_sending_is_asked_once_a_parcel_left(kind: str):
    order = make_order()
    send(order)
    with pytest.raises(Conflict) as refused:
        make_request(order, kind)
    assert refused.value.code == "sent"


def test_items_are_sent_again_only_once_they_were_sent_and_never_twice():
    order = make_order()
    with pytest.raises(Conflict) as refused:
        make_request(order, "resend")
    assert refused.value.code == "not_sent"
    send(order)
    first = make_request(order, "resend", lines=((1, 1),))
    make_request(order, "resend", lines=((1, 1),))
    with pytest.raises(InvalidInput) as wrong:
        make_request(order, "resend", lines=((1, 1),))
    assert list(wrong.value.fields) == ["lines"]
    answer(first, "refused", reason="out_of_stock")
    assert make_request(order, "resend", lines=((1, 1),)).is_open, "what was refused is free again"


@pytest.mark.parametrize("lines", [(), ((9, 1),), ((1, 3),), ((1, -1),), ((1, 2), (2, 1))])
def test_split_names_a_part_of_the_order(lines: Any):
    with pytest.raises(InvalidInput) as wrong:
        make_request(make_order(), "split", lines=lines)
    assert list(wrong.value.fields) == ["lines"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"street": " "}, "street"),
        ({"region": ""}, "region"),
        ({"phone": "12"}, "phone"),
        ({"phone": "****8000"}, "phone"),
    ],
)
def test_address_without_a_place_or_with_no_phone_is_refused(fields: dict[str, str], name: str):
    with pytest.raises(InvalidInput) as wrong:
        make_request(make_order(), "address", told=Told(**{**NEW, **fields}))
    assert list(wrong.value.fields) == [name]


def test_why_belongs_to_the_kind():
    with pytest.raises(InvalidInput):
        make_request(make_order(), "hold", why="lost")


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"street": "另一条路 1 号"}, ["address"]), ({"status": "packed"}, ["status"]),
        ({"items": (ItemData(title="杯刷", quantity=1, unit_price=Decimal("9.90"), sku="B"),)}, ["items"]),
    ],
)  # fmt: skip
def test_what_changed_since_it_was_seen_is_named(change: dict[str, Any], names: list[str]):
    data = order_data()
    order = make_order(number=data.number, phone=data.phone)
    seen = seen_of(order)
    told = order_data(number=data.number, phone=data.phone, **change)
    upsert_order(shop_id=order.shop_id, data=told, actor=SYSTEM, at=AT, source="api")
    with pytest.raises(StaleEdit) as stale:
        open_request(
            order_id=order.pk, asked=asked_for("hold"), seen=seen, key=uuid4(), staff=make_staff(roles=["agent"]), at=AT
        )
    assert [one["field"] for one in stale.value.changes] == names


def test_one_of_a_kind_is_open_and_hold_goes_before_release():
    order = make_order()
    with pytest.raises(Conflict):
        make_request(order, "release")
    hold = make_request(order, "hold")
    for kind in ("hold", "release"):
        with pytest.raises(Conflict):
            make_request(order, kind)
    answer(hold, "done")
    with pytest.raises(Conflict) as held:
        make_request(order, "hold")
    assert held.value.code == "held"
    answer(make_request(order, "release"), "done")
    assert make_request(order, "hold").is_open


def row(order: Order, **fields: Any) -> OrderRequest:
    told = {
        "kind": "hold",
        "why": "doubt",
        "state": "asked",
        "key": uuid4(),
        "order_version": 1,
        "asked_at": AT,
        "due_at": AT,
    }
    return OrderRequest(order=order, shop_id=order.shop_id, asked_by=make_staff(), **{**told, **fields})


def test_database_itself_keeps_one_open_and_knows_the_steps():
    order = make_order()
    row(order).save()
    for wrong in ({}, {"kind": "release"}, {"kind": "split"}, {"kind": "cancel", "state": "done", "closed_at": AT}):
        with pytest.raises(IntegrityError), transaction.atomic():
            row(order, **wrong).save()


@pytest.mark.parametrize("before", RequestState.values)
@pytest.mark.parametrize("after", RequestState.values)
def test_database_and_code_allow_the_same_steps(before: str, after: str):
    found = row(make_order())
    found.save()
    at_end = {"closed_at": AT, "answer_reason": "other"}

    def put(state: str) -> None:
        more = {"closed_at": None} if state in REQUEST_OPEN else at_end
        with transaction.atomic():
            OrderRequest.objects.filter(pk=found.pk).update(state=state, **more)

    if before != "asked":
        put(before)
    if after == before or after in REQUEST_TRANSITIONS[before]:
        put(after)
    else:
        with pytest.raises(IntegrityError):
            put(after)


def test_done_address_moves_the_order_and_tells_who_asked():
    order, agent = make_order(), make_staff(roles=["agent"])
    found = answer(make_request(order, "address", staff=agent), "done")
    order.refresh_from_db()
    assert (found.state, found.answered_via, found.closed_at) == ("done", "api", AT + HOUR)
    assert address_of(order) == told_in(found)
    notice = Notification.objects.get(staff=agent)
    assert (notice.kind, notice.params) == ("order_request.answered", {"kind": "address", "state": "done", "why": ""})
    assert Event.objects.get(kind="order.changed").data == {"fields": ["region", "street", "recipient", "phone"]}
    assert Event.objects.get(kind="order_request.done").data["seconds"] == 3600


def test_done_cancel_cancels_the_order_and_refuses_what_else_is_open():
    order = make_order()
    hold, cancel = make_request(order, "hold"), make_request(order, "cancel")
    answer(cancel, "done")
    order.refresh_from_db()
    assert order.status == OrderStatus.CANCELLED
    assert follow_due_requests(at=AT + HOUR) == 1
    hold.refresh_from_db()
    assert (hold.state, hold.answer_reason, hold.answered_via) == ("refused", "cancelled", "order")


def test_shop_answers_twice_the_same_and_never_otherwise():
    found = make_request(make_order(), "hold")
    answer(found, "accepted")
    answer(found, "refused", reason="packed", answer="已打包")
    again = answer(found, "refused", reason="packed")
    assert (again.state, again.answer) == ("refused", "已打包")
    for to in ("done", "accepted"):
        with pytest.raises(TransitionNotAllowed):
            answer(found, to)
    assert Event.objects.filter(kind__startswith="order_request.").count() == 3


@pytest.mark.parametrize(
    ("to", "reason"), [("refused", ""), ("refused", "sent"), ("done", "packed"), ("withdrawn", "")]
)
def test_answer_is_one_a_shop_can_give(to: str, reason: str):
    found = make_request(make_order(), "hold")
    with pytest.raises(InvalidInput):
        answer(found, to, reason=reason)


def test_only_who_asked_withdraws_and_only_what_nobody_began():
    agent = make_staff(roles=["agent"])
    found = make_request(make_order(), "hold", staff=agent)
    with pytest.raises(NotAllowed):
        withdraw_request(request_id=found.pk, staff=make_staff(roles=["admin"]), at=AT)
    withdraw_request(request_id=found.pk, staff=agent, at=AT)
    assert withdraw_request(request_id=found.pk, staff=agent, at=AT).state == "withdrawn"
    assert not Notification.objects.filter(staff=agent).exists(), "one knows what one did oneself"
    other = make_request(found.order, "cancel", staff=agent)
    answer(other, "accepted")
    with pytest.raises(TransitionNotAllowed):
        withdraw_request(request_id=other.pk, staff=agent, at=AT)
    with pytest.raises(NotFound):
        withdraw_request(request_id=987_654, staff=agent, at=AT)


def test_order_that_ships_meanwhile_refuses_what_came_too_late():
    order, agent = make_order(), make_staff(roles=["agent"])
    found = make_request(order, "address", staff=agent)
    assert follow_due_requests(at=AT) == 0
    send(order)
    assert follow_due_requests(at=AT + HOUR) == 1
    assert follow_due_requests(at=AT + HOUR) == 0
    found.refresh_from_db()
    assert (found.state, found.answer_reason) == ("refused", "sent")
    assert Notification.objects.get(staff=agent).params["why"] == "sent"


def test_address_or_part_the_shop_took_on_is_not_refused_by_sending():
    order = make_order()
    address, split, hold = (make_request(order, kind) for kind in ("address", "split", "hold"))
    for one in (address, split, hold):
        answer(one, "accepted")
    send(order)
    follow_requests(order_id=order.pk, at=AT)
    states = [OrderRequest.objects.get(pk=one.pk).state for one in (address, split, hold)]
    assert states == ["accepted", "accepted", "refused"]


def test_order_that_arrives_as_asked_closes_its_request():
    data = order_data()
    order = make_order(number=data.number, phone=data.phone)
    address, cancel = make_request(order, "address"), make_request(order, "cancel")
    told = order_data(number=data.number, **{**NEW, "street": "世纪大道88号1201"})
    upsert_order(shop_id=order.shop_id, data=told, actor=SYSTEM, at=AT, source="api")
    assert follow_due_requests(at=AT) == 1
    address.refresh_from_db()
    assert (address.state, address.answered_via) == ("done", "order")
    cancel_order(order_id=order.pk, actor=SYSTEM, at=AT)
    follow_due_requests(at=AT)
    cancel.refresh_from_db()
    assert cancel.state == "done"
    with pytest.raises(Conflict):
        make_request(order, "cancel")


def test_overdue_is_told_once():
    agent = make_staff(roles=["agent"])
    make_request(make_order(), "hold", staff=agent)
    assert remind_overdue_requests(at=AT + 4 * HOUR) == 0
    assert remind_overdue_requests(at=AT + 5 * HOUR) == 1
    assert remind_overdue_requests(at=AT + 6 * HOUR) == 0
    assert Notification.objects.get(staff=agent).kind == "order_request.overdue"


def test_note_is_kept_once_and_encrypted():
    order, agent, key = make_order(), make_staff(roles=["agent_junior"]), uuid4()
    for _time in range(2):
        note = add_order_note(order_id=order.pk, text=" 客户要周末送 ", key=key, staff=agent, at=AT)
    assert OrderNote.objects.get() == note
    assert Event.objects.get(kind="order.noted").data == {"note_id": note.pk}
    with pytest.raises(InvalidInput):
        add_order_note(order_id=order.pk, text="  ", key=uuid4(), staff=agent, at=AT)
    with pytest.raises(NotAllowed):
        add_order_note(order_id=order.pk, text="x", key=uuid4(), staff=make_staff(roles=["analyst"]), at=AT)


def test_erasing_takes_what_is_personal_and_closes_what_is_open():
    order = make_order()
    found = make_request(order, "address")
    closed = answer(make_request(order, "hold"), "refused", reason="other", answer="李小红不同意")
    staff = make_staff(roles=["agent"])
    note = add_order_note(order_id=order.pk, text="李小红", key=uuid4(), staff=staff, at=AT)
    assert erase_order_requests(order.customer_id) == 3
    for one in (found, closed, note):
        one.refresh_from_db()
    assert (found.state, found.answer_reason, found.told_enc) == ("refused", "erased", None)
    assert (closed.answer, note.text_enc) == ("", None)
    assert told_in(found) == Told()
    assert follow_due_requests(at=AT) == 0


def test_nothing_is_asked_of_an_erased_customers_order():
    order = make_order()
    type(order.customer).objects.filter(pk=order.customer_id).update(erased_at=AT)
    with pytest.raises(Conflict) as refused:
        make_request(order, "address")
    assert refused.value.code == "erased"


def test_actor_by_hand_is_who_confirmed():
    boss = make_staff(roles=["agent_senior"])
    found = make_request(make_order(), "hold")
    answer_request(request_id=found.pk, to="done", actor=Actor.staff(boss), at=AT, staff=boss)
    found.refresh_from_db()
    assert (found.answered_via, found.answered_by) == ("staff", boss)
