"""The first-run wizard, from an empty database to an open front door."""

from __future__ import annotations

import pytest

from accounts.models import Invitation, Staff
from core.calendar.models import CalendarDefinition
from core.models import Company
from cs_portal.welcome.views import setup_key
from notifications.models import Mailbox
from orders.models import Shop

pytestmark = pytest.mark.django_db

COMPANY = {
    "company": "暖阳家居",
    "timezone": "Asia/Shanghai",
    "language": "zh-hans",
    "name": "林主管",
    "email": "Lin@Example.com",
    "password": "一句很长的好密码 2026",
}


def _go(client, data, follow="/welcome/"):
    response = client.post("/welcome/", data)
    assert response.status_code == 302, response.content.decode()
    return client.get(follow)


def test_without_the_key_nobody_becomes_administrator(client):
    assert client.get("/welcome/").status_code == 404
    assert client.get("/welcome/?key=guess").status_code == 404
    assert client.post("/welcome/", COMPANY).status_code == 404
    assert not Staff.objects.exists()


def test_the_whole_way(client):
    assert client.get(f"/welcome/?key={setup_key()}").status_code == 200
    _go(client, COMPANY)
    admin = Staff.objects.get()
    assert (admin.email, admin.roles) == ("lin@example.com", ["admin"])
    assert client.get("/")["Location"] == "/welcome/"
    _go(client, {"name": "暖阳旗舰店", "code": "sunny", "currency": "CNY", "color": "#0F766E"})
    assert Shop.objects.get().code == "sunny"
    _go(client, {"address": "Service@example.com", "name": "暖阳客服", "test_to": ""})
    assert Mailbox.objects.get().address == "service@example.com"
    _go(client, {"emails": "a@example.com\nb@example.com", "role": "agent"})
    assert Invitation.objects.count() == 2
    response = client.post("/welcome/", {"preset": "shop", "holidays": "on"})
    assert response["Location"] == "/desk/"
    assert CalendarDefinition.objects.get().is_default
    assert Company.objects.get().set_up_at is not None
    assert client.get("/welcome/")["Location"] == "/"


def test_what_was_typed_stays_and_the_error_is_beside_it(client):
    client.get(f"/welcome/?key={setup_key()}")
    response = client.post("/welcome/", {**COMPANY, "password": "12345"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "暖阳家居" in page
    assert 'aria-invalid="true"' in page
    assert not Company.objects.exists()


def test_mailbox_and_staff_can_be_skipped_and_a_reload_goes_on(client):
    client.get(f"/welcome/?key={setup_key()}")
    _go(client, COMPANY)
    _go(client, {"name": "店", "code": "s", "currency": "CNY", "color": "#000000"})
    _go(client, {"skip": "1"})
    _go(client, {"skip": "1", "role": "agent"})
    assert Company.objects.get().setup_step == "calendar"
    client.logout()
    assert client.get("/welcome/")["Location"].startswith("/accounts/login/")


def test_a_bad_address_among_the_invitations_is_named(client):
    client.get(f"/welcome/?key={setup_key()}")
    _go(client, COMPANY)
    _go(client, {"name": "店", "code": "s", "currency": "CNY", "color": "#000000"})
    _go(client, {"skip": "1"})
    response = client.post("/welcome/", {"emails": "a@example.com\nnot an address", "role": "agent"})
    assert response.status_code == 422
    assert "not an address" in response.content.decode()
    assert not Invitation.objects.exists()
