import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts import urls as accounts_urls
from accounts.enums import Permission
from accounts.roles import ROLES
from tests.factories.accounts import PASSWORD, make_api_key, make_notice, make_staff, make_team

pytestmark = pytest.mark.django_db

OPEN_TO_STRANGERS = {
    "sign_in", "closed_signup", "closed_email", "closed_confirm_email", "password_reset", "password_reset_from_key",
    "invitation",
}  # fmt: skip
ARGS = {
    "staff_id": 1, "team_id": 1, "key_id": 1, "invitation_id": 1, "notice_id": 1, "token": "x", "uidb36": "1",
    "key": "a-b",
}  # fmt: skip


def address_of(pattern: URLPattern) -> str:
    names = pattern.pattern.regex.groupindex
    kwargs = {name: ARGS[name] for name in names}
    return reverse(f"accounts:{pattern.name}", kwargs=kwargs)


GUARDED = [p for p in accounts_urls.urlpatterns if p.name not in OPEN_TO_STRANGERS]


@pytest.mark.parametrize("pattern", GUARDED, ids=lambda p: p.name)
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_guarded_address_refuses_a_stranger(client: Client, pattern: URLPattern, method: str) -> None:
    response = getattr(client, method)(address_of(pattern))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/")
    assert "login" in response["Location"]


def test_allauth_addresses_for_staff_refuse_a_stranger(client: Client) -> None:
    names = ["mfa_index", "mfa_view_recovery_codes", "mfa_generate_recovery_codes", "mfa_download_recovery_codes",
             "mfa_deactivate_totp", "usersessions_list", "account_set_password"]  # fmt: skip
    for name in names:
        response = client.get(reverse(name))
        assert response.status_code == 302, name
        assert response["Location"].startswith("/accounts/login/"), name


MATRIX = [
    ("accounts:staff", Permission.STAFF_VIEW), ("accounts:teams", Permission.STAFF_VIEW),
    ("accounts:invite", Permission.STAFF_MANAGE), ("accounts:team_new", Permission.STAFF_MANAGE),
    ("accounts:api_keys", Permission.API_MANAGE), ("accounts:access_log", Permission.ACCESS_LOG_VIEW),
    ("accounts:profile", None), ("accounts:notices", None), ("mfa_index", None), ("usersessions_list", None),
]  # fmt: skip


@pytest.mark.parametrize("role", sorted(ROLES))
def test_settings_pages_open_by_role(client: Client, role: str) -> None:
    client.force_login(make_staff(roles=[role]))
    for name, permission in MATRIX:
        allowed = permission is None or permission in ROLES[role].permissions
        assert client.get(reverse(name)).status_code == (200 if allowed else 403), name


@pytest.mark.parametrize("name", ["account_login", "account_reset_password", "account_reset_password_done",
                                  "account_reset_password_from_key_done", "account_inactive"])  # fmt: skip
def test_open_pages_render(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/email/", "/accounts/confirm-email/",
                                     "/accounts/confirm-email/abc/"])  # fmt: skip
def test_what_we_do_not_offer_is_closed(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404
    assert client.post(address, {"email": "x@y.example", "password1": "p", "password2": "p"}).status_code == 404


def test_edit_pages_render(client: Client) -> None:
    admin = make_staff(roles=["admin"], password=PASSWORD)
    agent = make_staff(roles=["agent"], is_active=False)
    team = make_team(shop_ids=[4])
    client.force_login(admin)
    for address in (
        reverse("accounts:staff_edit", args=[admin.pk]),
        reverse("accounts:staff_edit", args=[agent.pk]),
        reverse("accounts:team_edit", args=[team.pk]),
        reverse("account_change_password"),
        reverse("account_reauthenticate"),
        reverse("account_logout"),
        "/settings/staff/?state=closed",
        "/settings/staff/?q=nobody",
    ):
        assert client.get(address).status_code == 200, address
    assert client.get("/settings/staff/999999/").status_code == 404


def queries_of(client: Client, address: str, counter) -> int:  # type: ignore[no-untyped-def]
    with counter as seen:
        assert client.get(address).status_code == 200
    return len(seen)


@pytest.mark.parametrize("kind", ["staff", "teams", "keys", "notices", "log"])
def test_lists_ask_the_same_number_of_times_with_one_and_three_rows(
    client: Client, kind: str, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from django.utils import timezone

    from accounts.services import record_access
    from core.actors import Actor

    admin = make_staff(roles=["admin"], teams=[make_team("A")])
    client.force_login(admin)
    make = {
        "staff": lambda: make_staff(teams=[make_team()]),
        "teams": lambda: make_team(shop_ids=[1, 2]),
        "keys": lambda: make_api_key(created_by=make_staff()),
        "notices": lambda: make_notice(admin),
        "log": lambda: record_access(actor=Actor.staff(make_staff()), subject_type="customer", subject_id=1,
                                     fields=["phone"], purpose="call", at=timezone.now(), ip="127.0.0.1"),
    }[kind]  # fmt: skip
    address = {"staff": "/settings/staff/", "teams": "/settings/teams/", "keys": "/settings/api-keys/",
               "notices": "/accounts/notifications/", "log": "/settings/access-log/"}[kind]  # fmt: skip
    make()
    with CaptureQueriesContext(connection) as first:
        assert client.get(address).status_code == 200
    make()
    make()
    with CaptureQueriesContext(connection) as second:
        assert client.get(address).status_code == 200
    assert len(first) == len(second), [q["sql"] for q in second]
    assert len(first) <= 10


def test_no_page_carries_inline_style_or_script(client: Client) -> None:
    client.force_login(make_staff(roles=["admin"]))
    for address in ("/settings/staff/", "/settings/staff/invite/", "/accounts/me/", "/settings/access-log/"):
        html = client.get(address).content.decode()
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|<script>", html), address


def test_all_patterns_are_reachable() -> None:
    """The walk above is only worth something while every pattern stands in the project's resolver."""
    seen = set()

    def walk(patterns: list[URLPattern | URLResolver]) -> None:
        for item in patterns:
            if isinstance(item, URLResolver):
                walk(item.url_patterns)
            else:
                seen.add(item)

    walk(get_resolver().url_patterns)
    assert set(accounts_urls.urlpatterns) <= seen
