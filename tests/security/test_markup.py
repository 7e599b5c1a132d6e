"""A01, A02, A25: nothing anybody typed becomes markup, on any page; and nothing is computed from it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from tests.factories.accounts import make_staff
from tests.security.vectors import VECTORS
from tests.security.walk import routes
from tests.security.world import Words, found_company, make_side
from tickets.models import CannedReply, Category
from tickets.permissions import customer_url
from tickets.services.writing import clean_html

_SCHEME = re.compile(r"^[\s\x00-\x20]*(?:javascript|vbscript|livescript|data\s*:\s*text/html)", re.IGNORECASE)
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "poster", "background", "srcdoc"}
WITH_WORDS = ("desk", "settings", "board", "system", "t/", "s/", "contact", "accounts/not")
NEVER = {"object", "embed", "applet", "base", "math", "foreignobject", "marquee", "portal"}


class Reader(HTMLParser):
    """Reads a page as a browser does, coarsely, and notes what could run."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self._script: dict[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in NEVER:
            self.faults.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or (name == "style" and "xss" in (value or "")):
                self.faults.append(f"<{tag} {name}>")
            if name in ADDRESSES and _SCHEME.match(value or ""):
                self.faults.append(f"<{tag} {name}={(value or '')[:40]}>")
        self._script = given if tag == "script" else None

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if (
            self._script is not None
            and self._script.get("type") not in {"application/json", "importmap"}
            and "__xss" in data
        ):
            self.faults.append("<script>")

    def handle_endtag(self, tag: str) -> None:
        self._script = None


def faults_of(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader.faults


def test_the_reader_sees_what_runs() -> None:
    blind = [vector for vector in VECTORS if vector.startswith("<") and not faults_of(f"<p>{vector}</p>")]
    assert len(blind) < len(VECTORS) / 4, blind
    assert faults_of('<a href="/x">x</a><script type="application/json">{"a": "window.__xss"}</script>') == []


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("part", range(4))
def test_no_vector_comes_alive_on_any_page(client: Client, settings: Any, part: int) -> None:
    """Each vector goes into subject, body, html mail, name, note, tag, canned reply, category and comment."""
    settings.TRIAL = False
    found_company()
    side = make_side("north", Words())
    mine = VECTORS[part::4]
    from customers.models import Customer
    from feedback.models import Answer
    from notifications.models import Delivery
    from orders.models import ImportRun, Order, Parcel
    from tickets.models import Message, Ticket

    client.force_login(make_staff(roles=["admin"]))
    client.raise_request_exception = False
    canned = CannedReply.objects.create(title="x", shortcut="x", body="x")
    values = side.ids | {"customer_id": side.customer.pk, "pk": canned.pk, "reply_id": canned.pk}
    every = "\n".join(mine)
    link = customer_url(side.ticket).rstrip("/").rsplit("/", 1)[1]
    for vector in (every, *mine[:3]):
        Ticket.objects.update(subject=vector[:200], preview=vector[:160], tags=[vector[:40]], order_given=vector[:64])
        Message.objects.update(text=vector, quoted=vector)
        Message.objects.filter(author_type="customer").update(html=clean_html(vector))
        Customer.objects.update(name=vector[:60])
        Order.objects.update(buyer_note=vector[:500], region=vector[:120])
        Parcel.objects.update(place=vector[:60])
        CannedReply.objects.update(title=vector[:80], body=vector)
        Category.objects.filter(pk=side.ticket.category_id).update(name_zh=vector[:60], name_en=vector[:60])
        Answer.objects.update(comment=vector)
        ImportRun.objects.update(file_name=vector[:150], headings=[vector[:90]])
        Delivery.objects.update(subject=vector[:200], text=vector)
        found, seen = [], 0
        for route in routes():
            if not route.pattern.startswith(
                ("desk", "settings", "board", "system", "t/", "s/", "contact", "accounts/not")
            ):
                continue
            address = route.at(values | ({"token": link} if route.pattern.startswith("t/") else {}))
            answer = client.get(address)
            if answer.status_code >= 500:
                found.append(f"{route.pattern}: {answer.status_code}")
            if answer.status_code != 200 or "html" not in answer.get("Content-Type", ""):
                continue
            seen += 1
            found += [f"{route.pattern}: {fault}" for fault in faults_of(answer.content.decode())]
        assert found == []
        assert seen > 40


@pytest.mark.django_db
def test_what_stands_in_an_address_is_not_echoed_as_markup(client: Client) -> None:
    found_company()
    client.force_login(make_staff(roles=["admin"]))
    client.raise_request_exception = False
    for vector in VECTORS:
        for path in ("/desk/", "/desk/search/", "/desk/orders/", "/nowhere/", "/contact/", "/accounts/login/"):
            answer = client.get(path, dict.fromkeys(("q", "view", "sort", "order", "next", "shop", "category"), vector))
            assert answer.status_code < 500, (path, vector)
            assert faults_of(answer.content.decode()) == [], (path, vector)


@pytest.mark.django_db
def test_templates_in_words_are_words(client: Client) -> None:
    found_company()
    words = "{{7*7}} {% debug %} {x.__class__} ${7*7} #{7*7} {0.__class__.__mro__} %(x)s"
    side = make_side("north", Words(text=words, subject=words, name=words, comment=words))
    client.force_login(side.agent)
    CannedReply.objects.create(title="{{7*7}}", shortcut="x", body=words + " {customer_name} {customer_name.__class__}")
    page = client.get(f"/desk/t/{side.ticket.pk}/").content.decode()
    page += client.get(f"/desk/t/{side.ticket.pk}/canned/").content.decode()
    assert "{{7*7}}" in page
    assert "{x.__class__}" in page
    assert "&lt;class" not in page
    assert "<class 'str'" not in page
