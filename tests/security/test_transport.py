"""A07, A24, A26, A30, A35: header lines, ways back, odd JSON, forged hosts and forged addresses."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from core import ratelimit
from core.errors import DomainError
from core.jobs import drain
from notifications.errors import BadHeader
from tests.factories.accounts import PASSWORD, make_api_key, make_staff
from tests.factories.customers import make_customer
from tests.factories.notifications import make_mailbox, queue
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.factories.tickets import make_reply, make_ticket
from tests.security.world import found_company
from tests.smtp import Sink, smtp_server

AWAY = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%5cevil.example",
    "/%2fevil.example",
    "https://evil.example",
    "http:evil.example",
    "http:///evil.example",
    "https:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/\t/evil.example",
    "\t//evil.example",
    " //evil.example",
    "//evil.example%2f@testserver",
    "https://testserver@evil.example",
    "https://testserver.evil.example",
    "/desk/\r\nLocation: https://evil.example",
    "//evil。example",
    "/.//evil.example/..//",
    "////evil.example",
    "ftp://evil.example",
    "//[::1]",
]


def leads_away(target: str) -> bool:
    """Tell whether a browser that follows this leaves the site."""
    plain = target.replace("\\", "/").replace("\t", "").strip().lower()
    return not plain.startswith("/") or plain.startswith("//") or "\r" in target or "\n" in target


@pytest.mark.django_db
@pytest.mark.parametrize("away", AWAY)
def test_no_way_back_leads_to_another_site(client: Client, away: str) -> None:
    staff = make_staff(roles=["agent"], password=PASSWORD)
    answers = [client.post("/language/", {"language": "en", "next": away}, HTTP_REFERER="https://evil.example/x")]
    answers.append(client.get("/desk/", {"next": away}))
    place = {"REMOTE_ADDR": f"10.3.0.{AWAY.index(away) + 1}"}
    answers.append(client.post("/accounts/login/", {"login": staff.email, "password": PASSWORD, "next": away}, **place))
    assert answers[-1].status_code == 302
    client.force_login(staff)
    answers += [
        client.get("/accounts/login/", {"next": away}),
        client.post("/accounts/presence/", {"status": "online", "next": away}, HTTP_REFERER="https://evil.example/x"),
        client.post("/accounts/notifications/read/", {"next": away}),
        client.post("/accounts/logout/", {"next": away}),
    ]
    found = [answer["Location"] for answer in answers if answer.status_code in {301, 302, 303} and "Location" in answer]
    found += [answer["HX-Redirect"] for answer in answers if "HX-Redirect" in answer]
    assert len(found) >= 3
    assert [target for target in found if leads_away(target)] == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver:80@evil.example", "", "x y", "[::1"]
)
def test_a_forged_host_is_refused(client: Client, host: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    found_company()
    for path in ("/", "/contact/", "/accounts/login/", "/s/abc", "/api/v1/orders/", "/desk/"):
        answer = client.get(path, HTTP_HOST=host)
        assert answer.status_code == 400 or (host == "" and answer.status_code < 500), f"{path}: {answer.status_code}"
        assert host == "" or host not in answer.content.decode()


@pytest.mark.django_db
def test_forwarded_hosts_count_for_nothing(client: Client) -> None:
    found_company()
    forged = {
        "HTTP_X_FORWARDED_HOST": "evil.example",
        "HTTP_FORWARDED": "host=evil.example",
        "HTTP_X_HOST": "evil.example",
    }
    for path in ("/", "/contact/", "/accounts/login/", "/accounts/password/reset/", "/desk/"):
        answer = client.get(path, **forged)
        assert b"evil.example" not in answer.content
        assert "evil.example" not in answer.get("Location", "")


@pytest.mark.django_db
def test_forged_addresses_do_not_change_whom_a_limit_meets(client: Client) -> None:
    found_company()
    assert ratelimit.peek("survey.wrong", "127.0.0.1", period=timedelta(minutes=10)) == 0
    headers = ["HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_CF_CONNECTING_IP", "HTTP_FORWARDED", "HTTP_CLIENT_IP"]
    for n, name in enumerate(headers):
        client.get("/s/no-such-token", **{name: f"for=10.7.7.{n}" if name == "HTTP_FORWARDED" else f"10.7.7.{n}"})
    assert ratelimit.peek("survey.wrong", "127.0.0.1", period=timedelta(minutes=10)) == len(headers)
    codes = []
    for n in range(40):
        place = {"Authorization": f"Bearer csk_wrong{n}", "X-Forwarded-For": f"10.8.0.{n}, 10.8.1.{n}"}
        codes.append(client.get("/api/v1/orders/", headers=place).status_code)
    assert set(codes[:25]) == {401}
    assert codes[-1] == 429


@pytest.mark.django_db
def test_behind_a_proxy_only_its_own_hop_counts(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    for n in range(5):
        client.get("/s/no-such-token", headers={"X-Forwarded-For": f"10.6.6.{n}, 203.0.113.9"})
    assert ratelimit.peek("survey.wrong", "203.0.113.9", period=timedelta(minutes=10)) == 5


LINES = [
    "\r\nBcc: thief@evil.example",
    "\nBcc: thief@evil.example",
    "\r\n\r\n<b>body</b>",
    "\u2028Bcc: thief@evil.example",
    "\x0bBcc: thief@evil.example",
    "\x85Bcc: thief@evil.example",
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("line", LINES)
def test_no_typed_line_becomes_a_header_of_a_mail(line: str, settings: Any) -> None:
    with smtp_server() as sink:
        settings.SMTP = sink.settings
        make_mailbox("care@service.example")
        customer = make_customer(name=f"李{line}", email="li@mail.example")
        ticket = make_ticket(
            customer=customer, subject=f"杯子{line}", text=f"裂了{line}", contact_email="li@mail.example"
        )
        agent = make_staff(roles=["agent"], display_name=f"王{line}")
        make_reply(ticket, agent, text=f"您好{line}")
        context = {
            "customer_name": f"李{line}",
            "subject": f"杯子{line}",
            "text": line,
            "url": f"https://a.example/{line}",
        }
        with pytest.raises(BadHeader):  # handed over raw, it is refused
            queue(to="li@mail.example", context=context, key="crlf")
        drain(seconds=20)
        _only_to(sink, "li@mail.example")


@pytest.mark.django_db
def test_a_mailbox_name_with_a_line_break_is_refused() -> None:
    make_mailbox("care@service.example", name_zh="客服\r\nBcc: thief@evil.example")
    with pytest.raises(BadHeader):
        queue(key="name")


def _only_to(sink: Sink, address: str) -> None:
    assert sink.envelopes
    for envelope, mail in zip(sink.envelopes, sink.mails, strict=True):
        assert envelope.rcpt_tos == [address]
        assert {name.lower() for name in mail} <= HEADERS, set(mail)
        assert [str(one) for one in mail.get_all("To", [])] == [address]
        assert not mail.get_all("Bcc")
        assert not mail.get_all("Cc")
        assert len(mail.get_all("Subject", [])) == len(mail.get_all("From", [])) == 1


HEADERS = {
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "reply-to",
    "in-reply-to",
    "references",
    "auto-submitted",
    "x-auto-response-suppress",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "content-language",
    "precedence",
    "x-loop",
    "x-entity-ref-id",
    "feedback-id",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "to",
    [
        "li@mail.example\r\nBcc: thief@evil.example",
        "li@mail.example, thief@evil.example",
        "li@mail.example>,<thief@evil.example",
    ],
)
def test_an_address_is_one_address(to: str, settings: Any) -> None:
    with smtp_server() as sink:
        settings.SMTP = sink.settings
        make_mailbox("care@service.example")
        with suppress(DomainError, ValueError):  # refused at the door is as good
            queue(to=to, key="odd-address")
        drain(seconds=20)
        assert all("thief@evil.example" not in envelope.rcpt_tos for envelope in sink.envelopes)


DEEP: Any = "x"
for _ in range(40):
    DEEP = [DEEP]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    10**40,
    1e308,
    "",
    " ",
    "\x00",
    "\ud800",
    "'; DROP TABLE orders_order; --",
    "%_%",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    DEEP,
    "x" * 70_000,
    ["x"] * 3000,
    "９９",
    "NaN",
    "Infinity",
    "0x10",
    "1e5",
    "2026-02-30",
    "\u202e",
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"x"',
    b"1",
    b"NaN",
    b"{",
    b'{"a":',
    b"\xff\xfe",
    b'{"a":1}' * 2,
    b"[" * 5000,
    b'{"a":NaN}',
    b'{"a":1,"a":2}',
    b"\x00",
]


@pytest.mark.slow
@pytest.mark.django_db
def test_odd_json_gets_an_answer_and_never_an_error_of_ours(client: Client) -> None:
    client.raise_request_exception = False
    shop = make_shop("main")
    order = make_order(shop=shop)
    parcel, ticket = make_parcel(order), make_ticket(shop_id=shop.pk)
    doors: list[tuple[str, dict[str, Any]]] = [
        (
            "/api/v1/orders/",
            {
                "shop": "main",
                "number": "A1",
                "placed_at": "2026-11-20T09:05:00+08:00",
                "status": "paid",
                "total": "10.00",
                "paid": "10.00",
                "currency": "CNY",
                "recipient": "李",
                "phone": "13800138000",
                "region": "浙江省",
                "street": "路",
                "items": [{"title": "杯", "sku": "A", "quantity": 1, "unit_price": "10.00"}],
                "parcels": [{"carrier": "shunfeng", "tracking_number": "SF1234567890"}],
                "email": "a@b.example",
            },
        ),
        (
            f"/api/v1/parcels/{parcel.tracking_number}/scans/",
            {
                "scans": [
                    {
                        "at": "2026-11-21T10:00:00+08:00",
                        "status": "delivered",
                        "code": "301",
                        "text": "签收",
                        "place": "杭",
                    }
                ],
            },
        ),
        ("/api/v1/tickets/", {"shop": "main", "subject": "杯子", "text": "裂了", "email": "a@b.example"}),
        (f"/api/v1/tickets/{ticket.pk}/messages/", {"text": "您好"}),
        ("/api/v1/hooks/orders/", {"type": "order.upserted", "shop": "main", "data": {}}),
    ]
    keys = [make_api_key(scopes=["orders.read", "orders.write", "tickets.read", "tickets.write"])[1] for _ in range(6)]
    found, sent = [], 0

    def send(path: str, body: bytes) -> None:
        nonlocal sent
        sent += 1
        head = {"Authorization": f"Bearer {keys[sent % len(keys)]}", "Idempotency-Key": f"odd-{sent}"}
        place = {"REMOTE_ADDR": f"10.4.{sent // 200}.{sent % 200 + 1}"}
        answer = client.post(path, body, content_type="application/json", headers=head, **place)
        if answer.status_code >= 500 or not answer.get("Content-Type", "").startswith("application/"):
            found.append(f"{path} {body[:120]!r}: {answer.status_code}")

    for path, good in doors:
        for body in BODIES:
            send(path, body)
        for name, kept in good.items():
            inner = kept[0] if isinstance(kept, list) and kept and isinstance(kept[0], dict) else None
            for value in VALUES:
                send(path, json.dumps(good | {name: value}).encode("utf-8", "surrogatepass"))
                for part in inner or ():
                    send(path, json.dumps(good | {name: [inner | {part: value}]}).encode("utf-8", "surrogatepass"))
    assert found == []
    assert sent > 600
    for path in ("/api/v1/orders/", "/api/v1/tickets/"):
        for query in (
            "limit=NaN",
            "limit=1e3",
            "limit=-1",
            "cursor=%00",
            "cursor=AAAA",
            "status=%27--",
            "shop=%25",
            "updated_since=x",
        ):
            answer = client.get(f"{path}?{query}", headers={"Authorization": f"Bearer {keys[0]}"})
            assert answer.status_code < 500, f"{path}?{query}"


@pytest.mark.slow
@pytest.mark.django_db
def test_odd_queries_on_the_desk_get_an_answer(client: Client) -> None:
    found_company()
    client.force_login(make_staff(roles=["admin"]))
    client.raise_request_exception = False
    odd = [
        "\x00",
        "'",
        '"',
        "%",
        "_",
        "\\",
        "(",
        "9" * 30,
        "-1",
        "NaN",
        "[]",
        "\ud83d",
        "a" * 3000,
        "& | !",
        "<->",
        ":*",
    ]
    found = []
    for path, names in {
        "/desk/": ["view", "q", "sort", "after", "page"],
        "/desk/list/": ["view", "after", "q"],
        "/desk/search/": ["q"],
        "/desk/palette/": ["q"],
        "/desk/orders/": ["q", "status", "page", "after", "shop"],
        "/desk/visits/": ["view", "page"],
        "/desk/feedback/": ["page", "score", "survey"],
        "/board/": ["period", "from", "to", "day", "shop", "team", "agent"],
        "/settings/deliveries/": ["state", "q", "before"],
        "/settings/access-log/": ["staff", "subject", "since", "before"],
        "/system/": ["page"],
    }.items():
        for name in names:
            for value in odd:
                answer = client.get(path, {name: value.encode("utf-8", "replace")})
                if answer.status_code >= 500:
                    found.append(f"{path}?{name}={value[:20]!r}: {answer.status_code}")
    assert found == []
