"""Mail in: threads, new tickets, doubles, strangers, our own mail, floods; bounces and leavers."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from django.utils import timezone

from core.actors import Actor
from core.jobs import drain
from core.models import Job
from customers.services import block_customer
from notifications.addresses import reply_address
from notifications.models import Delivery, InboundMail, Mailbox
from notifications.selectors.inbound import find_target
from notifications.services import receive_mail
from notifications.services.sending import fail_delivery
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.tickets import jpeg, make_reply, make_ticket
from tickets import services
from tickets.models import Message, Ticket

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def box():
    return Mailbox.objects.create(address="service@shop.example", name_zh="客服", is_default=True)


def letter(
    sender="Wang <wang@example.com>", to="service@shop.example", subject="杯子坏了", text="收到就是坏的", **headers
):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail


def receive(mail, to=None, sender="wang@example.com"):
    target = find_target(to or str(mail["To"]))
    assert target is not None
    row, _is_new = receive_mail(
        raw=mail.as_bytes(), sender=sender, targets=[target], peer="127.0.0.1", at=timezone.now()
    )
    drain(seconds=5)
    return InboundMail.objects.get(pk=row.pk)


def test_a_mail_opens_a_ticket_and_is_acknowledged(box):
    mail = letter(Message_ID="<m1@example.com>", text="收到就是坏的\n\n发自我的iPhone")
    mail.add_attachment(jpeg(), maintype="image", subtype="jpeg", filename="a.jpg")
    mail.add_attachment(b"MZ" + b"\0" * 99, maintype="application", subtype="octet-stream", filename="v.exe")
    row = receive(mail)
    ticket = Ticket.objects.get()
    assert (row.state, row.ticket_id, row.customer_id) == ("applied", ticket.pk, ticket.customer_id)
    assert (ticket.channel, ticket.subject, ticket.mailbox_id, ticket.language) == (
        "email",
        "杯子坏了",
        box.pk,
        "zh-hans",
    )
    assert ticket.customer.name == "Wang"
    first, ack, note = ticket.messages.order_by("seq")
    assert (first.text, first.quoted, first.mail_id) == ("收到就是坏的", "发自我的iPhone", "m1@example.com")
    assert first.attachments.get().name == "a.jpg"
    assert ack.kind == "auto"
    assert "v.exe" in note.text
    sent = Delivery.objects.get(ticket_id=ticket.pk)
    assert sent.to == "wang@example.com"
    assert sent.headers["In-Reply-To"] == "<m1@example.com>"


def test_an_answer_to_our_mail_joins_and_reopens(box):
    ticket, staff = make_ticket(contact_email="wang@example.com"), make_staff()
    answer = make_reply(ticket, staff, then_status="resolved")
    mail = letter(
        Message_ID="<m2@example.com>",
        In_Reply_To=f"<{answer.mail_id}>",
        text="还是不行\n\n在 2026年11月20日，客服 写道：\n> 您好\n> 马上处理",
    )
    receive(mail)
    ticket.refresh_from_db()
    message = ticket.messages.get(mail_id="m2@example.com")
    assert (ticket.status, message.text) == ("open", "还是不行")
    assert "马上处理" in message.quoted
    assert Ticket.objects.count() == 1


def test_the_signed_address_joins_even_from_elsewhere_and_says_so(box):
    ticket = make_ticket()
    receive(letter(to=reply_address(ticket.pk), Message_ID="<m3@example.com>"))
    message, note = ticket.messages.order_by("seq")[2:]
    assert (message.mail_id, note.kind) == ("m3@example.com", "note")
    assert "w***@example.com" in note.text


def test_a_strangers_reference_to_our_mail_opens_a_ticket_of_its_own(box):
    ticket = make_ticket()
    ack = ticket.messages.get(kind="auto")
    receive(letter(sender="evil@example.com", References=f"<x@y.z> <{ack.mail_id}>", Message_ID="<m4@example.com>"))
    assert Ticket.objects.count() == 2
    assert ticket.messages.count() == 2


def test_the_same_mail_through_two_addresses_is_one_message(box):
    Mailbox.objects.create(address="second@shop.example", name_zh="二")
    mail = letter(Message_ID="<m5@example.com>")
    first, second = receive(mail), receive(mail, to="second@shop.example")
    assert first.pk != second.pk
    assert first.ticket_id == second.ticket_id
    assert Message.objects.filter(mail_id="m5@example.com").count() == 1


def test_a_mail_without_message_id_is_taken_once(box):
    mail = letter()
    receive(mail)
    receive(mail)
    assert Ticket.objects.get().messages.get(seq=1).mail_id.endswith("@no-message-id")


@pytest.mark.parametrize(
    "headers",
    [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"X_Autoreply": "yes"}],
)
def test_machines_neither_open_nor_reopen_nor_get_an_answer(box, headers):
    ticket = make_ticket(contact_email="wang@example.com")
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now())
    ack, sent = ticket.messages.get(kind="auto"), Delivery.objects.count()
    receive(
        letter(Message_ID="<m6@example.com>", In_Reply_To=f"<{ack.mail_id}>", subject="自动回复：休假中", **headers)
    )
    receive(letter(sender="bot@example.com", Message_ID="<m7@example.com>", **headers), sender="bot@example.com")
    ticket.refresh_from_db()
    assert (ticket.status, Ticket.objects.count(), Delivery.objects.count()) == ("resolved", 1, sent)


def test_our_own_address_as_sender_is_left_alone(box):
    row = receive(letter(sender="service@shop.example", Message_ID="<m8@example.com>"), sender="service@shop.example")
    assert row.state == "ignored"
    assert not Ticket.objects.exists()


def test_spam_and_blocked_senders_get_no_answer(box):
    receive(letter(subject="代开发票", text="加微信 http://a.top http://b.top", Message_ID="<s1@example.com>"))
    block_customer(
        customer_id=make_customer(email="b@example.com").pk, reason="by_agent", actor=Actor.SYSTEM, at=timezone.now()
    )
    receive(letter(sender="b@example.com", Message_ID="<s2@example.com>"), sender="b@example.com")
    assert list(Ticket.objects.values_list("is_spam", flat=True)) == [True, True]
    assert not Delivery.objects.filter(template="tickets.acknowledged").exists()


def test_a_flood_from_one_sender_is_answered_five_times_then_taken_for_spam(box):
    for n in range(22):
        receive(letter(Message_ID=f"<f{n}@example.com>"))
    assert Delivery.objects.filter(template="tickets.acknowledged").count() == 5
    assert Ticket.objects.filter(is_spam=True).count() == 2


def test_an_answer_that_does_not_arrive_is_put_before_the_agent(box):
    from accounts.models import Notification

    ticket, staff = make_ticket(), make_staff()
    answer = make_reply(ticket, staff)
    before = Ticket.objects.get().version
    fail_delivery(delivery_id=answer.delivery_id, code="550", at=timezone.now())
    drain(seconds=5)
    assert Ticket.objects.get().version == before + 1
    assert Notification.objects.get(staff=staff).kind == "ticket.undelivered"


def test_a_leavers_open_tickets_go_to_the_successor_in_parts(monkeypatch):
    from accounts.services import deactivate_staff
    from tickets.services import handing_over

    monkeypatch.setattr(handing_over, "BATCH", 2)
    leaver, successor, admin = make_staff(), make_staff(), make_staff(roles=["admin"])
    tickets = [make_ticket(assignee_id=leaver.pk) for _n in range(5)]
    services.resolve_ticket(ticket_id=tickets[0].pk, actor=Actor.staff(leaver), at=timezone.now())
    deactivate_staff(
        staff_id=leaver.pk,
        successor_id=successor.pk,
        successor_team_id=None,
        actor=Actor.staff(admin),
        at=timezone.now(),
    )
    drain(seconds=5)
    assert Ticket.objects.filter(assignee=successor).count() == 4
    assert Ticket.objects.get(assignee=leaver).status == "resolved"


def test_a_leavers_tickets_go_to_a_queue():
    from accounts.services import deactivate_staff

    leaver, admin, team = make_staff(), make_staff(roles=["admin"]), make_team("Second")
    make_ticket(assignee_id=leaver.pk)
    deactivate_staff(
        staff_id=leaver.pk, successor_id=None, successor_team_id=team.pk, actor=Actor.staff(admin), at=timezone.now()
    )
    drain(seconds=5)
    ticket = Ticket.objects.get()
    assert (ticket.assignee_id, ticket.team_id) == (None, team.pk)


def test_a_resolved_ticket_closes_when_its_time_has_come(settings):
    ticket = make_ticket()
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(make_staff()), at=timezone.now() - timedelta(days=8))
    Job.objects.filter(name="tickets.close_resolved").update(due_at=timezone.now())
    drain(seconds=5)
    assert Ticket.objects.get().status == "closed"
