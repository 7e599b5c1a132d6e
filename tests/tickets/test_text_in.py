"""Text messages in: joined to what they answer, else a ticket; once, whatever comes twice, at once, late or erased."""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.jobs import drain
from core.models import Event
from customers.models import Customer
from customers.services import block_customer, erase_customer, merge_customers
from notifications.models import Delivery, InboundText
from notifications.receipts import TextReply
from notifications.services import queue_message, take_text
from notifications.services.keeping import forget_old
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.notices import PHONE, TEMPLATE, make_words
from tests.factories.orders import make_order
from tests.factories.tickets import make_ticket
from tickets import services
from tickets.models import Message, Ticket
from tickets.services.text_in import take_text_message

pytestmark = pytest.mark.django_db(transaction=True)
_number = itertools.count(1)


def text(words: str = "什么时候到？", phone: str = PHONE, at: datetime | None = None) -> InboundText:
    """Have a customer's text come in, as the provider's door does."""
    at = at or timezone.now()
    row = take_text(reply=TextReply(str(next(_number)), phone, words, at), at=at)
    assert row is not None
    return row


def arrive(words: str = "什么时候到？", phone: str = PHONE) -> InboundText:
    row = text(words, phone)
    drain(seconds=5)
    row.refresh_from_db()
    return row


def sent_text(customer: Customer | None, at: datetime | None = None, **fields: Any) -> Delivery:
    """Have a text of ours go to the phone."""
    make_words()
    return queue_message(
        key=f"tests-text:{next(_number)}", channel="sms", template=TEMPLATE, language="zh-hans", to=PHONE,
        context={"order_number": "A1", "url": ""}, customer_id=customer.pk if customer else None,
        at=at or timezone.now(), due_at=timezone.now() + timedelta(hours=1), **fields,
    )  # fmt: skip


def test_an_unknown_phone_opens_a_ticket_with_a_customer() -> None:
    row = arrive("你们几点下班？")
    ticket = Ticket.objects.get()
    assert (ticket.channel, ticket.status, ticket.is_spam, ticket.subject) == ("sms", "new", False, "你们几点下班？")
    assert (row.ticket_id, row.customer_id) == (ticket.pk, ticket.customer_id)
    assert ticket.customer is not None
    assert ticket.customer.identities.get().value == PHONE
    message = ticket.messages.get()
    assert (message.channel, message.author_type, message.text) == ("sms", "customer", "你们几点下班？")
    arrive("喂？")
    assert [one.text for one in ticket.messages.order_by("seq")] == ["你们几点下班？", "喂？"]
    assert Customer.objects.count() == 1


def test_an_answer_about_an_order_joins_that_orders_ticket() -> None:
    order = make_order(phone=PHONE)
    other = make_ticket(customer=order.customer, channel="sms")
    mine = make_ticket(customer=order.customer, order_id=order.pk)
    make_ticket(customer=order.customer, channel="sms")
    sent_text(order.customer, order_id=order.pk)
    row = arrive()
    assert row.ticket_id == mine.pk
    assert mine.messages.order_by("seq").last().text == "什么时候到？"
    assert other.messages.count() == 1


def test_an_answer_about_an_order_without_a_ticket_opens_one_with_the_order() -> None:
    order = make_order(phone=PHONE)
    elsewhere = make_ticket(customer=order.customer, channel="sms")
    sent_text(order.customer, order_id=order.pk)
    row = arrive()
    ticket = Ticket.objects.exclude(pk=elsewhere.pk).get()
    assert (row.ticket_id, ticket.channel) == (ticket.pk, "sms")
    assert (ticket.order_id, ticket.shop_id) == (order.pk, order.shop_id)


def test_somebody_elses_order_is_not_named() -> None:
    order = make_order(phone="13900000001")  # the number was hers; now another customer has it
    sent_text(order.customer, order_id=order.pk)
    customer = make_customer(phone=PHONE)
    arrive()
    ticket = Ticket.objects.get()
    assert (ticket.customer_id, ticket.order_id) == (customer.pk, None)


def test_an_old_text_of_ours_says_nothing_about_the_order() -> None:
    order = make_order(phone=PHONE)
    sent_text(order.customer, order_id=order.pk, at=timezone.now() - timedelta(days=40))
    arrive()
    assert Ticket.objects.get().order_id is None


def test_without_an_order_the_newest_open_ticket_that_is_surely_hers() -> None:
    customer = make_customer(phone=PHONE, email="wang@example.com")
    make_ticket(customer=customer, channel="sms")
    hers = make_ticket(customer=customer, channel="email", contact_email="wang@example.com")
    make_ticket(customer=customer, channel="email", contact_email="evil@example.com")
    make_ticket(customer=customer, channel="form")  # opened by whoever typed her number
    done = make_ticket(customer=customer, channel="sms")
    services.resolve_ticket(ticket_id=done.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    assert arrive().ticket_id == hers.pk


@pytest.mark.parametrize("closed", [False, True])
def test_an_answer_to_our_answer_opens_a_finished_ticket_again(closed: bool) -> None:
    customer = make_customer(phone=PHONE)
    ticket = make_ticket(customer=customer, channel="sms")
    sent_text(customer, ticket_id=ticket.pk)
    services.resolve_ticket(
        ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now() - timedelta(days=8 * closed)
    )
    if closed:
        services.close_resolved_ticket(ticket_id=ticket.pk, round_=0, at=timezone.now())
    arrive("还是不行")
    ticket.refresh_from_db()
    assert (ticket.status, Ticket.objects.count()) == ("open", 1)
    assert Event.objects.filter(kind="ticket.reopened", ticket_id=ticket.pk).exists()


def test_a_joined_customers_text_goes_to_the_record_that_counts() -> None:
    source, target = make_customer(phone=PHONE), make_customer()
    ticket = make_ticket(customer=target, channel="sms")
    merge_customers(source_id=source.pk, target_id=target.pk, actor=SYSTEM, at=timezone.now())
    row = arrive()
    assert (row.ticket_id, row.customer_id) == (ticket.pk, target.pk)


def test_a_joined_ticket_hands_the_text_on() -> None:
    customer = make_customer(phone=PHONE)
    source, target = (make_ticket(customer=customer, channel="sms") for _ in range(2))
    sent_text(customer, ticket_id=source.pk)
    Ticket.objects.filter(pk=source.pk).update(merged_into=target)
    assert arrive().ticket_id == target.pk
    assert target.messages.filter(text="什么时候到？").count() == 1


def test_stop_words_open_nothing() -> None:
    row = arrive("TD")
    assert (row.is_stop, row.ticket_id, Ticket.objects.count(), Customer.objects.count()) == (True, None, 0, 0)
    assert take_text_message(text_id=row.pk, at=timezone.now()) is None


def test_told_twice_or_done_twice_it_is_one_message() -> None:
    at = timezone.now()
    reply = TextReply("77", PHONE, "在吗", at)
    rows = [take_text(reply=reply, at=at) for _ in range(2)]
    drain(seconds=5)
    assert rows[0] is not None
    assert rows[1] is None
    ticket = Ticket.objects.get()
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    again = take_text_message(text_id=rows[0].pk, at=timezone.now())
    ticket.refresh_from_db()
    assert (again, ticket.status, Message.objects.count(), Ticket.objects.count()) == (ticket, "resolved", 1, 1)


def test_texts_at_once_are_one_ticket_with_each_message_once() -> None:
    rows = [text(f"第{n}条") for n in range(3)]
    jobs, start, done = [rows[0], rows[0], *rows[1:], rows[2]], threading.Barrier(5), []

    def work(row: InboundText) -> None:
        try:
            start.wait()
            done.append(take_text_message(text_id=row.pk, at=timezone.now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[row]) for row in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 5
    assert sorted(Ticket.objects.get().messages.values_list("text", flat=True)) == ["第0条", "第1条", "第2条"]
    assert Customer.objects.count() == 1


def test_blocked_people_and_advertisements_go_to_spam() -> None:
    customer = make_customer(phone=PHONE)
    block_customer(customer_id=customer.pk, reason="by_agent", actor=SYSTEM, at=timezone.now())
    arrive("骂人的话")
    services.block_sender(kind="phone", value="13900000002", reason="", staff_id=None, at=timezone.now())
    arrive("还有我", phone="13900000002")
    arrive("代开发票 加微信 www.a.top", phone="13900000003")
    arrive("您的话费余额不足", phone="10086")
    assert list(Ticket.objects.values_list("is_spam", flat=True)) == [True] * 4
    assert list(Ticket.objects.values_list("customer_id", flat=True).order_by("pk"))[-1] is None


def test_a_flood_is_kept_but_not_shown_and_said_once(settings: Any) -> None:
    settings.INBOUND_PER_SENDER = 3
    for n in range(6):
        arrive(f"第{n}条")
    ticket = Ticket.objects.get()
    assert list(ticket.messages.order_by("seq").values_list("kind", flat=True)) == ["public"] * 3 + ["note"]
    assert InboundText.objects.filter(ticket_id__isnull=True).count() == 3


def test_erased_before_its_turn_it_is_no_message_and_after_it_is_blank() -> None:
    customer = make_customer(phone=PHONE)
    sent_text(customer)
    row = text()
    erase_customer(customer_id=customer.pk, reason="asked", actor=SYSTEM, at=timezone.now())
    drain(seconds=5)
    assert Ticket.objects.count() == 0
    row = arrive("又来了", phone="13900000004")
    assert row.customer_id is not None
    erase_customer(customer_id=row.customer_id, reason="asked", actor=SYSTEM, at=timezone.now())
    row.refresh_from_db()
    assert (row.text, row.phone, Message.objects.get().text) == ("", "", "")


def test_a_text_forgotten_by_its_age_leaves_the_message() -> None:
    row = arrive()
    InboundText.objects.filter(pk=row.pk).update(received_at=timezone.now() - timedelta(days=4000))
    forget_old(now=timezone.now())
    assert not InboundText.objects.exists()
    assert take_text_message(text_id=row.pk, at=timezone.now()) is None
    assert Message.objects.get().text == "什么时候到？"
