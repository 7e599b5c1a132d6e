"""Answers by text message: cut into what the provider takes, else by mail, else said before anything is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput
from notifications.models import Delivery
from notifications.services import save_provider_template
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.notices import PHONE, make_account, run_all
from tests.factories.tickets import make_reply, make_ticket
from tests.providers import Provider, provider_server
from tests.tickets.test_text_in import arrive
from tickets import services
from tickets.models import Message, Ticket
from tickets.services.outgoing import REPLY_TEMPLATE
from tickets.services.text_out import text_pieces
from tickets.services.undo_send import Pressed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    settings.OUTGOING_ALLOW = ["127.0.0.1"]
    with provider_server() as server:
        make_account("sms", server)
        save_provider_template(
            channel="sms", key=REPLY_TEMPLATE, language="zh-hans", code="SMS_1", version=0, actor=SYSTEM, fields="",
            at=timezone.now(),
        )  # fmt: skip
        yield server


@pytest.mark.parametrize("text", ["好", "您好，马上为您处理。", "x" * 130, ("parcel to you " * 9).strip(), "a b"])
def test_pieces_are_the_whole_text(text: str) -> None:
    pieces = text_pieces(text)
    assert ("".join(pieces), len(pieces)) == (text, 4)
    assert all(piece == piece.strip() and len(piece) <= 35 for piece in pieces)


def test_a_text_that_is_too_long_has_no_pieces() -> None:
    assert text_pieces("x" * 131) == []


def test_an_answer_goes_out_as_a_text_message_and_the_next_text_joins(provider: Provider) -> None:
    row = arrive("什么时候到？")
    ticket = Ticket.objects.get()
    answer = make_reply(ticket, make_staff(), "您好，明天下午送到。")
    run_all()
    delivery = Delivery.objects.get(ticket_id=ticket.pk)
    answer.refresh_from_db()
    assert (delivery.channel, delivery.state, delivery.to, answer.delivery_id) == ("sms", "sent", PHONE, delivery.pk)
    params = json.loads(provider.sms[0]["TemplateParam"])
    assert "".join(params[f"text{n}"] for n in range(1, 5)) == delivery.text == "您好，明天下午送到。"
    assert (provider.sms[0]["TemplateCode"], len(provider.sms)) == ("SMS_1", 1)
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    assert arrive("好的").ticket_id == row.ticket_id


def test_what_no_text_message_holds_goes_by_mail_when_there_is_one(provider: Provider) -> None:
    ticket = make_ticket(customer=make_customer(phone=PHONE, email="wang@example.com"), channel="sms")
    make_reply(ticket, make_staff(), "长" * 200)
    assert Delivery.objects.get(ticket_id=ticket.pk).channel == "email"


def test_without_a_mail_address_it_is_refused_with_the_length(provider: Provider) -> None:
    ticket = make_ticket(customer=make_customer(phone=PHONE, email=None), channel="sms")
    with pytest.raises(InvalidInput) as caught:
        make_reply(ticket, make_staff(), "长" * 131)
    assert "131" in str(caught.value.fields["text"][0])
    assert ticket.messages.count() == 1


def test_with_no_way_out_nothing_is_sent_and_the_agent_is_told_first() -> None:
    arrive()
    ticket, staff = Ticket.objects.get(), make_staff()
    with pytest.raises(InvalidInput):
        make_reply(ticket, staff)
    pressed = Pressed(source="您好", client_id=uuid4())
    with pytest.raises(InvalidInput):
        services.hold_message(ticket_id=ticket.pk, pressed=pressed, actor=Actor.staff(staff), at=timezone.now())
    client = Client()
    client.force_login(staff)
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert "composer-alert" in page
    assert "no mail address is known" in page or "没有留邮箱" in page
    services.add_note(ticket_id=ticket.pk, text="打过电话了", actor=Actor.staff(staff), at=timezone.now())
    assert Message.objects.filter(ticket=ticket).count() == 2
    assert not Delivery.objects.exists()
