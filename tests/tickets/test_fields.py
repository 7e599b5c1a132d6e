"""A shop's own fields: filled, required before resolving, shown beside the ticket, in the story, in the form."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput
from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.desk import make_category, make_desk_ticket
from tickets import services
from tickets.errors import FieldsMissing
from tickets.models import CustomField, FieldValue, Ticket
from tickets.selectors.fields import tickets_with_value, value_words
from tickets.services.fields import FieldWords, read_value

pytestmark = pytest.mark.django_db
CHOICES = [{"value": "a", "zh": "外箱", "en": "Box"}, {"value": "b", "zh": "杯身", "en": "Cup"}]


def make_field(**fields: Any) -> CustomField:
    key = f"f-{uuid4().hex[:6]}"
    words = FieldWords(**{"key": key, "label_zh": "批次号", "label_en": "Batch", **fields})
    return services.save_field(pk=None, words=words)


def fill(ticket: Ticket, values: dict[int, str], staff: Any = None) -> Ticket:
    actor = Actor.staff(staff or make_staff())
    return services.fill_fields(ticket_id=ticket.pk, values=values, actor=actor, at=timezone.now())


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("text", "  B2026  1 ", "B2026 1"), ("number", "1,200.50", "1200.5"), ("number", "-3", "-3"),
        ("number", "abc", None), ("number", "NaN", None), ("number", "1e400", None), ("number", "Infinity", None),
        ("date", "2026-11-22", "2026-11-22"), ("date", "2026-02-30", None), ("choice", "a", "a"), ("choice", "z", None),
        ("yesno", "yes", "yes"), ("yesno", "maybe", None), ("text", "x" * 501, None), ("date", "", ""),
    ],
)  # fmt: skip
def test_values_are_read_strictly(kind: str, typed: str, stored: str | None) -> None:
    field = CustomField(kind=kind, choices=CHOICES)
    if stored is None:
        with pytest.raises(InvalidInput):
            read_value(field, typed)
    else:
        assert read_value(field, typed) == stored


def test_values_are_said_as_people_read_them() -> None:
    assert value_words("choice", "b", CHOICES, "zh-hans") == "杯身"
    assert value_words("yesno", "no", [], "zh-hans")
    assert value_words("number", "1200.5", [], "zh-hans") in {"1,200.5", "1200.5"}
    assert value_words("date", "2026-11-22", [], "zh-hans")


def test_a_person_cannot_resolve_before_required_fields_are_filled_by_any_door(client: Client) -> None:
    top = make_category()
    leaf = make_category(parent=top)
    field = make_field(category_id=top.pk, is_required=True)
    ticket, staff = make_desk_ticket(category=leaf), make_staff(roles=["agent_senior"])
    same: dict[str, Any] = {"ticket_id": ticket.pk, "actor": Actor.staff(staff), "at": timezone.now()}
    for door in (
        lambda: services.resolve_ticket(**same),
        lambda: services.reply_to_ticket(text="好", client_id=uuid4(), then_status="resolved", **same),
    ):
        with pytest.raises(FieldsMissing) as caught:
            door()
        assert list(caught.value.fields) == [f"field_{field.pk}"]
    ticket.refresh_from_db()
    assert (ticket.status, ticket.messages.count()) == ("new", 1)
    fill(ticket, {field.pk: "B1"}, staff)
    assert services.resolve_ticket(**same).status == "resolved"


def test_the_system_resolves_without_them_and_other_categories_do_not_ask() -> None:
    field = make_field(category_id=make_category().pk, is_required=True)
    ticket = make_desk_ticket(category=make_category())
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    other = make_desk_ticket(category=field.category)
    assert services.resolve_ticket(ticket_id=other.pk, actor=SYSTEM, at=timezone.now()).status == "resolved"


def test_filling_is_one_event_and_the_story_says_which(client: Client) -> None:
    field, ticket, staff = make_field(), make_desk_ticket(), make_staff(roles=["agent_senior"])
    fill(ticket, {field.pk: "B1", 999999: "x"}, staff)
    fill(ticket, {field.pk: "B1"}, staff)
    event = Event.objects.get(kind="ticket.fields_filled", ticket_id=ticket.pk)
    assert event.data["field_ids"] == [field.pk]
    assert "B1" not in str(event.data)
    client.force_login(staff)
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert page.count("批次号") >= 2
    assert "B1" in page


def test_all_wrong_values_are_said_at_once_and_nothing_is_written() -> None:
    one, two, ticket = make_field(kind="number"), make_field(kind="date"), make_desk_ticket()
    with pytest.raises(InvalidInput) as caught:
        fill(ticket, {one.pk: "x", two.pk: "y"})
    assert set(caught.value.fields) == {f"field_{one.pk}", f"field_{two.pk}"}
    assert not FieldValue.objects.exists()


def test_the_desk_asks_for_what_is_missing_with_the_focus_there_and_resolves_after(client: Client) -> None:
    client.force_login(make_staff(roles=["agent_senior"]))
    make_field(label_zh="可有可无")
    field = make_field(is_required=True, kind="choice", choices=CHOICES)
    ticket = make_desk_ticket()
    asked = client.post(reverse("tickets:resolve", args=[ticket.pk]), HTTP_HX_REQUEST="true")
    html = asked.content.decode()
    assert (asked.status_code, asked["HX-Retarget"]) == (422, "#ask")
    assert f'name="field_{field.pk}" autofocus' in html
    url = reverse("tickets:fields", args=[ticket.pk])
    wrong = client.post(url, {f"field_{field.pk}": "zzz", "then": "resolve"}, HTTP_HX_REQUEST="true")
    assert (wrong.status_code, 'role="alert"' in wrong.content.decode()) == (422, True)
    done = client.post(url, {f"field_{field.pk}": "b", "then": "resolve"}, HTTP_HX_REQUEST="true")
    assert done.status_code == 204
    ticket.refresh_from_db()
    assert ticket.status == "resolved"
    assert client.get(url).status_code == 200


def test_a_reply_that_resolves_keeps_the_text_when_fields_are_missing(client: Client, settings: Any) -> None:
    settings.UNDO_SEND_SECONDS = 10
    client.force_login(make_staff(roles=["agent_senior"]))
    make_field(is_required=True)
    ticket = make_desk_ticket()
    values = {"text": "已处理", "then": "resolved", "client_id": str(uuid4())}
    told = client.post(reverse("tickets:reply", args=[ticket.pk]), values, HTTP_ACCEPT="application/json")
    assert (told.status_code, told.json()["code"]) == (422, "fields_missing")
    page = client.post(reverse("tickets:reply", args=[ticket.pk]), values).content.decode()
    assert "已处理" in page


def test_the_ticket_page_needs_no_further_statement_for_fields(client: Client) -> None:
    staff = make_staff(roles=["agent_senior"])
    client.force_login(staff)
    ticket = make_desk_ticket(assignee=staff)
    url = reverse("tickets:ticket", args=[ticket.pk])
    client.get(url)
    with CaptureQueriesContext(connection) as before:
        client.get(url)
    for _number in range(3):
        make_field(is_required=True)
    with CaptureQueriesContext(connection) as after:
        client.get(url)
    assert len(after) == len(before) <= 12


def test_used_kinds_and_choices_stay() -> None:
    field, ticket = make_field(kind="choice", choices=CHOICES), make_desk_ticket()
    fill(ticket, {field.pk: "a"})
    words: dict[str, Any] = {"key": field.key, "label_zh": "x", "label_en": "x"}
    with pytest.raises(InvalidInput):
        services.save_field(pk=field.pk, words=FieldWords(**words, kind="text"))
    kept = [CHOICES[1], {"value": "c", "zh": "丙", "en": "C"}]
    with pytest.raises(InvalidInput):
        services.save_field(pk=field.pk, words=FieldWords(**words, kind="choice", choices=kept))
    services.save_field(pk=field.pk, words=FieldWords(**words, kind="choice", choices=CHOICES, is_active=False))


def test_a_value_finds_its_ticket() -> None:
    field, ticket = make_field(), make_desk_ticket()
    fill(ticket, {field.pk: "B20261101"})
    assert tickets_with_value("B20261101") == [ticket.pk]
    assert tickets_with_value("B2026") == []


def test_settings_pages_add_and_change_fields(client: Client) -> None:
    client.force_login(make_staff(roles=["manager"]))
    values = {"label_zh": "破损部位", "label_en": "Damage", "key": "damage", "kind": "choice", "position": 0,
              "choices": "box | 外箱 | Box\ncup｜杯身｜Cup", "is_required": "on", "is_active": "on"}  # fmt: skip
    assert client.post(reverse("tickets:settings_field_new"), values).status_code == 302
    field = CustomField.objects.get(key="damage")
    assert [one["value"] for one in field.choices] == ["box", "cup"]
    url = reverse("tickets:settings_field_edit", args=[field.pk])
    assert "box | 外箱 | Box" in client.get(url).content.decode()
    assert client.post(url, {**values, "choices": "box", "version": field.version}).status_code == 422
    assert client.post(url, {**values, "label_zh": "坏在哪里", "version": field.version}).status_code == 302
    assert "坏在哪里" in client.get(reverse("tickets:settings_fields")).content.decode()


def test_erasing_a_person_erases_the_values_and_what_waits() -> None:
    from tests.factories.tickets import make_ticket
    from tickets.services.erasing import erase_ticket_texts

    field, ticket = make_field(), make_ticket()
    fill(ticket, {field.pk: "13800138000"})
    assert ticket.customer_id is not None
    erase_ticket_texts(ticket.customer_id)
    assert not FieldValue.objects.exists()


def test_customers_fill_public_fields_in_the_form_and_search_finds_them(client: Client, settings: Any) -> None:
    from core.crypto import random_token
    from tickets.selectors.search import search_tickets

    settings.CONTACT_FORM_MIN_SECONDS = 0
    category = make_category(is_public=True)
    field = make_field(category_id=category.pk, is_public=True, is_required=True)
    other = make_field(category_id=make_category(is_public=True).pk, is_public=True, kind="number")
    make_field(category_id=category.pk, label_zh="内部字段")
    page = client.get(reverse("tickets:contact"), HTTP_ACCEPT_LANGUAGE="zh-hans").content.decode()
    assert (f'name="own_{field.pk}"' in page, "内部字段" in page) == (True, False)
    values = {
        "draft": random_token(), "text": "杯子裂了", "email": "lin@example.com", "category": category.pk,
        f"own_{field.pk}": "B20261101", f"own_{other.pk}": "x",
    }  # fmt: skip
    refused = client.post(reverse("tickets:contact"), values)
    assert (refused.status_code, "B20261101" in refused.content.decode()) == (422, True)
    client.post(reverse("tickets:contact"), {**values, f"own_{other.pk}": "3"})
    assert list(FieldValue.objects.values_list("field_id", "value")) == [(field.pk, "B20261101")]
    found = search_tickets(make_staff(roles=["manager"]), "B20261101", now=timezone.now())
    assert [hit.row.id for hit in found.hits] == [FieldValue.objects.get().ticket_id]
