"""How many statements the two things done all day cost: an answer, and a ticket opened."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import make_staff
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
    assert len(said) == 2 and all(message.delivery_id for message in said)
