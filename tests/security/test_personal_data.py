"""A16, A17, A52: a customer's number, address and street reach nobody who did not reveal them, and no log."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client

from accounts.enums import Permission
from accounts.roles import permissions_of
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_api_key, make_staff
from tests.security.walk import routes
from tests.security.world import Words, found_company, make_side

PHONE, STREET, EMAIL = "13698712345", "金雀巷 94178835 号 6 幢 302", "canary.person@mail.example"
FORMS = (PHONE, f"+86{PHONE}", "136 9871 2345", "136-9871-2345", "金雀巷", "94178835", EMAIL, "canary.person")
SECRETS = ("token", "secret", "password", "_enc")
SEARCHED = ("search", "palette", "orders/", "list", "desk/", "customers")
WORDS = Words(phone=PHONE, street=STREET, email=EMAIL)


def shown(answer: Any) -> list[str]:
    """Return which forms of the canary an answer carries, in its body or its headers."""
    body = answer.content
    text = body.decode("utf-8", "replace") + str(dict(answer.headers))
    return [form for form in FORMS if form in text]


@pytest.fixture
def side(settings: Any) -> Any:
    settings.TRIAL = False
    found_company()
    return make_side("north", WORDS)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("role", ["agent_junior", "quality", "analyst", "trainer"])
def test_a_role_that_may_not_reveal_meets_no_number_anywhere(client: Client, side: Any, role: str) -> None:
    assert Permission.PII_REVEAL not in permissions_of([role])
    client.force_login(make_staff(roles=[role], teams=[side.team]))
    client.raise_request_exception = False
    values = side.ids | {"customer_id": side.customer.pk}
    queries = [
        "",
        f"?q={PHONE}",
        f"?q={PHONE[-4:]}",
        "?q=金雀巷",
        f"?q={EMAIL}",
        "?q=canary",
        f"?q={side.order.number}",
    ]
    found, seen = [], 0
    for route in routes():
        for query in queries:
            if query and not any(
                part in route.pattern for part in ("search", "palette", "orders/", "list", "desk/", "customers")
            ):
                continue
            answer = client.get(
                route.at(values) + query, headers={"HX-Request": "true"} if "panel" in route.pattern else {}
            )
            seen += answer.status_code == 200
            body = shown(answer)
            if query:  # what was asked for may stand in the search field again
                body = [form for form in body if form not in query and form[:6] not in query]
            if body:
                found.append(f"GET {route.pattern}{query}: {answer.status_code} shows {body}")
    assert found == []
    assert seen > 20


@pytest.mark.django_db
def test_the_api_tells_an_order_masked(client: Client, side: Any) -> None:
    _row, key = make_api_key(scopes=["orders.read", "tickets.read"])
    head = {"Authorization": f"Bearer {key}"}
    for path in (
        "/api/v1/orders/",
        f"/api/v1/orders/{side.order.number}/",
        "/api/v1/tickets/",
        f"/api/v1/tickets/{side.ticket.pk}/",
        f"/api/v1/tickets/{side.ticket.pk}/messages/",
    ):
        answer = client.get(path, headers=head)
        assert answer.status_code == 200, path
        assert shown(answer) == [], path
        secret = [
            name
            for name in _names(answer.json())
            if any(part in name for part in ("token", "secret", "password", "_enc"))
        ]
        assert secret == []


def _names(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(name for inner in value.values() for name in _names(inner))]
    return [name for inner in value for name in _names(inner)] if isinstance(value, list) else []


@pytest.mark.django_db
def test_the_event_log_and_the_jobs_carry_no_person(side: Any) -> None:
    told = " ".join(json.dumps(row, default=str, ensure_ascii=False) for row in Event.objects.values())
    told += " ".join(json.dumps(row, default=str, ensure_ascii=False) for row in Job.objects.values())
    assert Event.objects.count() > 8
    assert [form for form in (*FORMS, WORDS.name, WORDS.text, WORDS.comment) if form in told] == []


@pytest.mark.django_db(transaction=True)
def test_no_log_line_carries_a_person(client: Client, caplog: Any, settings: Any) -> None:
    caplog.set_level(logging.DEBUG)
    for quiet in ("django.db.backends", "django.template", "faker", "factory"):
        logging.getLogger(quiet).setLevel(logging.WARNING)
    found_company()
    side = make_side("north", WORDS)
    drain(seconds=20)  # with nobody to take the mail: failures are logged too
    client.raise_request_exception = False
    fields = {"phone": PHONE, "email": EMAIL, "text": f"请打 {PHONE}", "draft": "A" * 32, "order_number": PHONE}
    client.post("/contact/", fields)
    client.get("/nowhere/", {"q": PHONE})
    client.get(f"/s/{PHONE}")
    client.post("/accounts/login/", {"login": EMAIL, "password": PHONE})
    client.post("/accounts/password/reset/", {"email": EMAIL})
    client.force_login(side.agent)
    client.get("/desk/search/", {"q": PHONE})
    client.post(f"/desk/t/{side.ticket.pk}/reply/", {"text": PHONE, "client_id": PHONE, "kind": "public"})
    lines = [record.getMessage() + str(record.exc_text or "") for record in caplog.records]
    assert lines
    assert [line for line in lines if any(form in line for form in (*FORMS, WORDS.name))] == []
