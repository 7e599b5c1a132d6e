"""/me/: her orders and requests after a code, and nobody else's."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from customers import services
from customers.models import Identity, OneTimeCode, OwnSession
from customers.services.codes import TEMPLATE
from customers.services.own_sessions import forget_own_sessions
from notifications.models import Delivery
from notifications.services import save_provider_template
from notifications.services.deliveries import unseal
from tests.factories.accounts import make_staff
from tests.factories.feedback import run_jobs
from tests.factories.notices import make_account
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import make_ticket
from tests.providers import provider_server
from tests.security.world import found_company
from tickets.models import Ticket
from tickets.services.contact_form import ContactRequest, submit_contact_form

pytestmark = pytest.mark.django_db
HERS = {"phone": "13800138000", "email": "chen@mail.example"}


@pytest.fixture(autouse=True)
def _company() -> None:
    found_company()


def met(source: str = "api", **fields: Any) -> Any:
    return services.find_or_add_customer(**{"source": source, "actor": SYSTEM, "at": timezone.now(), **fields})


def sign_in(client: Client, target: str = "chen@mail.example") -> Any:
    """Ask for a code, take it from the message and enter it, as a browser does."""
    asked = client.post("/me/", {"target": target})
    assert (asked.status_code, asked["Location"]) == (303, "/me/code/")
    run_jobs("customers.")
    return client.post("/me/code/", {"code": last_code()})


def last_code() -> str:
    found = re.search(r"\b(\d{6})\b", unseal(Delivery.objects.latest("pk")).text)
    assert found is not None
    return found[1]


def test_her_orders_and_requests_after_a_code(client: Client) -> None:
    order = make_order(**_told("A-1001"))
    ticket = make_ticket(customer=order.customer, subject="杯子裂了")
    other = make_order(**_told("B-2002", phone="13900139000", email="li@mail.example"))
    assert sign_in(client)["Location"] == "/me/"
    page = client.get("/me/").content.decode()
    assert "A-1001" in page
    assert "杯子裂了" in page
    assert "B-2002" not in page
    assert client.get(f"/me/orders/{order.pk}/")["Location"].startswith("/track/")
    assert client.get(f"/me/requests/{ticket.pk}/")["Location"].startswith("/t/")
    assert client.get(f"/me/orders/{other.pk}/").status_code == 404
    assert client.get("/me/orders/999999/").status_code == 404
    assert client.get(f"/me/nothing/{order.pk}/").status_code == 404


def _told(number: str, **fields: Any) -> dict[str, Any]:
    return {"number": number, "recipient": "陈静怡", **HERS, **fields}


def test_the_page_is_for_one_browser_one_day_and_until_she_closes_it(client: Client, time_machine: Any) -> None:
    make_order(**_told("A-1001"))
    sign_in(client)
    cookie = client.cookies["cs_me"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/me/")
    assert "A-1001" not in Client().get("/me/").content.decode()
    token = cookie.value
    assert token.encode() not in bytes(OwnSession.objects.get().token_hash)
    late = Client()
    late.cookies["cs_me"] = token
    assert "A-1001" in late.get("/me/").content.decode()
    client.post("/me/leave/")
    assert "A-1001" not in late.get("/me/").content.decode(), "closed in the browser, closed everywhere"
    sign_in(client)
    time_machine.move_to(timezone.now() + timedelta(hours=24, minutes=1))
    assert "A-1001" not in client.get("/me/").content.decode()
    assert forget_own_sessions(now=timezone.now() + timedelta(days=31)) == 2


def test_no_page_is_kept_by_anybody(client: Client) -> None:
    make_order(**_told("A-1001"))
    sign_in(client)
    for path in ("/me/", "/me/code/"):
        answer = client.get(path)
        assert answer["Cache-Control"] == "no-store, private"
        assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"


def test_staff_stay_signed_in_beside_it(client: Client) -> None:
    make_order(**_told("A-1001"))
    client.force_login(make_staff(roles=["agent"]))
    key = client.session.session_key
    sign_in(client)
    client.post("/me/leave/")
    assert client.session.session_key == key
    assert client.get("/desk/").status_code == 200


def test_wrong_code_wrong_address_and_too_late(client: Client, time_machine: Any) -> None:
    make_order(**_told("A-1001"))
    for bad, words in (("", "请输入手机号或邮箱"), ("hello", "不像"), ("13800138000", "短信")):
        answer = client.post("/me/", {"target": bad})
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert f'value="{bad}"' in answer.content.decode() or not bad
    client.post("/me/", {"target": "chen@mail.example"})
    run_jobs("customers.")
    wrong = "000000" if last_code() != "000000" else "111111"
    answer = client.post("/me/code/", {"code": wrong})
    assert answer.status_code == 422
    assert "c***@mail.example" in answer.content.decode()
    time_machine.move_to(timezone.now() + timedelta(minutes=11))
    over = client.post("/me/code/", {"code": wrong})
    assert over.status_code == 410
    assert client.get("/me/code/")["Location"] == "/me/"
    for _n in range(3):
        client.post("/me/", {"target": "chen@mail.example"})
    full = client.post("/me/", {"target": "chen@mail.example"})
    assert full.status_code == 429
    assert "/me/code/" in full.content.decode(), "the code that is on its way can still be entered"


def test_the_answer_is_the_same_for_somebody_we_do_not_know(client: Client) -> None:
    make_order(**_told("A-1001"))
    pages = []
    for target in ("chen@mail.example", "cora@mail.example"):
        browser = Client()
        assert browser.post("/me/", {"target": target}).status_code == 303
        run_jobs("customers.")
        page = browser.get("/me/code/").content.decode()
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page))
    assert pages[0] == pages[1]


def test_forms_need_their_token() -> None:
    strict = Client(enforce_csrf_checks=True)
    for path in ("/me/", "/me/code/", "/me/leave/"):
        assert strict.post(path, {"target": "a@b.example", "code": "123456"}).status_code == 403


def test_who_wrote_her_phone_beside_his_own_address_sees_nothing_of_hers(client: Client) -> None:
    """He fills in the form with her phone and his address before the shop ever told us of her."""
    asked = ContactRequest(draft="d" * 32, text="你好", phone="+8613800138000", email="mallory@mail.example")
    his = submit_contact_form(request=asked, at=timezone.now())
    order = make_order(**_told("A-1001"))
    hers = make_ticket(customer=order.customer, subject="她的秘密")
    assert order.customer_id == his.customer_id, "one record, by the phone"
    sign_in(client, "mallory@mail.example")
    page = client.get("/me/").content.decode()
    assert "A-1001" not in page
    assert "她的秘密" not in page
    assert his.number in page, "what he wrote himself is his"
    assert client.get(f"/me/orders/{order.pk}/").status_code == 404
    assert client.get(f"/me/requests/{hers.pk}/").status_code == 404


def test_who_began_a_record_by_mail_and_added_her_phone_sees_nothing_of_hers(client: Client) -> None:
    met("email", email="mallory@mail.example")
    met("form", email="mallory@mail.example", phone="13800138000")
    order = make_order(**_told("A-1001", email=""))
    assert Identity.objects.get(kind="phone").customer_id == order.customer_id
    sign_in(client, "mallory@mail.example")
    assert "A-1001" not in client.get("/me/").content.decode()
    assert client.get(f"/me/orders/{order.pk}/").status_code == 404


def test_a_phone_shows_what_names_it(client: Client) -> None:
    met("form", phone="13800138000", email="mallory@mail.example")
    order = make_order(**_told("A-1001"))
    about = make_ticket(customer=order.customer, order_id=order.pk, subject="杯子裂了")
    apart = make_ticket(customer=order.customer, subject="别的事")
    with provider_server() as provider:
        make_account("sms", provider)
        save_provider_template(
            channel="sms", key=TEMPLATE, language="zh-hans", code="SMS_1", fields="", version=0, actor=SYSTEM,
            at=timezone.now(),
        )  # fmt: skip
        sign_in(client, "138 0013 8000")
    page = client.get("/me/").content.decode()
    assert "A-1001" in page
    assert about.subject in page
    assert apart.subject not in page


def test_an_erased_person_has_no_page(client: Client) -> None:
    order = make_order(**_told("A-1001"))
    sign_in(client)
    services.erase_customer(customer_id=order.customer_id, reason="on_request", actor=SYSTEM, at=timezone.now())
    assert "A-1001" not in client.get("/me/").content.decode()
    assert not OwnSession.objects.exists()
    assert not OneTimeCode.objects.exists()


def test_joined_records_are_one_person(client: Client) -> None:
    order = make_order(**_told("A-1001"))
    other = make_order(**_told("B-2002", phone="13900139000", email="chen.work@mail.example"))
    services.merge_customers(source_id=other.customer_id, target_id=order.customer_id, actor=SYSTEM, at=timezone.now())
    sign_in(client, "chen.work@mail.example")
    page = client.get("/me/").content.decode()
    assert "A-1001" in page
    assert "B-2002" in page


def test_spam_and_merged_requests_are_left_out_and_the_turn_is_said(client: Client) -> None:
    order = make_order(shop=make_shop(), **_told("A-1001"))
    ticket = make_ticket(customer=order.customer, subject="等我")
    Ticket.objects.filter(pk=ticket.pk).update(status="waiting_customer", waiting_since=timezone.now())
    spam = make_ticket(customer=order.customer, subject="广告")
    Ticket.objects.filter(pk=spam.pk).update(is_spam=True)
    sign_in(client)
    page = client.get("/me/").content.decode()
    assert "等我" in page
    assert "等您回复" in page
    assert "广告" not in page
