"""Asking the shop on the pages: what will happen is said, what was typed is kept, who may not is refused."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import Conflict, NotAllowed, NotFound
from core.models import Event
from notifications.models import Notice
from orders.enums import ParcelStatus
from orders.models import Order, OrderNote, OrderNotice, OrderRequest, RepeatedNotice
from orders.services import ItemData, ScanData, add_scans, cancel_order, upsert_order
from orders.services.notices import notify_order
from orders.services.requests import add_order_note, answer_request, repeat_notice, seen_of
from tests.factories.accounts import make_staff, make_team
from tests.factories.exceptions import make_exception
from tests.factories.orders import AT, make_order, make_parcel, make_shop, order_data
from tests.factories.requests import NEW, make_request

pytestmark = pytest.mark.django_db
HX = {"HTTP_HX_REQUEST": "true"}


def signed_in(role: str = "agent", **more: Any) -> Client:
    client = Client()
    client.force_login(make_staff(roles=[role], **more))
    return client


def form(order: Order, **fields: Any) -> dict[str, Any]:
    order.refresh_from_db()
    return {"seen": seen_of(order), "key": str(uuid4()), "why": "customer", "note": "", **fields}


def test_order_page_fetches_the_actions_and_the_panel_has_them():
    order, agent = make_order(), signed_in()
    assert f'hx-get="/desk/orders/{order.pk}/actions/"' in agent.get(f"/desk/orders/{order.pk}/").text
    for place in ("actions/", "panel/"):
        shown = agent.get(f"/desk/orders/{order.pk}/{place}", **HX).text
        asks = {one for one in ("address", "hold", "release", "cancel", "split", "resend") if f"/ask/{one}/" in shown}
        assert asks == {"address", "hold", "cancel", "split"}
    junior = signed_in("agent_junior")
    shown = junior.get(f"/desk/orders/{order.pk}/actions/").text
    assert "/ask/" not in shown
    assert f'hx-get="/desk/orders/{order.pk}/note/"' in shown
    for page in (
        junior.get(f"/desk/orders/{order.pk}/note/", **HX).text,
        junior.get(f"/desk/orders/{order.pk}/note/").text,
    ):
        assert f'action="/desk/orders/{order.pk}/note/"' in page
    assert signed_in("analyst").get(f"/desk/orders/{order.pk}/note/").status_code == 403


def test_what_stands_beside_an_order_costs_no_query_and_is_for_whom_it_is_for():
    order, agent = make_order(), signed_in()
    url = f"/desk/orders/{order.pk}/panel/"
    with CaptureQueriesContext(connection) as bare:
        agent.get(url, **HX)
    colleague = make_staff(roles=["agent"], display_name="林小满")
    one = make_request(order)
    OrderRequest.objects.filter(pk=one.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    add_order_note(order_id=order.pk, text="客人要 <b>急件</b>", key=uuid4(), staff=colleague, at=timezone.now())
    wrong = make_exception(make_parcel(order), owner=colleague)
    make_exception(make_parcel(make_order(region=order.region)))
    with CaptureQueriesContext(connection) as full:
        shown = agent.get(url, **HX).text
    assert len(full) == len(bare)
    for words in (
        f"/desk/order-requests/{one.pk}/",
        "已逾期",
        "客人要 &lt;b&gt;急件",
        f"/desk/exceptions/{wrong.pk}/",
        "林小满",
    ):
        assert words in shown, words
    assert "province=" in shown
    analyst = signed_in("analyst").get(url, **HX).text
    assert "/desk/exceptions/" not in analyst


def test_address_is_asked_on_the_page_and_shown_masked():
    order, agent = make_order(), signed_in()
    url = f"/desk/orders/{order.pk}/ask/address/"
    page = agent.get(url).text
    assert order.recipient not in page
    assert "文三路" not in page, "the old address is not told by the form"
    answer = agent.post(url, form(order, **NEW))
    assert answer.status_code == 302
    found = OrderRequest.objects.get()
    shown = agent.get(f"/desk/order-requests/{found.pk}/").text
    assert "上海市浦东新区 ****" in shown
    for secret in ("世纪大道", "王小明", "13700137000"):
        assert secret not in shown
    assert "subject_type=order_request" in shown
    assert "subject_type=order_request" not in signed_in("agent_junior").get(f"/desk/order-requests/{found.pk}/").text


def test_asking_in_the_dialog_gives_the_actions_back():
    order, agent = make_order(), signed_in()
    dialog = agent.get(f"/desk/orders/{order.pk}/ask/hold/", **HX)
    assert "<dialog" in dialog.text
    assert "<html" not in dialog.text
    answer = agent.post(f"/desk/orders/{order.pk}/ask/hold/", form(order), **HX)
    assert (answer.status_code, answer["HX-Retarget"]) == (200, f"#order-actions-{order.pk}")
    assert f"/desk/order-requests/{OrderRequest.objects.get().pk}/" in answer.text
    assert "/ask/hold/" not in answer.text


def test_what_is_wrong_stands_beside_it_and_nothing_is_lost():
    order, agent = make_order(), signed_in()
    answer = agent.post(f"/desk/orders/{order.pk}/ask/address/", form(order, **{**NEW, "phone": "12"}), **HX)
    assert answer.status_code == 422
    assert "世纪大道 88 号 1201" in answer.text
    split = agent.post(f"/desk/orders/{order.pk}/ask/split/", form(order, line_1="0", why="stock"))
    assert split.status_code == 422
    assert not OrderRequest.objects.exists()


def test_order_that_changed_meanwhile_is_shown_and_asking_again_asks():
    data = order_data()
    order, agent = make_order(number=data.number, phone=data.phone), signed_in()
    sent = form(order, **NEW)
    told = order_data(number=data.number, phone=data.phone, status="packed")
    upsert_order(shop_id=order.shop_id, data=told, actor=SYSTEM, at=AT, source="api")
    url = f"/desk/orders/{order.pk}/ask/address/"
    answer = agent.post(url, sent, **HX)
    assert answer.status_code == 409
    assert "世纪大道 88 号 1201" in answer.text
    order.refresh_from_db()
    assert f'value="{seen_of(order)}"' in answer.text
    assert agent.post(url, sent | {"seen": seen_of(order)}).status_code == 302


def test_parcel_that_left_meanwhile_is_said_and_nothing_is_asked():
    order, agent = make_order(), signed_in()
    row = ScanData(at=AT, status=ParcelStatus.PICKED_UP, text="已揽收")
    add_scans(parcel_id=make_parcel(order).pk, scans=[row], actor=SYSTEM, received_at=AT)
    answer = agent.post(f"/desk/orders/{order.pk}/ask/address/", form(order, **NEW))
    assert answer.status_code == 409
    assert "世纪大道 88 号 1201" in answer.text
    assert not OrderRequest.objects.exists()
    shown = agent.get(f"/desk/orders/{order.pk}/actions/").text
    assert "/ask/resend/" in shown
    assert "/ask/address/" not in shown


def test_held_order_offers_its_release():
    order, agent = make_order(), signed_in()
    answer_request(request_id=make_request(order, "hold").pk, to="done", actor=SYSTEM, at=AT)
    shown = agent.get(f"/desk/orders/{order.pk}/actions/").text
    assert "/ask/release/" in shown
    assert "/ask/hold/" not in shown


@pytest.mark.parametrize("kind", ["address", "hold", "release", "cancel", "split", "resend"])
@pytest.mark.parametrize(
    ("role", "status"), [("agent", 200), ("agent_junior", 403), ("warehouse", 403), ("analyst", 403)]
)
def test_each_kind_is_refused_to_who_has_not_its_right(kind: str, role: str, status: int):
    order = make_order()
    assert signed_in(role).get(f"/desk/orders/{order.pk}/ask/{kind}/").status_code == status


def test_unknown_kind_and_another_shops_order_are_not_found():
    order = make_order()
    assert signed_in().get(f"/desk/orders/{order.pk}/ask/refund/").status_code == 404
    stranger = signed_in(teams=[make_team("other", shop_ids=[make_shop().pk])])
    found = make_request(order)
    for path in (f"orders/{order.pk}/actions/", f"orders/{order.pk}/ask/hold/", f"order-requests/{found.pk}/"):
        assert stranger.get(f"/desk/{path}").status_code == 404
    assert order.number not in stranger.get("/desk/order-requests/").text


def test_note_is_written_beside_the_order():
    order, junior = make_order(), signed_in("agent_junior")
    url, sent = f"/desk/orders/{order.pk}/note/", {"key": str(uuid4()), "text": "客户要<b>周末</b>送"}
    for _time in range(2):
        answer = junior.post(url, sent, **HX)
    assert "客户要&lt;b&gt;周末&lt;/b&gt;送" in answer.text
    assert OrderNote.objects.count() == 1
    assert junior.post(url, {"key": str(uuid4()), "text": " "}, **HX).status_code == 422
    assert signed_in("analyst").post(url, sent).status_code == 403


def test_queue_puts_overdue_first_and_takes_the_same_statements_for_many():
    agent = signed_in("agent_senior")
    late = make_request(make_order(), "hold")
    OrderRequest.objects.filter(pk=late.pk).update(due_at=AT.replace(year=2020))

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert agent.get("/desk/order-requests/").status_code == 200
        return len(seen.captured_queries)

    statements()
    one = statements()
    for _ in range(3):
        make_request(make_order(), "hold")
    assert statements() == one
    rows = agent.get("/desk/order-requests/?tab=open", **HX).text
    assert rows.index(late.order.number) < rows.index(OrderRequest.objects.latest("pk").order.number)
    assert late.order.number not in agent.get("/desk/order-requests/?tab=closed", **HX).text


def test_actions_take_the_same_statements_for_one_and_many():
    order, agent = make_order(), signed_in()
    url = f"/desk/orders/{order.pk}/actions/"

    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert agent.get(url, **HX).status_code == 200
        return len(seen.captured_queries)

    make_request(order, "hold")
    statements()
    one = statements()
    for kind in ("address", "cancel", "split"):
        make_request(order, kind)
    assert statements() == one


def test_answer_by_hand_needs_the_right_and_a_reason_to_refuse():
    found = make_request(make_order(), "cancel")
    url = f"/desk/order-requests/{found.pk}/answer/"
    assert signed_in("agent").post(url, {"state": "done"}).status_code == 403
    senior = signed_in("agent_senior")
    assert senior.post(url, {"state": "refused", "answer": "已打包"}).status_code == 422
    assert senior.post(url, {"state": "done"}).status_code == 302
    order = Order.objects.get(pk=found.order_id)
    assert order.status == "cancelled"
    assert senior.post(url, {"state": "refused", "reason": "packed"}).status_code == 409


def test_only_who_asked_takes_it_back():
    agent = make_staff(roles=["agent"])
    found = make_request(make_order(), "hold", staff=agent)
    url = f"/desk/order-requests/{found.pk}/withdraw/"
    assert signed_in("admin").post(url).status_code == 403
    client = Client()
    client.force_login(agent)
    assert client.post(url).status_code == 302
    found.refresh_from_db()
    assert found.state == "withdrawn"


def told_order() -> tuple[Order, OrderNotice]:
    """Have an order whose confirmation was given two hours ago."""
    order = make_order()
    early = timezone.now() - timedelta(hours=2)
    row = notify_order(order_id=order.pk, step="confirmation", happened_at=early, at=early)
    assert row is not None
    return order, row


def test_notice_goes_again_once_and_not_within_the_hour():
    order, row = told_order()
    agent = make_staff(roles=["agent_junior"])
    key, now = uuid4(), timezone.now()
    again = repeat_notice(notice_id=row.pk, key=key, staff=agent, at=now)
    assert repeat_notice(notice_id=row.pk, key=key, staff=agent, at=now).pk == again.pk
    with pytest.raises(Conflict):
        repeat_notice(notice_id=row.pk, key=uuid4(), staff=agent, at=now)
    assert Notice.objects.filter(order_id=order.pk).count() == 2
    assert Event.objects.get(kind="order.notice_repeated").data == {
        "step": "confirmation",
        "notice_id": again.notice_id,
    }
    with pytest.raises(NotAllowed):
        repeat_notice(notice_id=row.pk, key=uuid4(), staff=make_staff(roles=["analyst"]), at=now)


def test_notice_that_is_no_longer_true_does_not_go_again():
    order, row = told_order()
    cancel_order(order_id=order.pk, actor=SYSTEM, at=timezone.now())
    with pytest.raises(Conflict):
        repeat_notice(notice_id=row.pk, key=uuid4(), staff=make_staff(roles=["agent"]), at=timezone.now())
    with pytest.raises(NotFound):
        repeat_notice(notice_id=987_654, key=uuid4(), staff=make_staff(roles=["agent"]), at=timezone.now())


def test_notice_is_sent_again_from_the_card_and_shown_there():
    order, row = told_order()
    agent, url = signed_in(), f"/desk/orders/{order.pk}/again/"
    assert f'action="{url}"' in agent.get(f"/desk/orders/{order.pk}/notices/").text
    assert agent.post(url, {"key": str(uuid4()), "notice": row.pk}).status_code == 302
    assert RepeatedNotice.objects.get().order_notice == row
    assert agent.post(url, {"key": str(uuid4()), "notice": told_order()[1].pk}).status_code == 404
    assert signed_in("analyst").post(url, {"key": str(uuid4()), "notice": row.pk}).status_code == 403
    assert f'action="{url}"' not in signed_in("analyst").get(f"/desk/orders/{order.pk}/notices/").text


def test_actions_show_what_is_wrong_and_how_parcels_alike_fare():
    order, agent = make_order(), signed_in()
    own = make_exception(make_parcel(order))
    for region in ("浙江省宁波市", "浙江省杭州市", "广东省深圳市"):
        make_exception(make_parcel(make_order(region=region)))
    make_exception(make_parcel(make_order(region="浙江省温州市"), carrier="zhongtong"))
    shown = agent.get(f"/desk/orders/{order.pk}/actions/", **HX)
    assert f"/desk/exceptions/{own.pk}/take/" in shown.text
    (alike,) = shown.context["alike"]
    assert (alike.count, alike.province, alike.carrier_id) == (2, "浙江", own.carrier_id)
    there = unescape(re.search(r'href="([^"]+province=[^"]+)"', shown.text)[1])  # type: ignore[index]
    queue = agent.get(there)
    assert {row["one"].order.region[:2] for row in queue.context["rows"]} == {"浙江"}
    assert len(queue.context["rows"]) == alike.count + 1  # with its own
    assert 'value="浙江"' in queue.text


def test_panel_and_page_fetch_stock_price_and_promotions():
    order, agent = make_order(), signed_in()
    for place, query in (("", ""), ("panel/", "?held=1")):
        shown = agent.get(f"/desk/orders/{order.pk}/{place}").text
        assert f'hx-get="/desk/orders/{order.pk}/products/{query}"' in shown


def test_single_thing_cannot_be_split():
    order = make_order(items=(ItemData(title="杯刷", quantity=1, unit_price=Decimal("9.90"), sku="B"),))
    assert "/ask/split/" not in signed_in().get(f"/desk/orders/{order.pk}/actions/").text
