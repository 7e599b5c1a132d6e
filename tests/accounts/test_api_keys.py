from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import path
from django.utils import timezone
from rest_framework.decorators import api_view, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api import HasScope, scope
from accounts.models import ApiKey
from accounts.permissions import shop_scope
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.models import Event
from tests.factories.accounts import make_api_key, make_staff

pytestmark = pytest.mark.django_db


class Things(APIView):
    read_scope = "orders.read"
    write_scope = "orders.write"
    permission_classes = [HasScope]

    def get(self, request: Request) -> Response:
        return Response({"key": request.user.pk, "token": request.auth.pk})

    post = get


class Unscoped(APIView):
    def get(self, request: Request) -> Response:
        return Response({})


@api_view(["GET"])
@permission_classes([scope("tickets.read")])
def tickets(request: Request) -> Response:
    return Response({})


urlpatterns = [
    path("api/v1/things/", Things.as_view()),
    path("api/v1/unscoped/", Unscoped.as_view()),
    path("api/v1/tickets-x/", tickets),
]


@pytest.fixture(autouse=True)
def _addresses(settings) -> None:  # type: ignore[no-untyped-def]
    settings.ROOT_URLCONF = "tests.accounts.test_api_keys"


def call(client: Client, plain: str, address: str = "/api/v1/things/", method: str = "get"):  # type: ignore[no-untyped-def]
    return getattr(client, method)(address, headers={"Authorization": f"Bearer {plain}"})


def test_scopes_open_what_they_say(client: Client) -> None:
    key, plain = make_api_key(scopes=["orders.read"])
    response = call(client, plain)
    assert (response.status_code, response.json()) == (200, {"key": key.pk, "token": key.pk})
    assert call(client, plain, method="post").status_code == 403
    assert call(client, plain, "/api/v1/unscoped/").status_code == 403
    assert call(client, plain, "/api/v1/tickets-x/").status_code == 403
    _key, writer = make_api_key(scopes=["orders.write", "tickets.read"])
    assert call(client, writer).status_code == 403
    assert call(client, writer, method="post").status_code == 200
    assert call(client, writer, "/api/v1/tickets-x/").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic csk_a", "Bearer csk_", "Token {plain}",
                                    "Bearer {plain}x",
                                    "Bearer {lower}", "Bearer  {plain}", "Bearer null"])  # fmt: skip
def test_anything_else_is_refused_as_problem_json(client: Client, header: str) -> None:
    _key, plain = make_api_key()
    response = client.get("/api/v1/things/", headers={"Authorization": header.format(plain=plain, lower=plain.lower())})
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response["Content-Type"] == "application/problem+json"


def test_a_signed_in_browser_is_no_key(client: Client) -> None:
    client.force_login(make_staff(roles=["admin"]))
    assert client.get("/api/v1/things/").status_code == 401


def test_revoked_key_is_dead_at_once(client: Client) -> None:
    key, plain = make_api_key()
    assert call(client, plain).status_code == 200
    for _ in range(2):
        services.revoke_api_key(key_id=key.pk, actor=Actor.staff(key.created_by), at=timezone.now())
    assert call(client, plain).status_code == 401
    assert Event.objects.filter(kind="api_key.revoked").count() == 1
    with pytest.raises(NotFound):
        services.revoke_api_key(key_id=10**9, actor=Actor.staff(key.created_by), at=timezone.now())


def test_key_ends_on_its_day(client: Client, time_machine: Any) -> None:
    now = timezone.now()
    key, plain = services.create_api_key(
        name="x", scopes=["orders.read"], shop_ids=[], actor=Actor.staff(make_staff(roles=["admin"])), at=now,
        expires_at=now + timedelta(days=30),
    )  # fmt: skip
    assert call(client, plain).status_code == 200
    time_machine.move_to(now + timedelta(days=30), tick=False)
    assert call(client, plain).status_code == 401
    assert shop_scope(key) == []
    with pytest.raises(InvalidInput):
        services.create_api_key(
            name="x", scopes=["orders.read"], shop_ids=[], actor=Actor.staff(key.created_by), at=now, expires_at=now
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=key.pk).update(expires_at=key.created_at)


@pytest.mark.urls("cs_portal.urls")
def test_page_makes_keys_that_end_and_lists_live_ones_first(client: Client, settings) -> None:  # type: ignore[no-untyped-def]
    settings.ROOT_URLCONF = "cs_portal.urls"
    client.force_login(make_staff(roles=["admin"]))
    first = client.post("/settings/api-keys/", {"name": "Old", "scopes": ["orders.write"], "days": "30"})
    old = first.context["new_key"]
    assert old.expires_at - old.created_at == timedelta(days=30)
    client.post(f"/settings/api-keys/{old.pk}/revoke/")
    client.post("/settings/api-keys/", {"name": "Soon", "scopes": ["orders.read"], "days": "30"})
    ApiKey.objects.filter(name="Soon").update(expires_at=timezone.now() + timedelta(days=3))
    client.post("/settings/api-keys/", {"name": "Ever", "scopes": ["orders.read"], "days": "0"})
    assert ApiKey.objects.get(name="Ever").expires_at is None
    page = client.get("/settings/api-keys/", headers={"accept-language": "en"})
    rows = page.context["keys"]
    assert [row["key"].name for row in rows] == ["Ever", "Soon", "Old"]
    assert [(row["is_live"], row["ends_soon"]) for row in rows] == [(True, False), (True, True), (False, False)]
    assert "Ends soon" in page.content.decode()
    assert client.post("/settings/api-keys/", {"name": "x", "scopes": ["orders.read"], "days": "-5"}).status_code == 422


def test_calls_are_throttled_per_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.api.authentication.PER_MINUTE", 3)
    _key, plain = make_api_key()
    responses = [call(client, plain) for _ in range(4)]
    assert [r.status_code for r in responses] == [200, 200, 200, 429]
    assert int(responses[-1]["Retry-After"]) > 0
    assert call(client, make_api_key()[1]).status_code == 200


def test_guessing_keys_is_throttled_per_address(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.api.authentication.BAD_KEYS_PER_MINUTE", 2)
    assert [call(client, f"csk_guess{n}").status_code for n in range(3)] == [401, 401, 429]
    assert call(client, make_api_key()[1]).status_code == 200


def test_last_use_is_noted_once_a_minute(client: Client) -> None:
    key, plain = make_api_key()
    call(client, plain)
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    assert first is not None
    services.touch_api_key(key=ApiKey.objects.get(pk=key.pk), at=first + timedelta(seconds=59))
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first
    services.touch_api_key(key=ApiKey.objects.get(pk=key.pk), at=first + timedelta(seconds=61))
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first + timedelta(seconds=61)


@pytest.mark.urls("cs_portal.urls")
def test_key_is_shown_once_and_stored_as_a_hash(client: Client, settings) -> None:  # type: ignore[no-untyped-def]
    settings.ROOT_URLCONF = "cs_portal.urls"
    client.force_login(make_staff(roles=["admin"]))
    made = client.post("/settings/api-keys/", {"name": "Sync", "scopes": ["orders.write"]})
    plain = made.context["plain"]
    assert plain.startswith("csk_")
    assert plain.encode() in made.content
    assert "no-store" in made["Cache-Control"]
    page = client.get("/settings/api-keys/")
    assert plain.encode() not in page.content
    key = ApiKey.objects.get()
    assert plain not in str(vars(key))
    assert key.prefix.encode() in page.content
    assert client.post("/settings/api-keys/", {"name": "Sync"}).status_code == 422
    assert client.post(f"/settings/api-keys/{key.pk}/revoke/").status_code == 302
    assert ApiKey.objects.get().revoked_at is not None


def test_unknown_scope_is_refused() -> None:
    admin = make_staff(roles=["admin"])
    for scopes in ([], ["everything"]):
        with pytest.raises(InvalidInput):
            services.create_api_key(name="x", scopes=scopes, shop_ids=[], actor=Actor.staff(admin), at=timezone.now())
