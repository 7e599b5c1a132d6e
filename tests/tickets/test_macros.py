"""Macros: one press, one transaction, checked before, taken back as a whole."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Staff
from core.errors import InvalidInput
from tests.factories.accounts import make_staff
from tests.factories.desk import make_category
from tests.factories.tickets import make_ticket
from tickets import services
from tickets.models import Category, HeldMessage, Macro, Message, Ticket
from tickets.services.macros import MacroWords

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client: Client, settings: Any) -> Staff:
    settings.UNDO_SEND_SECONDS = 10
    staff = make_staff(roles=["agent_senior"])
    client.force_login(staff)
    return staff


def make_macro(**fields: Any) -> Macro:
    return services.save_macro(pk=None, words=MacroWords(**{"title": f"宏 {uuid4().hex[:6]}", **fields}))


def run(client: Client, ticket: Ticket, macro: Macro, text: str | None = None, **more: Any) -> Any:
    values = {
        "text": macro.body if text is None else text, "macro": macro.pk, "macro_version": macro.version,
        "client_id": str(uuid4()), "kind": macro.kind, **more,
    }  # fmt: skip
    return client.post(reverse("tickets:reply", args=[ticket.pk]), values, HTTP_ACCEPT="application/json")


def release_all() -> list[Message | None]:
    return [
        services.release_held(held_id=held.pk, version=held.version, at=timezone.now())
        for held in HeldMessage.objects.filter(state="held").order_by("pk")
    ]


def test_every_step_happens_with_the_words(client: Client, agent: Staff) -> None:
    category, ticket = make_category(), make_ticket(tags=["旧"])
    macro = make_macro(
        body="已为您登记补发。", status="resolved", priority=30, category_id=category.pk, add_tags=("补发",),
        remove_tags=("旧",), assign="me",
    )  # fmt: skip
    assert run(client, ticket, macro).status_code == 200
    assert Message.objects.filter(ticket=ticket, author_type="staff").count() == 0
    release_all()
    ticket.refresh_from_db()
    assert (ticket.status, ticket.priority, ticket.category_id, ticket.tags, ticket.assignee_id) == (
        "resolved", 30, category.pk, ["补发"], agent.pk,
    )  # fmt: skip
    assert Message.objects.get(ticket=ticket, author_type="staff").text == "已为您登记补发。"
    macro.refresh_from_db()
    assert macro.used_count == 1


def test_a_macro_taken_back_did_nothing(client: Client, agent: Staff) -> None:
    ticket = make_ticket()
    answer = run(client, ticket, make_macro(body="好的", status="resolved", priority=40)).json()
    client.post(answer["held"]["undo"])
    assert release_all() == []
    ticket.refresh_from_db()
    assert (ticket.status, ticket.priority) == ("new", 20)


def test_a_macro_without_words_only_takes_its_steps(client: Client, agent: Staff) -> None:
    ticket = make_ticket()
    assert run(client, ticket, make_macro(add_tags=("加急",), status="waiting_department")).status_code == 200
    release_all()
    ticket.refresh_from_db()
    assert (ticket.tags, ticket.status) == (["加急"], "waiting_department")
    assert not Message.objects.filter(ticket=ticket, author_type="staff").exists()


def test_a_step_that_fails_stops_all_of_it(client: Client, agent: Staff) -> None:
    category, ticket = make_category(), make_ticket()
    run(client, ticket, make_macro(body="好的", priority=40, category_id=category.pk))
    Category.objects.filter(pk=category.pk).update(is_active=False)
    assert release_all() == [None]
    ticket.refresh_from_db()
    assert (ticket.priority, Message.objects.filter(ticket=ticket, author_type="staff").count()) == (20, 0)
    assert HeldMessage.objects.get(ticket=ticket).state == "stopped"


def test_a_macro_asks_for_the_rights_of_all_its_steps(client: Client, settings: Any) -> None:
    settings.UNDO_SEND_SECONDS = 10
    junior, ticket = make_staff(roles=["agent_junior"]), make_ticket()
    client.force_login(junior)
    macro = make_macro(body="转给同事", assign="queue")
    assert run(client, ticket, macro).status_code == 403
    shown = client.get(reverse("tickets:macros", args=[ticket.pk])).content.decode()
    assert 'aria-disabled="true"' in shown


def test_a_macro_changed_since_it_was_looked_at_is_refused(client: Client, agent: Staff) -> None:
    ticket, macro = make_ticket(), make_macro(body="旧的")
    assert run(client, ticket, macro, macro_version=macro.version + 1).status_code == 409
    assert not HeldMessage.objects.exists()


def test_a_colleagues_own_macro_is_not_there(client: Client, agent: Staff) -> None:
    macro = make_macro(body="私用", owner_id=make_staff().pk)
    ticket = make_ticket()
    assert run(client, ticket, macro).status_code == 422
    assert macro.title not in client.get(reverse("tickets:macros", args=[ticket.pk])).content.decode()
    assert client.get(reverse("tickets:settings_macro_edit", args=[macro.pk])).status_code == 404


def test_variables_are_filled_and_the_open_ones_named(client: Client, agent: Staff) -> None:
    ticket = make_ticket()
    make_macro(title="补发", body="{customer_name}您好，单号 {tracking_number}")
    shown = client.get(reverse("tickets:macros", args=[ticket.pk]) + "?q=补").content.decode()
    assert ticket.customer is not None
    assert f"{ticket.customer.name}您好" in shown
    assert "text-warn" in shown


def test_a_macro_that_does_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        make_macro()


def test_settings_pages_add_change_and_list_macros(client: Client) -> None:
    client.force_login(make_staff(roles=["manager"]))
    values = {"title": "补发并解决", "kind": "public", "body": "好的", "status": "resolved", "assign": "me",
              "add_tags": "补发 加急", "is_shared": "on", "is_active": "on"}  # fmt: skip
    assert client.post(reverse("tickets:settings_macro_new"), values).status_code == 302
    macro = Macro.objects.get(title="补发并解决")
    assert (macro.add_tags, macro.owner_id) == (["加急", "补发"], None)
    url = reverse("tickets:settings_macro_edit", args=[macro.pk])
    assert client.post(url, {**values, "title": "补发", "version": macro.version}).status_code == 302
    assert client.post(url, {**values, "title": "晚了", "version": macro.version}).status_code == 422
    assert "补发" in client.get(reverse("tickets:settings_macros")).content.decode()
