"""Answers that wait: taken back or gone, never both, never neither; planned ones stop, change, go once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Notification, Staff
from core.actors import Actor
from core.errors import InvalidInput, NotFound, TransitionNotAllowed
from core.jobs import drain
from core.models import Event, Job
from notifications.models import Delivery
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_ticket
from tests.tickets.test_races import at_once
from tickets import services
from tickets.errors import AlreadyGone, SeenTooLittle
from tickets.models import Draft, HeldMessage, Message, Ticket
from tickets.services.safety import Seen
from tickets.services.undo_send import RELEASE_JOB, Pressed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def ten_seconds(settings: Any) -> None:
    settings.UNDO_SEND_SECONDS = 10


def press(ticket: Ticket, staff: Staff, text: str = "马上为您补发。", **more: Any) -> HeldMessage:
    given = {name: more.pop(name) for name in ("at", "due_at", "seen") if name in more}
    pressed = Pressed(**{"source": text, "client_id": uuid4(), **more})
    at = given.pop("at", None) or timezone.now()
    held = services.hold_message(ticket_id=ticket.pk, pressed=pressed, actor=Actor.staff(staff), at=at, **given)
    assert isinstance(held, HeldMessage)
    return held


def release(held: HeldMessage, at: datetime | None = None) -> Message | None:
    return services.release_held(held_id=held.pk, version=held.version, at=at or timezone.now())


def answers(ticket: Ticket) -> int:
    return Message.objects.filter(ticket=ticket, author_type="staff").count()


def test_a_pressed_answer_waits_ten_seconds_and_then_goes_as_of_the_press() -> None:
    staff, ticket = make_staff(), make_ticket(contact_email="lin@example.com")
    pressed_at = timezone.now()
    held = press(ticket, staff, at=pressed_at, then_status="resolved")
    assert (answers(ticket), Delivery.objects.filter(template="tickets.reply").count()) == (0, 0)
    assert Job.objects.get(name=RELEASE_JOB).due_at == pressed_at + timedelta(seconds=10)
    message = release(held, pressed_at + timedelta(seconds=11))
    assert message is not None
    ticket.refresh_from_db()
    held.refresh_from_db()
    assert (held.state, held.message_id, message.client_id) == ("sent", message.pk, held.client_id)
    assert (ticket.status, ticket.assignee_id, ticket.first_response_at) == ("resolved", staff.pk, pressed_at)
    assert Delivery.objects.filter(template="tickets.reply").count() == 1


def test_taking_back_gives_the_words_and_what_was_begun_meanwhile() -> None:
    staff, ticket = make_staff(), make_ticket()
    held = press(ticket, staff, "**好的**，明天寄出")
    services.save_draft(ticket_id=ticket.pk, staff_id=staff.pk, text="另外", at=timezone.now())
    services.take_back(held_id=held.pk, staff_id=staff.pk, at=timezone.now())
    assert Draft.objects.get(ticket=ticket, staff=staff).text == "**好的**，明天寄出\n\n另外"
    assert release(held) is None
    assert answers(ticket) == 0
    with pytest.raises(AlreadyGone):
        services.take_back(held_id=held.pk, staff_id=staff.pk, at=timezone.now())


def test_only_its_writer_takes_an_answer_back() -> None:
    ticket = make_ticket()
    held = press(ticket, make_staff())
    with pytest.raises(NotFound):
        services.take_back(held_id=held.pk, staff_id=make_staff().pk, at=timezone.now())


def test_gone_is_gone() -> None:
    staff, ticket = make_staff(), make_ticket()
    held = press(ticket, staff)
    assert release(held) is not None
    with pytest.raises(AlreadyGone):
        services.take_back(held_id=held.pk, staff_id=staff.pk, at=timezone.now())
    assert release(held) is None
    assert answers(ticket) == 1


def test_pressed_twice_with_one_client_id_is_one() -> None:
    staff, ticket, client_id = make_staff(), make_ticket(), uuid4()
    first, second = (press(ticket, staff, client_id=client_id) for _time in range(2))
    assert first.pk == second.pk
    assert release(first) is not None
    assert services.hold_message(
        ticket_id=ticket.pk, pressed=Pressed("x", client_id), actor=Actor.staff(staff), at=timezone.now()
    ) == HeldMessage.objects.get(pk=first.pk)
    assert answers(ticket) == 1


def test_a_turn_begun_after_the_press_is_not_ended_and_nothing_is_resolved_over_it() -> None:
    staff, ticket = make_staff(), make_ticket()
    at = timezone.now()
    held = press(ticket, staff, at=at, then_status="resolved")
    Ticket.objects.filter(pk=ticket.pk).update(customer_turn_at=None)
    services.add_customer_message(
        ticket_id=ticket.pk, text="还有一件事", channel="form", actor=Actor.customer(ticket.customer_id),
        at=at + timedelta(seconds=4),
    )  # fmt: skip
    assert release(held, at + timedelta(seconds=10)) is not None
    ticket.refresh_from_db()
    assert ticket.customer_turn_at == at + timedelta(seconds=4)
    assert ticket.status != "resolved"


def test_illegal_press_is_refused_at_once() -> None:
    staff, ticket = make_staff(), make_ticket()
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(staff), at=timezone.now())
    with pytest.raises(TransitionNotAllowed):
        press(ticket, staff, then_status="waiting_customer")
    with pytest.raises(InvalidInput):
        press(ticket, staff, "   ")
    with pytest.raises(InvalidInput):
        press(ticket, staff, due_at=timezone.now() - timedelta(minutes=1))


def test_a_writer_who_may_no_longer_answer_stops_the_answer() -> None:
    staff, ticket = make_staff(roles=["agent"]), make_ticket()
    held = press(ticket, staff)
    Staff.objects.filter(pk=staff.pk).update(roles=["analyst"])
    assert release(held) is None
    held.refresh_from_db()
    assert (held.state, held.stop_code, answers(ticket)) == ("stopped", "not_allowed", 0)


def test_a_planned_answer_stops_when_the_customer_writes_and_its_writer_is_told() -> None:
    staff, ticket = make_staff(), make_ticket()
    held = press(ticket, staff, due_at=timezone.now() + timedelta(hours=3))
    services.add_customer_message(
        ticket_id=ticket.pk, text="不用了，已经收到", channel="form", actor=Actor.customer(ticket.customer_id),
        at=timezone.now(),
    )  # fmt: skip
    assert release(held) is None
    held.refresh_from_db()
    assert (held.state, held.stop_code) == ("stopped", "customer_wrote")
    assert Notification.objects.filter(staff=staff, kind="ticket.answer_stopped").count() == 1
    services.send_held_now(held_id=held.pk, staff_id=staff.pk, at=timezone.now())
    held.refresh_from_db()
    assert release(held) is not None


def test_a_planned_answer_is_changed_until_it_goes() -> None:
    staff, ticket = make_staff(), make_ticket()
    held = press(ticket, staff, due_at=timezone.now() + timedelta(hours=3))
    later = timezone.now() + timedelta(hours=5)
    changed = services.change_planned(
        held_id=held.pk, staff_id=staff.pk, source="改好了", due_at=later, version=held.version, at=timezone.now()
    )
    assert release(held) is None  # the old job finds another version
    message = release(changed)
    assert message is not None
    assert message.text == "改好了"
    with pytest.raises(AlreadyGone):
        services.change_planned(
            held_id=held.pk, staff_id=staff.pk, source="迟了", due_at=later, version=None, at=timezone.now()
        )


def test_files_travel_with_a_held_answer_and_come_back_with_it(client: Client) -> None:
    from tests.factories.tickets import jpeg

    staff, ticket = make_staff(), make_ticket()
    file = services.store_attachment(
        file=jpeg(), name="a.jpg", ticket_id=ticket.pk, uploaded_by=staff.pk, at=timezone.now()
    )
    held = press(ticket, staff, attachment_ids=(file.pk,))
    services.take_back(held_id=held.pk, staff_id=staff.pk, at=timezone.now())
    file.refresh_from_db()
    assert (file.held_id, file.message_id) == (None, None)
    again = press(ticket, staff, attachment_ids=(file.pk,))
    message = release(again)
    assert message is not None
    file.refresh_from_db()
    assert (file.message_id, file.held_id) == (message.pk, None)


def test_a_colleague_pressing_at_the_same_time_is_shown_the_waiting_answer() -> None:
    one, two, ticket = make_staff(display_name="王晓敏"), make_staff(), make_ticket()
    seen = Seen(ticket.version)
    press(ticket, one, seen=seen)
    with pytest.raises(SeenTooLittle) as caught:
        press(ticket, two, seen=seen)
    assert [change["what"] for change in caught.value.changes] == ["message.held"]
    press(ticket, two, seen=Seen(caught.value.context["version"], caught.value.context["snapshot"]))


def test_the_desk_shows_what_waits_and_takes_it_back(client: Client) -> None:
    staff, ticket = make_staff(roles=["agent_senior"]), make_ticket()
    client.force_login(staff)
    answer = client.post(
        reverse("tickets:reply", args=[ticket.pk]), {"text": "马上查", "client_id": str(uuid4())},
        HTTP_ACCEPT="application/json",
    ).json()  # fmt: skip
    assert answer["held"]["seconds"] in range(8, 11)
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert "msg-held" in page
    back = client.post(answer["held"]["undo"], HTTP_HX_REQUEST="true")
    assert "马上查" in back["HX-Trigger"].encode().decode("unicode_escape")
    assert "msg-held" not in client.get(reverse("tickets:waiting", args=[ticket.pk])).content.decode()
    assert client.post(answer["held"]["undo"], HTTP_ACCEPT="application/json").status_code == 409


def test_a_colleague_sees_what_waits_but_cannot_touch_it(client: Client) -> None:
    ticket = make_ticket()
    held = press(ticket, make_staff())
    client.force_login(make_staff(roles=["agent_senior"]))
    page = client.get(reverse("tickets:waiting", args=[ticket.pk])).content.decode()
    assert f"held-{held.pk}" in page
    assert "held-acts" not in page
    for name in ("take_back", "send_now"):
        assert client.post(reverse(f"tickets:{name}", args=[ticket.pk, held.pk])).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(6))
def test_undo_raced_with_the_sending_job_gives_the_mail_or_the_text_never_both(turn: int) -> None:
    staff, ticket = make_staff(), make_ticket(contact_email="lin@example.com")
    held = press(ticket, staff, at=timezone.now() - timedelta(seconds=11))
    undo, sent = at_once(
        lambda: services.take_back(held_id=held.pk, staff_id=staff.pk, at=timezone.now()),
        lambda: drain(seconds=5),
    )
    drain(seconds=2)
    held.refresh_from_db()
    mails = Delivery.objects.filter(template="tickets.reply").count()
    drafts = Draft.objects.filter(ticket=ticket, staff=staff, text="马上为您补发。").count()
    assert (answers(ticket), mails, drafts) in {(1, 1, 0), (0, 0, 1)}
    assert isinstance(undo, AlreadyGone) == (held.state == "sent")
    assert sent >= 0


@pytest.mark.django_db(transaction=True)
def test_ten_workers_send_a_planned_answer_once() -> None:
    staff, ticket = make_staff(), make_ticket(contact_email="lin@example.com")
    held = press(ticket, staff, due_at=timezone.now() + timedelta(seconds=1))
    HeldMessage.objects.filter(pk=held.pk).update(due_at=timezone.now())
    at_once(*[lambda: release(held)] * 8)
    assert answers(ticket) == 1
    assert Event.objects.filter(kind="message.sent", ticket_id=ticket.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_sending_leaves_it_to_the_next_once() -> None:
    """The claim is committed, the work is not: the connection dies in between, as with kill -9."""
    from django.db import transaction

    from core.jobs.queue import claim

    staff, ticket = make_staff(), make_ticket(contact_email="lin@example.com")
    held = press(ticket, staff, at=timezone.now() - timedelta(seconds=11))
    claimed = claim(1, names=[RELEASE_JOB])
    assert len(claimed) == 1
    with transaction.atomic():
        assert release(held) is not None
        transaction.set_rollback(True)  # what the server does when the worker's connection dies
    Job.objects.filter(pk=claimed[0].id).update(lease_until=timezone.now() - timedelta(seconds=1))
    drain(seconds=5)
    assert answers(ticket) == 1
    assert Delivery.objects.filter(template="tickets.reply").count() == 1
    connection.close()
