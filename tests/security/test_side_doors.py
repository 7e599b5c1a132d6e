"""A13, A15, A19, A33, A36: fields nobody asked for, headers of others' gates, foreign pages, rights just taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from orders.models import Order
from tests.factories.accounts import make_api_key, make_staff, make_team
from tests.factories.orders import make_order, make_shop
from tests.security.world import Words, found_company, make_side
from tickets.api.serializers import TicketIn
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db


def every_field_name() -> dict[str, Any]:
    """Return all names of columns and relations of our models with a value that would show."""
    ours = [model for model in apps.get_models() if model.__module__.split(".")[0] in {"tickets", "orders", "accounts"}]
    names = {field.name for model in ours for field in model._meta.get_fields()}
    names |= {f"{name}_id" for name in names} | {"is_staff", "is_superuser", "site", "refund_amount", "__class__", "pk"}
    return dict.fromkeys(sorted(names), 1)


def test_fields_nobody_asked_for_change_nothing(client: Client) -> None:
    shop, other = make_shop("main"), make_shop("other")
    _row, key = make_api_key(scopes=["tickets.read", "tickets.write", "orders.write"], shop_ids=[shop.pk])
    head = {"Authorization": f"Bearer {key}"}
    good = {"shop": "main", "subject": "杯子", "text": "裂了", "customer": {"email": "li@mail.example"}}
    victim = make_order(shop=other)

    def send(path: str, body: dict[str, Any], number: int) -> Any:
        place = {**head, "Idempotency-Key": f"mass-{path}-{number}"}
        return client.post(path, json.dumps(body), content_type="application/json", headers=place)

    plain = send("/api/v1/tickets/", good, 1)
    assert plain.status_code == 201, plain.content
    known = set(TicketIn().fields)
    crowded = send("/api/v1/tickets/", {**{n: v for n, v in every_field_name().items() if n not in known}, **good}, 2)
    if crowded.status_code == 201:
        told = {name: value for name, value in crowded.json().items() if name in ("status", "channel", "priority")}
        assert told == {name: plain.json()[name] for name in told}
    else:
        assert crowded.status_code in {400, 422}
    for ticket in Ticket.objects.all():
        assert (ticket.assignee_id, ticket.merged_into_id, ticket.shop_id) == (None, None, shop.pk)
        assert (ticket.is_spam, ticket.resolved_at, ticket.order_id) == (False, None, None)
    assert send("/api/v1/tickets/", {**good, "shop": "other"}, 3).status_code in {400, 403, 404, 422}
    aside = {**good, "order_number": victim.number}
    assert send("/api/v1/tickets/", aside, 4).status_code in {201, 400, 404, 422}
    assert not Ticket.objects.filter(order=victim).exists()
    assert Order.objects.get(pk=victim.pk).shop_id == other.pk


def test_forms_of_the_desk_take_no_row_of_another_shop(client: Client) -> None:
    found_company()
    north, south = make_side("north", Words()), make_side("south", Words(phone="13655550002", email="b@mail.example"))
    client.force_login(north.agent)
    mine, path = north.ticket, f"/desk/t/{north.ticket.pk}"
    before = Ticket.objects.filter(pk=mine.pk).values().get()
    forms: dict[str, dict[str, object]] = {
        "order": {"order": south.order.pk, "order_id": south.order.pk, "number": south.order.number},
        "assign": {"assignee": south.agent.pk, "team": south.team.pk, "to": f"staff:{south.agent.pk}"},
        "reply": {"text": "x", "kind": "public", "attachment_ids": [south.ids["attachment"]], "client_id": "x"},
        "category": {"category": 10**9},
    }
    for name, fields in forms.items():
        answer = client.post(f"{path}/{name}/", {**every_field_name(), "version": before["version"], **fields})
        assert answer.status_code < 500, name
    after = Ticket.objects.get(pk=mine.pk)
    assert (after.order_id, after.shop_id, after.merged_into_id) == (before["order_id"], before["shop_id"], None)
    assert after.assignee_id != south.agent.pk
    assert after.team_id == before["team_id"]
    assert not Message.objects.filter(ticket=mine, attachments__ticket=south.ticket).exists()
    assert client.post(f"/desk/t/{south.ticket.pk}/assign/", {"assignee": north.agent.pk}).status_code == 404


def test_a_right_taken_away_is_gone_with_the_next_request(client: Client) -> None:
    found_company()
    side = make_side("north", Words())
    client.force_login(side.supervisor)
    path = f"/desk/t/{side.ticket.pk}/"
    assert client.get(path).status_code == 200
    side.supervisor.teams.clear()
    side.supervisor.teams.add(make_team("Elsewhere", shop_ids=[99]))
    assert client.get(path).status_code == 404
    type(side.supervisor).objects.filter(pk=side.supervisor.pk).update(is_active=False)
    assert client.get("/desk/").status_code == 302


def test_headers_of_a_gate_in_front_name_nobody(client: Client) -> None:
    found_company()
    admin = make_staff(roles=["admin"])
    forged = {
        "Remote-User": admin.email, "X-Remote-User": admin.email, "X-Forwarded-User": admin.email, "X-User-Id": "1",
        "X-Forwarded-Email": admin.email, "X-Auth-Request-Email": admin.email, "X-Original-URL": "/healthz",
        "X-Rewrite-URL": "/healthz", "X-HTTP-Method-Override": "GET",
    }  # fmt: skip
    for path in ("/desk/", "/settings/", "/system/", "/board/"):
        assert client.get(path, headers=forged).status_code == 302
    assert client.get("/api/v1/orders/", headers=forged).status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", "file://"])
def test_a_foreign_page_is_given_no_leave(client: Client, origin: str) -> None:
    found_company()
    client.force_login(make_staff(roles=["admin"]))
    _row, key = make_api_key(scopes=["orders.read"])
    for path in ("/", "/desk/", "/contact/", "/api/v1/orders/", "/api/v1/schema/", "/healthz", "/metrics"):
        for head in ({}, {"Authorization": f"Bearer {key}"}):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST", **head}
            for answer in (client.get(path, headers=asked), client.options(path, headers=asked)):
                allowed = [name for name in answer.headers if name.lower().startswith("access-control-")]
                assert allowed == [], path
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_staff(roles=["admin"]))
    strict.get("/desk/")
    token = strict.cookies["csrftoken"].value if "csrftoken" in strict.cookies else "x"
    answer = strict.post(
        "/desk/after-resolve/", {"csrfmiddlewaretoken": token, "next": "list"}, headers={"Origin": origin}
    )
    assert answer.status_code == 403
