"""How many statements the two things done all day cost: an answer, and a ticket opened."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import make_api_key, make_staff
from tests.factories.desk import make_shop
from tests.factories.tickets import make_ticket
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db(transaction=True)  # what is committed, and when, decides what is read
HIDDEN = re.compile(r'<input type="hidden" name="(client_id|seen_version|seen|kind)" value="([^"]*)"')


def statements(work: Callable[[], Any]) -> list[str]:
    """Return the statements of a piece of work, as the benches count them."""
    sent: list[str] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        work()
    return sent


def answer(client: Client, ticket: Ticket) -> list[str]:
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    hidden = HIDDEN.findall(page.partition('id="composer"')[2].partition("</form>")[0])
    form = {**{name: unescape(value) for name, value in hidden}, "kind": "public", "text": "您好，今天寄出。"}
    return statements(lambda: client.post(reverse("tickets:reply", args=[ticket.pk]), form))


def test_an_answer(client: Client) -> None:
    client.force_login(make_staff(roles=["agent_senior"]))
    ticket = make_ticket(contact_email="lin@example.com", shop_id=make_shop().pk)
    assert len(answer(client, ticket)) == 24  # it takes the ticket, opens it and stops its first clock
    sent = answer(client, ticket)
    assert len(sent) == 19, sent
    said = Message.objects.filter(ticket=ticket, author_type="staff")
    assert [bool(message.delivery_id) for message in said] == [True, True]


def test_a_ticket_by_the_api(client: Client) -> None:
    make_shop(code="main")
    _key, plain = make_api_key(scopes=["tickets.write"])

    def opened(**contact: str) -> list[str]:
        body = {"shop": "main", "customer": contact, "text": "杯子有裂纹", "category": "quality-defect"}
        headers = {"Authorization": f"Bearer {plain}", "Idempotency-Key": uuid4().hex}
        sent = statements(
            lambda: client.post("/api/v1/tickets/", json.dumps(body), content_type="application/json", headers=headers)
        )
        assert Ticket.objects.latest("pk").messages.count() == 2
        return sent

    phone = {"phone": "13800138000", "name": "王小明"}
    opened(phone="13900139000")  # the key was not used for a minute, the statements are not kept yet
    sent = opened(**phone)
    assert len(sent) == 27, sent  # one of them: whether text messages go out, for who left a phone only
    sent = opened(**phone)  # somebody known
    assert len(sent) == 22, sent
    sent = opened(phone="13700137000", email="lin@example.com")  # the acknowledgement goes by mail
    assert len(sent) == 31, sent
