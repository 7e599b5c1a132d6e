"""The unsubscribe link: opening it is harmless, pressing the button works once, and it is kept."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from core.jobs import drain
from core.models import Event
from notifications.models import Suppression
from notifications.registry import UNSUBSCRIBE
from tests.factories.notifications import queue
from tests.smtp import Sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr("notifications.services.suppressions.UNSUBSCRIBE", [lambda **facts: heard.append(facts)])
    return heard


def link_of(sink: Sink, **fields: Any) -> str:
    queue(purpose="survey", customer_id=7, **fields)
    drain(seconds=10)
    mail = sink.mails[-1]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return urlsplit(str(mail["List-Unsubscribe"]).strip("<>")).path


def test_opening_the_link_changes_nothing(sink: Sink, client: Client) -> None:
    path = link_of(sink)
    for method in (client.get, client.head):
        assert method(path).status_code == 200
    assert not Suppression.objects.exists()
    assert path in sink.mails[-1].get_body(["plain"]).get_content()
    assert path in sink.mails[-1].get_body(["html"]).get_content()


def test_button_works_once_and_is_kept(sink: Sink, told: list[dict[str, Any]]) -> None:
    path = link_of(sink)
    client = Client(enforce_csrf_checks=True)  # a mail provider has no cookie of ours
    for _ in range(2):
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
    row = Suppression.objects.get()
    assert (row.purpose, row.reason, row.customer_id) == ("survey", "unsubscribe", 7)
    assert Event.objects.filter(kind="suppression.made").count() == 1
    assert [(fact["customer_id"], fact["purpose"], fact["is_allowed"]) for fact in told] == [(7, "survey", False)]
    blocked = queue(purpose="survey")
    service = queue(purpose="service")
    other = queue(purpose="survey", to="b@c.example")
    drain(seconds=10)
    for row_ in (blocked, service, other):
        row_.refresh_from_db()
    assert [one.state for one in (blocked, service, other)] == ["failed", "sent", "sent"]
    assert blocked.provider_code == "suppressed"


def test_it_can_be_taken_back(sink: Sink, told: list[dict[str, Any]], client: Client) -> None:
    path = link_of(sink)
    client.post(path)
    client.post(path, {"action": "undo"})
    assert not Suppression.objects.exists()
    assert [fact["is_allowed"] for fact in told] == [False, True]


def test_altered_link_is_not_found(sink: Sink, client: Client) -> None:
    path = link_of(sink)
    assert client.post(path[:-3] + "xx/").status_code == 404
    assert client.get("/u/nonsense/").status_code == 404


def test_service_mail_has_no_such_link(sink: Sink) -> None:
    queue(purpose="service")
    drain(seconds=10)
    assert sink.mails[-1]["List-Unsubscribe"] is None
    assert "/u/" not in sink.mails[-1].get_body(["plain"]).get_content()


def test_customers_app_listens() -> None:
    assert len(UNSUBSCRIBE) >= 1
    assert timezone.now() is not None
