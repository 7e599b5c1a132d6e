"""The calls API: whose calls a key reads, how they are narrowed, paged and masked."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from core.crypto import blind_index, encrypt
from tests.factories.calls import make_line
from tests.factories.customers import make_customer
from tests.factories.orders import make_shop
from tests.factories.tickets import make_ticket
from tests.tickets.test_api import Api
from tickets.models import Call, PhoneLine

pytestmark = pytest.mark.django_db
NUMBER = "+8613800138000"


def make_call(line: PhoneLine, ref: str, at: datetime, **fields: Any) -> Call:
    """Write an ended call."""
    given = {
        "direction": "in", "state": "ended", "result": "answered", "started_at": at,
        "ended_at": at + timedelta(minutes=3), "answered_at": at + timedelta(seconds=20), "number_enc": encrypt(NUMBER),
        "number_index": blind_index(NUMBER, "phone"), "shop_id": line.shop_id, "team_id": line.team_id, **fields,
    }  # fmt: skip
    return Call.objects.create(line=line, ref=ref, **given)


def ids(page: dict[str, Any]) -> list[int]:
    return [row["id"] for row in page["results"]]


def test_a_key_reads_the_calls_of_its_shops_masked(django_assert_max_num_queries: Any) -> None:
    now = timezone.now()
    mine, other = make_shop(code="main"), make_shop(code="far")
    (own, _one), (far, _two), (common, _three) = make_line(shop_id=mine.pk), make_line(shop_id=other.pk), make_line()
    ticket = make_ticket(shop_id=mine.pk, customer=make_customer(name="王小明"))
    theirs = make_ticket(shop_id=other.pk)
    call = make_call(own, "a", now, ticket=ticket, customer=ticket.customer, recording_enc=encrypt("https://t/x"))
    make_call(far, "b", now, ticket=theirs)
    shared = make_call(common, "c", now - timedelta(hours=1), ticket=ticket)
    make_call(common, "d", now, ticket=theirs)
    make_call(common, "e", now)
    crossed = make_call(own, "f", now - timedelta(hours=2), ticket=theirs)
    api = Api(shop_ids=[mine.pk])
    page = api.get("/calls/")
    assert ids(page) == [call.pk, shared.pk, crossed.pk]
    assert page["next"] is None
    row = page["results"][0]
    assert (row["number"], row["customer"]["name"], row["ticket"]) == ("138****8000", "王**", ticket.pk)
    assert (row["waited"], row["talked"], row["result"], row["is_recorded"]) == (20, 160, "answered", True)
    assert page["results"][2]["ticket"] is None
    assert "https" not in str(page)
    assert api.get(f"/calls/?ticket={theirs.pk}")["results"][0]["ticket"] is None
    assert len(Api().get("/calls/")["results"]) == 6
    with django_assert_max_num_queries(8):
        Api(shop_ids=[mine.pk]).get("/calls/")


def test_calls_are_narrowed_by_ticket_and_time_and_paged_without_gaps() -> None:
    line, now = make_line()[0], timezone.now()
    ticket = make_ticket()
    calls = [
        make_call(line, f"c{n}", now - timedelta(hours=n // 2), ticket=ticket if n % 2 else None) for n in range(7)
    ]
    expected = [one.pk for one in sorted(calls, key=lambda one: (one.started_at, one.pk), reverse=True)]
    api = Api()
    assert ids(api.get(f"/calls/?ticket={ticket.pk}")) == [one.pk for one in calls if one.ticket_id]
    hour = (now - timedelta(hours=1)).isoformat().replace("+", "%2B")
    assert ids(api.get(f"/calls/?since={hour}")) == expected[:4]
    assert ids(api.get(f"/calls/?until={hour}")) == expected[4:]
    assert ids(api.get("/calls/?direction=out")) == []
    found, path = [], f"/calls/?limit=2&since={(now - timedelta(hours=9)).isoformat().replace('+', '%2B')}"
    while path:
        page = api.get(path)
        found += ids(page)
        parts = urlsplit(page["next"] or "")
        path = f"/calls/?{parts.query}" if page["next"] else ""
    assert found == expected


def test_calls_are_refused_to_other_keys_and_for_odd_wishes() -> None:
    shop, line = make_shop(code="far"), make_line()[0]
    call = make_call(line, "a", timezone.now())
    Api(scopes=("orders.read",)).get("/calls/", 403)
    Api(shop_ids=[shop.pk]).get(f"/calls/?before={call.pk}", 422)
    for wish in ("before=0", "limit=101", "since=gestern", "direction=up", "ticket=x"):
        Api().get(f"/calls/?{wish}", 422)
    assert Api().client.post("/api/v1/calls/", {}).status_code == 403  # read only: no scope writes calls
