"""Numbers on the pages of calls: none in an address, none in what was set aside; joined customers count as one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from customers.services import merge_customers
from tests.factories.accounts import make_staff
from tests.factories.calls import Office, deliver
from tests.factories.customers import make_customer
from tests.factories.orders import make_order, make_shop
from tests.factories.tickets import make_ticket
from tickets.models import Call, PhoneEvent
from tickets.selectors.calls import cards_of
from tickets.views.calls_settings import hide_numbers

NUMBER = "13900139000"


@pytest.fixture
def office(db: None) -> Office:
    return Office()


def test_a_number_looked_for_is_posted_and_only_its_digest_stands_in_the_address(office: Office) -> None:
    office.whole_call(call="a", number=NUMBER)
    office.whole_call(call="b", number="13800138001")
    client = Client()
    client.force_login(office.agent)
    page = client.get("/desk/calls/").content.decode()
    assert '<form class="toolbar" method="post"' in page
    for typed, shown in ((NUMBER, "a"), ("139-0013-9000", "a"), ("8001", "b")):
        answer = client.post("/desk/calls/", {"number": typed, "direction": "in", "tab": "log"})
        assert answer.status_code == 302
        assert "9000" not in answer["Location"]
        assert "8001" not in answer["Location"].split("key=")[0]
        found = client.get(answer["Location"])
        assert [row["call"].ref for row in found.context["rows"]] == [shown]
        more = client.post("/desk/calls/", {"key": found.context["asked"]["key"], "direction": "out"})["Location"]
        assert client.get(more).context["rows"] == []
    for odd in ("key=n", "key=zz", "key=none", "key=4ab"):
        assert client.get(f"/desk/calls/?{odd}").context["rows"] == []
    everything = client.get(f"/desk/calls/?number={NUMBER}")
    assert len(everything.context["rows"]) == 2, "an address that names a number narrows nothing"


@pytest.mark.parametrize(
    "said",
    [
        "13800138000", "138 0013 8000", "138-0013-8000", "+86 (138) 0013.8000", "0571/8888·6666", "138_0013_8000",
        "１３８００１３８０００", "138 – 0013 – 8000", "138,0013,8000", "\\u0031\\u0033\\u0038\\u0030\\u0030",
    ],
)  # fmt: skip
def test_numbers_are_hidden_however_they_are_written(said: str) -> None:
    text = f'{{"number": "{said}", "at": "2026-11-22T08:30:00.123+08:00", "keys": ["1", "2"]}}'
    hidden = hide_numbers(text)
    assert '"number": "*****"' in hidden.replace('"+*****', '"*****')
    assert '"at": "2026-11-22T08:30:00.123+08:00", "keys": ["1", "2"]' in hidden


def test_a_message_set_aside_shows_no_number(office: Office) -> None:
    deliver(office.line, office.secret, json.dumps({"type": "ringing", "number": "138-7395-2846"}).encode())
    assert PhoneEvent.objects.filter(state="refused").count() == 1
    client = Client()
    client.force_login(make_staff(roles=["manager"]))
    page = client.get(f"/settings/phone/{office.line.pk}/").content.decode()
    assert "*****" in page
    assert not any(part in page for part in ("7395", "2846"))


def test_calls_of_joined_records_are_one_persons(office: Office) -> None:
    shop = make_shop()
    old, new = make_customer(phone=NUMBER), make_customer(phone="13700137000")
    order = make_order(shop=shop, phone="13700137000")
    assert order.customer_id == new.pk
    waiting = make_ticket(customer=new, team_id=office.team.pk)
    call: Any = office.ring(number=NUMBER)
    assert call.customer_id == old.pk
    merge_customers(source_id=old.pk, target_id=new.pk, actor=SYSTEM, at=timezone.now())
    (card,) = cards_of(office.agent, timezone.now())
    assert card.order == order
    assert card.tickets == [waiting]
    Call.objects.filter(pk=call.pk).update(customer_id=old.pk)
    client = Client()
    client.force_login(office.agent)
    for path in (f"/desk/customers/{new.pk}/calls/", f"/desk/t/{waiting.pk}/calls/"):
        assert [row["call"].pk for row in client.get(path).context["rows"]] == [call.pk], path
