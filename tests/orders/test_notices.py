"""Customers are told of each step once, by the channel they prefer; imported history tells nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from core.events import Code, record
from core.jobs import drain
from core.models import Event
from customers.models import Customer
from customers.services import set_contact_choice
from notifications.models import Delivery, Notice
from notifications.selectors.notices import notice_policy
from notifications.services import save_notice_policy, save_provider_template
from notifications.services.accounts import PolicyDraft
from orders.estimate_events import DelayExpected
from orders.exception_events import ExceptionOpened
from orders.models import Order, OrderNotice, Parcel
from orders.notice_enums import NoticeStep
from orders.selectors.notices import confirmation_reach, notices_of
from orders.services import ScanData, add_scans
from orders.services.notices import RuleDraft, notify_order, save_notice_rules
from orders.services.tracking_links import tracking_url
from tests.factories.accounts import make_staff
from tests.factories.exceptions import make_exception
from tests.factories.notices import make_account, run_all
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.providers import Provider, provider_server
from tests.smtp import Sink, smtp_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def day() -> None:
    """Have no quiet hours: the tests run at any time of day."""
    set_quiet(is_on=False)


def set_quiet(*, is_on: bool) -> None:
    policy = notice_policy()
    draft = PolicyDraft(is_on, policy.quiet_from, policy.quiet_until, 5, policy.channels)
    save_notice_policy(draft=draft, version=policy.version, actor=SYSTEM, at=timezone.now())


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with smtp_server() as server:
        settings.SMTP = server.settings
        yield server


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with provider_server() as server:
        make_account("sms", server)
        for step in NoticeStep:
            save_provider_template(
                channel="sms", key=f"order.{step}", language="zh-hans", code=f"SMS_{step}", fields="", version=0,
                actor=SYSTEM, at=timezone.now(),
            )  # fmt: skip
        yield server


def told() -> list[tuple[str, str]]:
    rows = OrderNotice.objects.select_related("notice").order_by("pk")
    return [(row.step, row.notice.state if row.notice else row.reason) for row in rows]


def fresh_order(**fields: Any) -> Order:
    now = timezone.now()
    return make_order(at=now, placed_at=now, **fields)


def scan(parcel: Parcel, status: str, text: str = "", **fields: Any) -> None:
    data = ScanData(timezone.now(), status, "", text, "文三路驿站", **fields)
    add_scans(parcel_id=parcel.pk, scans=[data], actor=SYSTEM, received_at=timezone.now())


def test_an_order_is_confirmed_shipped_and_delivered_once_each(provider: Provider) -> None:
    order = fresh_order()
    run_all()
    parcel = make_parcel(order)
    for status in ("picked_up", "out_for_delivery", "delivered"):
        for _ in range(2):
            scan(parcel, status)
            run_all()
    assert told() == [
        ("confirmation", "sent"), ("shipped", "sent"), ("out_for_delivery", "sent"), ("delivered", "sent"),
    ]  # fmt: skip
    assert sorted(provider.out_ids().values()) == [1, 1, 1, 1]
    assert [one["TemplateCode"] for one in provider.sms] == [
        "SMS_confirmation", "SMS_shipped", "SMS_out_for_delivery", "SMS_delivered",
    ]  # fmt: skip
    assert {one["PhoneNumbers"] for one in provider.sms} == {notices_of(order.pk)[0].deliveries[0].to[3:]}


def test_a_pickup_names_its_code_and_place(provider: Provider) -> None:
    parcel = make_parcel(fresh_order())
    scan(parcel, "ready_for_pickup", "您的快件已到达文三路驿站，取件码：12-3-4567，请及时领取")
    run_all()
    delivery = Delivery.objects.get(template="order.pickup_code")
    assert (delivery.params["fields"]["code"], delivery.params["fields"]["place"]) == ("12-3-4567", "文三路驿站")


def test_imported_history_tells_nobody(provider: Provider) -> None:
    order = make_order(origin="import", at=timezone.now(), placed_at=timezone.now())
    run_all()
    assert notify_order(order_id=order.pk, step="shipped", happened_at=timezone.now(), at=timezone.now()) is None or (
        not Order.objects.get(pk=order.pk).is_history
    )
    Order.objects.filter(pk=order.pk).update(is_history=True)
    assert notify_order(order_id=order.pk, step="delayed", happened_at=timezone.now(), at=timezone.now()) is None
    assert Notice.objects.filter(template="order.confirmation").count() == 0


def test_the_same_step_from_many_at_once_is_one_notice(provider: Provider) -> None:
    order = fresh_order()
    start = threading.Barrier(6)

    def work() -> None:
        try:
            start.wait()
            notify_order(order_id=order.pk, step="delayed", happened_at=timezone.now(), at=timezone.now())
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert OrderNotice.objects.filter(step="delayed").count() == 1
    run_all()
    assert Delivery.objects.filter(template="order.delayed").count() == 1


def test_the_channel_a_customer_prefers_comes_first_and_a_refused_one_never(provider: Provider, sink: Sink) -> None:
    order = fresh_order(email="wang@customer.example")
    customer = order.customer
    customer.preferred_channel = "email"
    customer.save(update_fields=["preferred_channel"])
    customer.identities.update(verified_at=timezone.now())
    run_all()
    assert Delivery.objects.get().channel == "email"
    set_contact_choice(
        customer_id=customer.pk, channel="email", purpose="notice", is_allowed=False, source="desk", actor=SYSTEM,
        at=timezone.now(),
    )  # fmt: skip
    notify_order(order_id=order.pk, step="delayed", happened_at=timezone.now(), at=timezone.now())
    one = next(one for one in notices_of(order.pk) if one.row.step == "delayed")
    assert one.deliveries[0].channel == "sms"
    assert {"channel": "email", "reason": "refused"} in one.skips


def test_an_expected_delay_is_told_once_with_the_new_day(provider: Provider) -> None:
    order = fresh_order()
    run_all()
    soon = datetime(2026, 12, 24, 4, 0, tzinfo=UTC)
    data = DelayExpected(parcel_id=1, chance=90, promised_at=timezone.now(), expected_at=soon)
    with transaction.atomic():
        record("order.delay_expected", subject=order, actor=SYSTEM, at=timezone.now(), data=data)
        record("order.delay_expected", subject=order, actor=SYSTEM, at=timezone.now(), data=data)
    run_all()
    (delivery,) = Delivery.objects.filter(template="order.delayed")
    assert (delivery.state, "12月24日" in delivery.text) == ("sent", True)


def test_a_step_that_came_long_ago_is_not_told(provider: Provider) -> None:
    order = fresh_order()
    ago = timezone.now() - timedelta(hours=11)
    row = notify_order(order_id=order.pk, step="out_for_delivery", happened_at=ago, at=timezone.now())
    assert row is not None
    assert row.notice is not None
    assert (row.notice.state, row.notice.reason) == ("expired", "too_late")


def test_a_later_step_takes_back_what_waits(provider: Provider) -> None:
    order = fresh_order()
    parcel = make_parcel(order)
    set_quiet(is_on=True)
    night = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)  # 23:00 in the shop's zone
    act = {"order_id": order.pk, "parcel_id": parcel.pk, "happened_at": night, "at": night}
    waiting = notify_order(step="out_for_delivery", **act)  # type: ignore[arg-type]
    notify_order(step="delivered", **act)  # type: ignore[arg-type]
    assert waiting is not None
    notice = Notice.objects.get(pk=waiting.notice_id)
    assert (notice.state, notice.reason) == ("dropped", "overtaken")


def test_a_step_switched_off_is_not_told(provider: Provider) -> None:
    order = fresh_order()
    draft = RuleDraft("delayed", 0, is_on=False, is_urgent=False, is_critical=False, hours=48)
    assert save_notice_rules(drafts=[draft], actor=SYSTEM, at=timezone.now()) == ["delayed"]
    assert notify_order(order_id=order.pk, step="delayed", happened_at=timezone.now(), at=timezone.now()) is None
    assert Event.objects.get(kind="notice_rules.changed").data["steps"] == ["delayed"]


def test_the_reach_counts_confirmations_that_went_out(provider: Provider) -> None:
    fresh_order()
    fresh_order(phone="", email="")
    run_all()
    now = timezone.now()
    past = fresh_order()
    Order.objects.filter(pk=past.pk).update(source="demo", is_history=False)  # the demo's past: nobody was to be told
    reach = confirmation_reach(since=now - timedelta(days=1), until=now + timedelta(minutes=1))
    assert (reach.placed, reach.confirmed, reach.rate) == (2, 1, 0.5)
    assert confirmation_reach(since=now, until=now).rate is None


def test_a_confirmation_goes_to_every_channel_when_so_chosen(client: Client, provider: Provider, sink: Sink) -> None:
    draft = RuleDraft("confirmation", 0, is_on=True, is_urgent=False, is_critical=True, hours=48, is_everywhere=True)
    assert save_notice_rules(drafts=[draft], actor=SYSTEM, at=timezone.now()) == ["confirmation"]
    assert save_notice_rules(drafts=[replace(draft, version=1)], actor=SYSTEM, at=timezone.now()) == []
    order = fresh_order(email="wang@customer.example", shop=make_shop(contact_phone="400 800 1234"))
    order.customer.identities.update(verified_at=timezone.now())
    start = threading.Barrier(4)

    def work() -> None:
        try:
            start.wait()
            drain(seconds=15)
            notify_order(order_id=order.pk, step="confirmation", happened_at=timezone.now(), at=timezone.now())
            drain(seconds=15)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run_all()
    (one,) = notices_of(order.pk)
    assert sorted((row.channel, row.state) for row in one.deliveries) == [("email", "sent"), ("sms", "sent")]
    assert (list(provider.out_ids().values()), len(sink.mails)) == ([1], 1)
    words = Delivery.objects.get(channel="email").text
    assert all(word in words for word in (order.number, "预计送达", "400 800 1234"))
    now = timezone.now()
    reach = confirmation_reach(since=now - timedelta(days=1), until=now + timedelta(minutes=1))
    assert (reach.placed, reach.confirmed) == (1, 1)
    notify_order(order_id=order.pk, step="delayed", happened_at=now, at=now)
    assert Delivery.objects.filter(template="order.delayed").count() == 1


def test_a_confirmation_names_the_carrier_only_when_it_is_known(provider: Provider, sink: Sink) -> None:
    unknown, known = fresh_order(email="wang@customer.example"), fresh_order(email="zhao@customer.example")
    parcel = make_parcel(known)
    for order in (unknown, known):
        order.customer.identities.update(verified_at=timezone.now())
        Customer.objects.filter(pk=order.customer_id).update(preferred_channel="email")
    run_all()
    texts = dict(Delivery.objects.filter(template="order.confirmation").values_list("order_id", "text"))
    assert f"快递：{parcel.carrier.name} {parcel.tracking_number}" in texts[known.pk]
    assert "快递" not in texts[unknown.pk]
    assert "shipped_by" not in texts[unknown.pk]


def test_words_carry_the_tracking_link(provider: Provider) -> None:
    order = fresh_order()
    run_all()
    url = tracking_url(order_id=order.pk)
    assert url in Delivery.objects.get().text
    assert Client().get(urlsplit(url).path).status_code == 200


def test_the_orders_page_says_what_was_told_and_why_not(client: Client, provider: Provider) -> None:
    order = fresh_order()
    run_all()
    client.force_login(make_staff(roles=["supervisor"]))
    page = client.get(f"/desk/orders/{order.pk}/notices/", headers={"Accept-Language": "en"}).content.decode()
    assert "****" in page
    assert Delivery.objects.get().to not in page
    assert f"/desk/orders/{order.pk}/notices/" in client.get(f"/desk/orders/{order.pk}/").content.decode()


def test_the_settings_are_saved_together(client: Client) -> None:
    client.force_login(make_staff(roles=["admin"]))
    assert client.get("/settings/order-notices/").status_code == 200
    fields = {
        "version": "1", "has_quiet_hours": "on", "quiet_from": "21:00", "quiet_until": "09:00", "daily_cap": "3",
        "channels": "sms,wechat,push,email",
    }  # fmt: skip
    for step in NoticeStep:
        fields |= {f"{step}-version": "0", f"{step}-is_on": "on", f"{step}-hours": "24"}
    assert client.post("/settings/order-notices/", fields).status_code == 302
    assert client.post("/settings/order-notices/", fields).status_code == 409
    assert client.post("/settings/order-notices/", fields | {"daily_cap": "0"}).status_code == 422


def test_the_list_takes_as_many_statements_for_three_as_for_one(
    provider: Provider, django_assert_num_queries: Any
) -> None:
    order = make_order(shop=make_shop(), at=timezone.now(), placed_at=timezone.now())
    run_all()
    with django_assert_num_queries(3):
        notices_of(order.pk)
    for step in ("delayed", "exception"):
        notify_order(order_id=order.pk, step=step, happened_at=timezone.now(), at=timezone.now())
    with django_assert_num_queries(3):
        assert len(notices_of(order.pk)) == 3


@pytest.mark.parametrize(("kind", "told"), [("stalled", 1), ("unclaimed", 0)])
def test_a_parcel_that_stands_still_is_told_once_before_anybody_asks(kind: str, told: int) -> None:
    parcel = make_parcel(make_order(email="li@mail.example"))
    found = make_exception(parcel, kind, opened_at=timezone.now())
    payload = ExceptionOpened(parcel.pk, parcel.carrier_id, Code(kind))
    for _ in range(2):
        with transaction.atomic():
            record("exception.opened", subject=found, actor=SYSTEM, at=timezone.now(), data=payload)
    run_all()
    assert OrderNotice.objects.filter(step=NoticeStep.EXCEPTION, parcel=parcel).count() == told
