import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import Staff
from accounts.services.sign_in import SECOND_FACTOR
from core.models import Event
from tests.factories.accounts import PASSWORD, make_staff

pytestmark = pytest.mark.django_db
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def code_now(secret: str = SECRET, shift: int = 0) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + shift))


def with_second_factor(**fields) -> Staff:  # type: ignore[no-untyped-def]
    staff = make_staff(password=PASSWORD, **fields)
    TOTP.activate(staff, SECRET)
    return staff


def enter_password(client: Client, staff: Staff):  # type: ignore[no-untyped-def]
    return client.post("/accounts/login/", {"login": staff.email, "password": PASSWORD})


def enter_code(client: Client, code: str):  # type: ignore[no-untyped-def]
    return client.post("/accounts/mfa/authenticate/", {"code": code})


def signed_in(client: Client) -> bool:
    return client.get("/accounts/me/").status_code == 200


def test_password_alone_is_not_enough(client: Client) -> None:
    staff = with_second_factor()
    response = enter_password(client, staff)
    assert response["Location"].startswith("/accounts/mfa/authenticate/")
    assert client.get("/accounts/mfa/authenticate/").status_code == 200
    assert not signed_in(client)
    assert enter_code(client, "000000" if code_now() != "000000" else "111111").status_code == 422
    assert not signed_in(client)
    assert enter_code(client, code_now()).status_code == 302
    assert signed_in(client)


def test_code_works_once(client: Client) -> None:
    staff = with_second_factor()
    code = code_now()
    enter_password(client, staff)
    assert enter_code(client, f"{code[:3]} {code[3:]}").status_code == 302
    other = Client()
    enter_password(other, staff)
    assert enter_code(other, code).status_code == 422
    assert not signed_in(other)


def test_code_page_is_closed_without_a_password(client: Client) -> None:
    assert client.get("/accounts/mfa/authenticate/")["Location"] == "/accounts/login/"
    assert enter_code(client, code_now())["Location"] == "/accounts/login/"


def test_guessing_codes_locks_out(client: Client) -> None:
    staff = with_second_factor()
    enter_password(client, staff)
    right = code_now(), code_now(shift=1), code_now(shift=-1)
    wrong = next(text for text in ("000000", "111111", "222222", "333333") if text not in right)
    for _ in range(SECOND_FACTOR):
        assert enter_code(client, wrong).status_code == 422
    assert enter_code(client, code_now()).status_code == 422
    assert not signed_in(client)


def test_secret_is_stored_encrypted() -> None:
    staff = with_second_factor()
    assert SECRET not in str(Authenticator.objects.get(user=staff).data)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_set_up_ends_other_sessions_and_gives_recovery_codes() -> None:
    staff = make_staff(password=PASSWORD)
    here, there = Client(), Client()
    for client in (here, there):
        enter_password(client, staff)
    asked = here.get("/accounts/mfa/totp/activate/")
    assert asked["Location"].startswith("/accounts/reauthenticate/")
    wrong = here.post("/accounts/reauthenticate/?next=/accounts/mfa/totp/activate/", {"password": "no"})
    assert wrong.status_code == 422
    to = here.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/mfa/totp/activate/"})
    assert to["Location"] == "/accounts/mfa/totp/activate/"
    page = here.get("/accounts/mfa/totp/activate/")
    assert b'src="data:image/svg+xml;base64,' in page.content
    secret = page.context["form"].secret
    assert here.post("/accounts/mfa/totp/activate/", {"code": "1"}).status_code == 422
    done = here.post("/accounts/mfa/totp/activate/", {"code": code_now(secret)})
    assert done["Location"] == "/accounts/mfa/recovery-codes/"
    codes = here.get("/accounts/mfa/recovery-codes/")
    assert len(codes.context["unused_codes"]) == 10
    assert here.get("/accounts/mfa/recovery-codes/download/")["Content-Disposition"].startswith("attachment")
    assert signed_in(here)
    assert not signed_in(there)
    assert Event.objects.filter(kind="staff.second_factor_changed", subject_id=staff.pk).count() == 1
    enter_password(there, staff)
    assert enter_code(there, codes.context["unused_codes"][0]).status_code == 302
    assert signed_in(there)
    third = Client()
    enter_password(third, staff)
    assert enter_code(third, codes.context["unused_codes"][0]).status_code == 422


@override_settings(REQUIRE_MFA_ROLES=["supervisor"])
def test_role_that_needs_a_second_factor_is_sent_to_set_it_up(client: Client) -> None:
    boss = make_staff(roles=["supervisor"], password=PASSWORD)
    assert enter_password(client, boss)["Location"] == "/accounts/mfa/totp/activate/"
    assert client.get("/settings/staff/")["Location"] == reverse("mfa_activate_totp")
    agent = Client()
    agent.force_login(make_staff())
    assert agent.get("/accounts/me/").status_code == 200
    TOTP.activate(boss, SECRET)
    assert client.get("/settings/staff/").status_code == 200


@override_settings(REQUIRE_MFA_ROLES=["supervisor"])
def test_required_second_factor_cannot_be_switched_off(client: Client) -> None:
    boss = with_second_factor(roles=["supervisor"])
    enter_password(client, boss)
    enter_code(client, code_now())
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/mfa/totp/deactivate/"})
    client.post("/accounts/mfa/totp/deactivate/")
    assert Authenticator.objects.filter(user=boss, type="totp").exists()


def test_switching_off_ends_other_sessions(client: Client) -> None:
    staff = with_second_factor()
    there = Client()
    there.force_login(staff)
    enter_password(client, staff)
    enter_code(client, code_now())
    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/accounts/mfa/totp/deactivate/"})
    assert client.get("/accounts/mfa/totp/deactivate/").status_code == 200
    client.post("/accounts/mfa/totp/deactivate/")
    assert not Authenticator.objects.filter(user=staff).exists()
    assert signed_in(client)
    assert not signed_in(there)
