"""A page that was open for too long gives back what was typed, and nothing that is secret or not its own."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
TYPED = {"text": "这段话写了很久", "password": "my secret words", "order_number": "20261122001"}


@pytest.mark.parametrize(
    ("site", "shown"),
    [("same-origin", [True, False, False]), ("cross-site", [False, False, False])],
)
def test_what_was_typed_comes_back(site: str, shown: list[bool]) -> None:
    page: Any = Client(enforce_csrf_checks=True).post("/accounts/login/", TYPED, headers={"Sec-Fetch-Site": site})
    assert page.status_code == 403
    assert [words in page.content.decode() for words in TYPED.values()] == shown


def test_the_way_back_leads_to_our_own_page_only() -> None:
    client = Client(enforce_csrf_checks=True)
    own = client.post("/accounts/login/", TYPED, headers={"Referer": "http://testserver/contact/?shop=a"})
    assert 'href="http://testserver/contact/?shop=a"' in own.content.decode()
    assert (
        "evil.example"
        not in client.post("/accounts/login/", headers={"Referer": "http://evil.example/"}).content.decode()
    )
