"""Who left a phone and no mail address: acknowledged and answered by text message, and the agent knows beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import Expired, InvalidInput, NotFound
from notifications.models import Delivery
from notifications.services import save_provider_template
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.notices import PHONE, make_account, run_all
from tests.factories.tickets import make_reply, make_ticket
from tests.providers import Provider, provider_server
from tests.tickets.test_text_in import arrive
from tickets.models import Message, Ticket
from tickets.permissions import customer_url, get_ticket_by_link, short_customer_url
from tickets.services import resolve_ticket
from tickets.services.outgoing import ACK_TEMPLATE, LINK_TEMPLATE, REPLY_TEMPLATE
from tickets.services.text_out import ACKS_PER_HOUR

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with provider_server() as server:
        make_account("sms", server)
        yield server


def approve(*keys: str) -> None:
    for key in keys:
        save_provider_template(
            channel="sms", key=key, language="zh-hans", code=f"SMS_{key[-4:]}", version=0, actor=SYSTEM, fields="",
            at=timezone.now(),
        )  # fmt: skip


def phone_only(**more: Any) -> Ticket:
    return make_ticket(customer=make_customer(phone=PHONE, email=None), channel="form", **more)


def texts() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("template", flat=True))


def composer_of(ticket: Ticket) -> str:
    client = Client()
    client.force_login(make_staff(roles=["agent_senior", "admin"]))
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    return page.partition('id="composer"')[2].partition("<textarea")[0]


def test_a_form_is_acknowledged_with_number_time_and_link(provider: Provider) -> None:
    approve(ACK_TEMPLATE)
    ticket = phone_only()
    run_all()
    delivery = Delivery.objects.get()
    assert (delivery.template, delivery.channel, delivery.state, delivery.to) == (ACK_TEMPLATE, "sms", "sent", PHONE)
    assert ticket.messages.get(kind="auto").delivery_id == delivery.pk
    assert ticket.number in delivery.text
    assert short_customer_url(ticket) in delivery.text
    params = json.loads(provider.sms[0]["TemplateParam"])
    assert max(map(len, params.values())) <= 35
    assert get_ticket_by_link(params["url"]).pk == ticket.pk  # of the address, what the provider's template has not


def test_a_phone_is_acknowledged_so_often_an_hour_and_no_more(provider: Provider) -> None:
    approve(ACK_TEMPLATE)
    customer = make_customer(phone=PHONE, email=None)
    for _ in range(ACKS_PER_HOUR + 2):
        make_ticket(customer=customer, channel="form")
    assert texts() == [ACK_TEMPLATE] * ACKS_PER_HOUR
    said = Message.objects.filter(kind="auto").count()
    assert said == ACKS_PER_HOUR, "what did not go out does not stand in the conversation"


def test_a_text_message_is_acknowledged_where_that_can_go_out(provider: Provider) -> None:
    arrive("杯子碎了")
    assert (texts(), Ticket.objects.get().messages.count()) == ([], 1)
    approve(ACK_TEMPLATE)
    done = Ticket.objects.get()
    resolve_ticket(ticket_id=done.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    arrive("还有一个问题，发票呢？")
    assert texts() == [ACK_TEMPLATE]
    assert list(Ticket.objects.latest("pk").messages.order_by("seq").values_list("kind", flat=True)) == [
        "public",
        "auto",
    ]


def test_short_answers_go_as_they_are_and_long_ones_as_a_link(provider: Provider) -> None:
    approve(REPLY_TEMPLATE, LINK_TEMPLATE)
    ticket, staff = phone_only(), make_staff()
    make_reply(ticket, staff, "您好，明天补发。")
    long = make_reply(ticket, staff, "长" * 200)
    assert texts() == [REPLY_TEMPLATE, LINK_TEMPLATE]
    delivery = Delivery.objects.latest("pk")
    long.refresh_from_db()
    assert long.delivery_id == delivery.pk
    page = Client().get(urlsplit(short_customer_url(ticket)).path)
    assert (page.status_code, "长" * 200 in page.content.decode()) == (200, True)
    assert "长" not in delivery.text


def test_a_long_answer_without_a_link_is_refused_with_its_length(provider: Provider) -> None:
    approve(REPLY_TEMPLATE)
    ticket = phone_only()
    with pytest.raises(InvalidInput) as caught:
        make_reply(ticket, make_staff(), "长" * 131)
    assert "131" in str(caught.value.fields["text"][0])


def test_who_has_a_mail_address_is_written_to_by_mail(provider: Provider) -> None:
    approve(ACK_TEMPLATE, REPLY_TEMPLATE, LINK_TEMPLATE)
    ticket = make_ticket(customer=make_customer(phone=PHONE, email="wang@example.com"), channel="form")
    make_reply(ticket, make_staff(), "您好")
    assert set(Delivery.objects.values_list("channel", flat=True)) == {"email"}
    assert "composer-alert" not in composer_of(ticket).replace('composer-alert" data-composer-alert', "")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ((), "Please call"),
        ((REPLY_TEMPLATE,), "130 characters at most"),
        ((REPLY_TEMPLATE, LINK_TEMPLATE), "as a link in it"),
        ((LINK_TEMPLATE,), "a link to your answer"),
    ],
)
def test_the_agent_reads_beforehand_how_an_answer_reaches_her(provider: Provider, keys: tuple[str], words: str) -> None:
    approve(*keys)
    staff_language = Client()
    staff_language.cookies["language"] = "en"
    ticket = phone_only()
    staff = make_staff(roles=["admin"], language="en")
    staff_language.force_login(staff)
    page = staff_language.get(reverse("tickets:ticket", args=[ticket.pk]), HTTP_ACCEPT_LANGUAGE="en").content.decode()
    assert words in page


def test_a_landline_gets_no_text_message(provider: Provider) -> None:
    approve(ACK_TEMPLATE, REPLY_TEMPLATE, LINK_TEMPLATE)
    ticket = make_ticket(customer=make_customer(phone="+8657188886666", email=None), channel="form")
    make_reply(ticket, make_staff(), "您好")
    assert texts() == []
    assert "alert-warn" in composer_of(ticket)


def test_a_short_link_is_proof_and_ends() -> None:
    ticket = phone_only()
    token = urlsplit(short_customer_url(ticket)).path.split("/")[2]
    assert len(token) <= 35
    assert get_ticket_by_link(token).pk == ticket.pk
    other = f"{ticket.pk + 1:x}.{token.partition('.')[2]}"
    for wrong in (other, token[:-1] + ("A" if token[-1] != "A" else "B"), f"{ticket.pk:x}."):
        with pytest.raises(NotFound):
            get_ticket_by_link(wrong)
    Ticket.objects.update(last_message_at=timezone.now() - timedelta(days=181))
    with pytest.raises(Expired):
        get_ticket_by_link(token)
    assert Client().get(urlsplit(customer_url(ticket)).path).status_code == 200  # the long one has its own clock
