"""Why a status was changed: in the agent's own words, beside the change."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.desk import make_category
from tests.factories.tickets import make_ticket
from tickets.models import Ticket
from tickets.services.fields import FieldWords, save_field

pytestmark = pytest.mark.django_db


def change(ticket: Ticket, **values: str) -> int:
    client = Client()
    client.force_login(make_staff(roles=["admin"]))
    address = reverse("tickets:status", args=[ticket.pk])
    return client.post(address, values, headers={"HX-Request": "true"}).status_code


@pytest.mark.parametrize("status", ["waiting_customer", "resolved"])
def test_the_words_stay_in_the_ticket_and_not_in_the_events(status: str) -> None:
    ticket = make_ticket()
    assert change(ticket, status=status, why="客户说周五再联系") == 200
    ticket.refresh_from_db()
    note = ticket.messages.get(kind="note")
    assert (ticket.status, note.text, note.public_seq) == (status, "客户说周五再联系", None)
    assert not Event.objects.filter(ticket_id=ticket.pk, data__icontains="周五").exists()


def test_without_words_there_is_no_note() -> None:
    ticket = make_ticket()
    change(ticket, status="waiting_customer", why="  ")
    assert not ticket.messages.filter(kind="note").exists()


def test_too_many_words_change_nothing() -> None:
    ticket = make_ticket()
    assert change(ticket, status="waiting_customer", why="长" * 501) == 422
    ticket.refresh_from_db()
    assert ticket.status == "new"


def test_a_status_it_has_already_takes_no_words() -> None:
    ticket = make_ticket()
    change(ticket, status="new", why="点错了")
    assert not ticket.messages.filter(kind="note").exists()


def test_the_words_outlive_the_question_for_details() -> None:
    category = make_category()
    words = FieldWords(key="batch", label_zh="批次", label_en="Batch", category_id=category.pk, is_required=True)
    field = save_field(pk=None, words=words)
    ticket = make_ticket(category_id=category.pk)
    client = Client()
    client.force_login(make_staff(roles=["admin"]))
    asked = client.post(reverse("tickets:status", args=[ticket.pk]), {"status": "resolved", "why": "已补发"})
    assert asked.status_code == 422
    assert 'name="why" value="已补发"' in asked.content.decode()
    told = {"then": "resolve", "why": "已补发", f"field_{field.pk}": "A1"}
    client.post(reverse("tickets:fields", args=[ticket.pk]), told)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.messages.get(kind="note").text) == ("resolved", "已补发")
