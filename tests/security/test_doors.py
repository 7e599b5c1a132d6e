"""A10, A14, A37: who may call which address; generated from the resolver, so that a new one is walked too."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.enums import Permission
from accounts.models import Staff
from accounts.roles import ROLES, permissions_of
from accounts.services.staff import deactivate_staff
from core.actors import SYSTEM
from tests.factories.accounts import make_staff, make_team
from tests.security.walk import MISSING, PUBLIC, Route, routes
from tests.security.world import Words, found_company, make_side
from tickets.permissions import customer_url

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
ANYONE_SIGNED_IN = "signed in, no particular right"


@pytest.fixture(autouse=True)
def _not_a_trial(settings: Any) -> None:
    settings.TRIAL = False
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def key_of(route: Route) -> str:
    return route.pattern.replace("^", "").replace("accounts//", "accounts/")


def is_public(route: Route) -> bool:
    return key_of(route) in {key.replace("^", "") for key in PUBLIC}


def is_refused(answer: Any) -> bool:
    """Tell whether a stranger got nothing: sent to sign in, or refused."""
    if answer.status_code in {301, 302, 303}:
        return str(answer["Location"]).startswith("/accounts/login/")
    return answer.status_code in {401, 403, 404, 405, 410}


def walk(client: Client, values: dict[str, Any] | None = None) -> list[str]:
    """Return the addresses that did not refuse this visitor."""
    found = []
    for route in routes():
        if is_public(route):
            continue
        for method in METHODS:
            answer = getattr(client, method)(route.at(values))
            if not is_refused(answer):
                found.append(f"{method.upper()} {route.pattern}: {answer.status_code} {answer.get('Location', '')}")
    return found


def test_the_list_of_public_addresses_names_only_existing_ones() -> None:
    known = {key_of(route) for route in routes()}
    assert {key.replace("^", "") for key in PUBLIC} <= known


@pytest.mark.django_db
def test_a_stranger_is_refused_everywhere(client: Client) -> None:
    found_company()
    side = make_side("north", Words())
    assert walk(client, side.ids) == []


@pytest.mark.slow
@pytest.mark.django_db
def test_a_deactivated_colleague_is_refused_everywhere(client: Client) -> None:
    found_company()
    make_staff(roles=["admin"])
    gone = make_staff(roles=["admin"])
    client.force_login(gone)
    assert client.get("/settings/").status_code == 200
    deactivate_staff(staff_id=gone.pk, successor_id=None, successor_team_id=None, actor=SYSTEM, at=timezone.now())
    assert walk(client) == []


@pytest.mark.slow
@pytest.mark.django_db
def test_tokens_of_customers_open_nothing_else(client: Client) -> None:
    found_company()
    side = make_side("north", Words())
    link = customer_url(side.ticket).rstrip("/").rsplit("/", 1)[1]
    assert client.get(f"/t/{link}/").status_code == 200
    assert client.get(f"/s/{side.survey_token}/thanks").status_code == 200
    assert walk(client, side.ids) == []
    for token in (link, side.survey_token):
        for route in routes():
            if "token" not in route.params or key_of(route).split("<")[0] == ("t/" if token == link else "s/"):
                continue
            answer = client.get(route.at({"token": token}))
            assert answer.status_code in {302, 403, 404, 405, 410}, f"{route.pattern}: {answer.status_code}"
        for scheme in (f"Bearer {token}", f"Token {token}"):
            assert client.get("/api/v1/tickets/", headers={"Authorization": scheme}).status_code == 401


@pytest.mark.slow
@pytest.mark.django_db
def test_rows_of_another_shop_look_like_rows_that_do_not_exist(client: Client) -> None:
    """The strongest role that reaches only its own teams, at every address with an id, with every method."""
    found_company()
    far = make_side("south", Words(phone="13655550002", email="far@mail.example"))
    own = make_side("north", Words())
    client.force_login(own.supervisor)
    client.raise_request_exception = False
    scoped = {name for name in far.ids if name.endswith("_id")}
    found = []
    for route in routes():
        if not scoped & set(route.params) or is_public(route):
            continue
        for method in METHODS:
            if method == "options":
                continue
            theirs = getattr(client, method)(route.at(far.ids))
            nobodys = getattr(client, method)(route.at(dict.fromkeys(scoped, MISSING)))
            same = theirs.status_code == nobodys.status_code and theirs.get("Location") == nobodys.get("Location")
            if not same or theirs.status_code in {200, 201, 204} or theirs.status_code >= 500:
                found.append(f"{method.upper()} {route.pattern}: {theirs.status_code}, missing {nobodys.status_code}")
    assert found == []


@pytest.mark.django_db
def test_a_file_of_another_shop_cannot_be_fetched(client: Client) -> None:
    found_company()
    far = make_side("south", Words(phone="13655550002", email="far@mail.example"))
    own = make_side("north", Words())
    client.force_login(own.supervisor)
    address = reverse("tickets:attachment", args=[own.ids["attachment"]])
    own_file = client.get(address)
    assert own_file.status_code == 200
    assert own_file.content
    assert client.get(reverse("tickets:attachment", args=[far.ids["attachment"]])).status_code == 404
    link = customer_url(own.ticket).rstrip("/").rsplit("/", 1)[1]
    assert client.get(f"/t/{link}/files/{far.ids['attachment']}/").status_code == 404
    assert client.get(f"/contact/files/{'A' * 32}/{far.ids['attachment']}/").status_code == 404


def test_every_address_says_who_may_come() -> None:
    """A page of ours carries its right, or is for every colleague, or stands in PUBLIC with a reason."""
    silent = [
        route.pattern
        for route in routes()
        if route.permission == "" and not is_public(route) and not _has_a_door_of_its_own(route)
    ]
    assert silent == []


def _has_a_door_of_its_own(route: Route) -> bool:
    """Tell whether the API's scopes, the trial's switch or allauth keep the door; the walks above try those too."""
    return route.pattern.startswith(("api/v1/", "mail/", "ui/", "accounts/"))


@pytest.mark.slow
@pytest.mark.django_db
def test_a_role_without_the_right_is_refused(client: Client) -> None:
    """For each address: the roles with the most rights that still lack this one, and the least of all."""
    found_company()
    team = make_team()
    people: dict[str, Staff] = {role: make_staff(roles=[role], teams=[team]) for role in ROLES}
    by_strength = sorted(ROLES, key=lambda role: len(permissions_of([role])), reverse=True)
    todo: dict[str, list[Route]] = {}
    for route in routes():
        if not route.permission:
            continue
        lacking = [role for role in by_strength if Permission(route.permission) not in permissions_of([role])]
        for role in {*lacking[:2], *lacking[-1:]}:
            todo.setdefault(role, []).append(route)
    found, tried = [], 0
    for role, mine in todo.items():
        client.force_login(people[role])
        for route in mine:
            for method in ("get", "post"):
                tried += 1
                answer = getattr(client, method)(route.at())
                if answer.status_code != 403:
                    found.append(f"{role}: {method.upper()} {route.pattern} {answer.status_code}")
    assert found == []
    assert tried > 150


# Views that take a POST without the form's token, and what stands in its place.
WITHOUT_FORM_TOKEN = {
    "contact/": "the form's own secret draft id; a lost cookie must not lose words",
    "t/<str:token>/": "the secret token of the address",
    "track/": "nobody is signed in: number and phone, the secret link or a browser's own place are the authority",
    "u/<str:token>/": "one-click unsubscribing posts from the mail program (RFC 8058); the token is the authority",
    "api/v1/": "an API key in a header, no session",
    "hooks/phone/": "a PBX signs the body with its line's secret",
    "mail/gateway/": "the trial's stand-ins of providers; 404 elsewhere",
    "hooks/sms/": "the provider of text messages knows the secret address",
    "hooks/wechat/": "WeChat knows the secret address and signs",
}


@pytest.mark.slow
@pytest.mark.django_db
def test_every_unsafe_call_of_a_session_needs_the_forms_token() -> None:
    found_company()
    exempt = {key_of(route) for route in routes() if getattr(route.view, "csrf_exempt", False)}
    unexplained = [one for one in exempt if not any(one.startswith(known) for known in WITHOUT_FORM_TOKEN)]
    assert unexplained == []
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_staff(roles=["admin"]))
    found = []
    for route in routes():
        if key_of(route) in exempt:
            continue
        for method in ("post", "put", "patch", "delete"):
            answer = getattr(client, method)(route.at())
            if answer.status_code not in {403, 404, 405}:
                found.append(f"{method.upper()} {route.pattern}: {answer.status_code}")
    assert found == []
    assert client.get("/settings/").status_code == 200  # and nobody was signed out on the way


ODD = [
    " ",
    "%20",
    "null",
    "None",
    "undefined",
    "0",
    "false",
    "true",
    "-1",
    "%00",
    "[]",
    "%7B%7D",
    "..",
    "%2e%2e",
    "*",
    "%25",
    "' OR 1=1--",
    "A",
    "A" * 32,
    "A" * 5000,
    "é",
    "\u202e",
    "１２３",
]


@pytest.mark.slow
@pytest.mark.django_db
def test_odd_tokens_match_nothing(client: Client, settings: Any) -> None:
    found_company()
    side = make_side("north", Words())
    link = customer_url(side.ticket).rstrip("/").rsplit("/", 1)[1]
    real = [side.survey_token, link]
    odd = ODD + [
        form for token in real for form in (token.swapcase(), token + "A", token[:-1], f" {token}", token + "=")
    ]
    client.raise_request_exception = False
    found = []
    for route in routes():
        if "token" not in route.params or not is_public(route):
            continue
        for number, token in enumerate(odd):
            place = {
                "REMOTE_ADDR": f"10.1.{number}.{len(route.pattern)}"
            }  # each its own place: the limit is not meant here
            for method in ("get", "post"):
                answer = getattr(client, method)(route.at({"token": token}), **place)
                if answer.status_code not in {400, 404, 405, 410} and not is_refused(answer):
                    found.append(f"{method.upper()} {route.pattern} {token[:40]!r}: {answer.status_code}")
    for token in ODD:
        if not token.isascii() or not token.strip():
            continue
        answer = client.get("/api/v1/tickets/", headers={"Authorization": f"Bearer {token}"}, REMOTE_ADDR="10.9.9.9")
        if answer.status_code not in {401, 429}:
            found.append(f"API {token[:40]!r}: {answer.status_code}")
    assert found == []
