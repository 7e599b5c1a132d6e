"""Many at once, on real transactions: dense numbers, one of everything."""

import threading
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.actors import Actor
from core.errors import DomainError
from core.jobs import drain
from core.models import Event, Job
from customers.models import Customer, Identity
from customers.services import find_or_add_customer
from notifications.models import Delivery, Mailbox
from notifications.selectors.inbound import find_target
from notifications.services import queue_message, receive_mail
from tests.factories.accounts import make_staff
from tests.factories.desk import make_category
from tests.factories.tickets import make_reply, make_ticket
from tickets import services
from tickets.errors import AlreadyTaken
from tickets.models import Message, Ticket
from tickets.services.contact_form import ContactRequest, submit_contact_form
from tickets.services.locking import lock_ticket

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Run all at the same moment, each on a connection of its own; return results, refusals as they are."""
    gate = threading.Barrier(len(works))

    def run(work):
        try:
            gate.wait(timeout=20)
            return work()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def check_dense(ticket):
    ticket.refresh_from_db()
    rows = list(ticket.messages.order_by("seq").values_list("seq", "public_seq", "at"))
    assert [row[0] for row in rows] == list(range(1, ticket.last_seq + 1))
    assert [row[1] for row in rows if row[1]] == list(range(1, ticket.last_public_seq + 1))
    public = [row[2] for row in rows if row[1]]
    assert public == sorted(public)


@pytest.mark.slow
def test_forty_parallel_messages_get_dense_numbers():
    staff, ticket = make_staff(), make_ticket()
    actor = Actor.staff(staff)

    def reply():
        return make_reply(ticket, staff)

    def note():
        return services.add_note(ticket_id=ticket.pk, text="内部", actor=actor, at=timezone.now())

    results = []
    for _round in range(5):
        results += at_once(*([reply] * 6 + [note] * 2))
    assert all(isinstance(result, Message) for result in results)
    check_dense(ticket)
    assert (ticket.last_seq, ticket.last_public_seq) == (42, 32)
    assert Delivery.objects.filter(template="tickets.reply").count() == 30


def test_two_first_answers_are_one_first_response():
    one, two, ticket = make_staff(), make_staff(), make_ticket()
    at_once(lambda: make_reply(ticket, one), lambda: make_reply(ticket, two))
    sent = Event.objects.filter(kind="message.sent", ticket_id=ticket.pk).order_by("id")
    assert sorted(event.data["is_first"] for event in sent) == [False, True]
    assert sum(event.data["turn_seconds"] is not None for event in sent) == 1
    assert Event.objects.filter(kind="ticket.assigned", ticket_id=ticket.pk).count() == 1
    check_dense(ticket)


def test_the_same_answer_sent_twice_at_once_is_one():
    staff, ticket, client_id = make_staff(), make_ticket(), uuid4()
    works = [lambda: make_reply(ticket, staff, client_id=client_id)] * 4
    assert len({message.pk for message in at_once(*works)}) == 1
    assert Delivery.objects.filter(template="tickets.reply").count() == 1


def test_answer_and_resolution_at_once_leave_a_sound_ticket():
    one, two, ticket = make_staff(), make_staff(), make_ticket()
    at_once(
        lambda: make_reply(ticket, one, then_status="resolved"),
        lambda: services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(two), at=timezone.now()),
    )
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at is not None) == ("resolved", True)
    assert Event.objects.filter(kind="ticket.resolved", ticket_id=ticket.pk).count() == 1


def test_of_two_who_take_a_ticket_one_gets_it():
    one, two, ticket = make_staff(), make_staff(), make_ticket()
    works = [
        lambda staff=staff: services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(staff), at=timezone.now())
        for staff in (one, two)
    ]
    results = at_once(*works)
    assert sum(isinstance(result, AlreadyTaken) for result in results) == 1
    assert sum(isinstance(result, Ticket) for result in results) == 1


def test_a_form_posted_twice_at_once_is_one_ticket():
    asked = ContactRequest(draft="d" * 32, text="杯子坏了", phone="+8613800138000", email="a@example.com")
    results = at_once(*[lambda: submit_contact_form(request=asked, at=timezone.now())] * 4)
    assert len({ticket.pk for ticket in results}) == 1
    assert (Ticket.objects.count(), Customer.objects.count(), Identity.objects.count()) == (1, 1, 2)
    assert Delivery.objects.count() == 1


def test_a_customer_met_twice_at_once_is_one():
    def meet(email):
        return find_or_add_customer(
            phone="13800138000", email=email, source="api", actor=Actor.SYSTEM, at=timezone.now()
        )

    results = at_once(*[lambda n=n: meet(f"a{n % 2}@example.com") for n in range(6)])
    assert len({customer.pk for customer in results}) == 1
    assert Customer.objects.count() == 1
    assert sorted(Identity.objects.values_list("kind", flat=True)) == ["email", "email", "phone"]
    assert Identity.objects.filter(kind="email", is_primary=True).count() == 1


def test_two_copies_of_a_mail_at_once_are_one_message():
    for address in ("a@shop.example", "b@shop.example"):
        Mailbox.objects.create(address=address, name_zh="客服")
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        "w@example.com",
        "x@y.z",
        "坏了",
        "<one@example.com>",
    )
    mail.set_content("收到就是坏的")
    for address in ("a@shop.example", "b@shop.example"):
        receive_mail(
            raw=mail.as_bytes(),
            sender="w@example.com",
            targets=[find_target(address)],  # type: ignore[list-item]
            peer="127.0.0.1",
            at=timezone.now(),
        )
    at_once(lambda: drain(seconds=5), lambda: drain(seconds=5))
    drain(seconds=5)
    assert Message.objects.filter(mail_id="one@example.com").count() == 1
    assert Ticket.objects.count() == 1
    assert Delivery.objects.count() == 1


def waiting_for_a_lock():
    """Return once another connection waits for a row this one holds."""
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _try in range(2000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(asked)
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")


def beside(work, meanwhile):
    """Run `work` on a connection of its own while `meanwhile` is written but not committed; return its result."""

    def run():
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            meanwhile()
            later = pool.submit(run)
            waiting_for_a_lock()
        return later.result(timeout=20)


def test_who_waited_for_a_ticket_sees_what_was_put_beside_it_meanwhile():
    staff, ticket, category = make_staff(), make_ticket(), make_category(key="late", is_complaint=True)
    assert ticket.category_id is None

    def categorise():
        Ticket.objects.select_for_update().get(pk=ticket.pk)
        Ticket.objects.filter(pk=ticket.pk).update(category=category)

    beside(lambda: make_reply(ticket, staff), categorise)
    sent = Event.objects.get(kind="message.sent", ticket_id=ticket.pk)
    assert (sent.data["category"], sent.data["is_complaint"]) == ("late", True)


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_mail_queued_twice_at_once_is_the_first_or_the_second_when_the_first_is_undone(is_kept):
    def queue():
        return queue_message(
            key="one", template="tickets.reply", language="en", to="lin@example.com", at=timezone.now(),
            context={"text": "a"},
        )  # fmt: skip

    first = []

    class Undone(Exception):
        pass

    def run():
        try:
            return queue().pk
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        try:
            with transaction.atomic():
                first.append(queue().pk)
                later = pool.submit(run)
                waiting_for_a_lock()
                if not is_kept:
                    raise Undone
        except Undone:
            pass
        second = later.result(timeout=20)
    assert (second == first[0]) is is_kept
    assert Delivery.objects.filter(key="one").count() == 1
    assert list(Job.objects.filter(name="notifications.send_delivery").values_list("key", flat=True)) == [str(second)]


def test_the_lock_on_a_ticket_is_asked_for_inside_a_transaction_only():
    ticket = make_ticket()
    with pytest.raises(transaction.TransactionManagementError):
        lock_ticket(ticket.pk)
