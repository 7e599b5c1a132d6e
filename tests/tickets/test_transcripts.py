"""A conversation by mail on request: public words only, to the ticket's own address, once per press, not too often."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput, RateLimited
from core.models import Event
from notifications.models import Delivery
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.tickets import make_reply, make_ticket
from tickets.permissions import customer_url
from tickets.services import add_note
from tickets.services.transcripts import send_transcript

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ticket() -> Any:
    found = make_ticket(contact_email="wen@example.com", text="杯子裂了", subject="杯子")
    make_reply(found, make_staff("lin@desk.example", display_name="林若溪"), text="马上补发")
    add_note(ticket_id=found.pk, text="内部：第三次了", actor=SYSTEM, at=timezone.now(), client_id=None)
    return found


def mails(ticket: Any) -> list[Delivery]:
    return list(Delivery.objects.filter(key__startswith=f"transcript:{ticket.pk}:"))


def send(ticket: Any, press: str = "a") -> bool:
    return send_transcript(ticket_id=ticket.pk, press=press, actor=SYSTEM, at=timezone.now())


def test_public_words_go_to_the_tickets_address_once_per_press(ticket: Any) -> None:
    assert send(ticket)
    assert not send(ticket)
    (mail,) = mails(ticket)
    body = mail.text
    assert "杯子裂了" in body
    assert "马上补发" in body
    assert "林若溪" in body
    assert "内部" not in body
    assert Event.objects.filter(kind="ticket.transcript_sent", ticket_id=ticket.pk).count() == 1


def test_not_more_than_three_a_day_and_not_without_an_address(ticket: Any) -> None:
    for press in "abc":
        send(ticket, press)
    with pytest.raises(RateLimited):
        send(ticket, "d")
    silent = make_ticket(customer=make_customer(email=None))
    with pytest.raises(InvalidInput):
        send(silent)


def test_from_the_desk_and_from_the_customers_page(client: Any, ticket: Any) -> None:
    desk = f"/desk/t/{ticket.pk}/transcript/"
    client.force_login(make_staff(roles=["quality"]))
    assert client.post(desk).status_code == 403
    client.force_login(make_staff(roles=["manager"]))
    answer = client.post(desk, {"press": "1"}, headers=HTMX)
    assert answer.status_code == 204
    assert "toast" in answer["HX-Trigger"]
    assert client.get(desk).status_code == 405
    client.logout()
    page = "/t/" + customer_url(ticket).rstrip("/").rsplit("/", 1)[1] + "/"
    assert f"{page}transcript/" in client.get(page).content.decode()
    assert client.post(f"{page}transcript/", {"press": "x"})["Location"] == f"{page}?transcript=sent"
    assert len(mails(ticket)) == 2
    assert client.get(f"{page}?transcript=sent").status_code == 200
    assert client.post("/t/wrong/transcript/").status_code in {404, 410}
