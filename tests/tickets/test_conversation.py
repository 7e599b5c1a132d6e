"""Opening, answering, noting, moving: every branch of the services that people's work goes through."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound, TransitionNotAllowed
from core.models import Event, Job
from notifications.models import Delivery
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.tickets import make_reply, make_ticket
from tickets import services
from tickets.enums import TICKET_TRANSITIONS, TicketStatus
from tickets.errors import AlreadyTaken, ClientIdTaken, SeenTooLittle
from tickets.models import Category, Draft, Message, SlaPolicy, Ticket, TicketRead

pytestmark = pytest.mark.django_db
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai


def kinds(ticket):
    return list(Event.objects.filter(ticket_id=ticket.pk).order_by("id").values_list("kind", flat=True))


def data_of(ticket, kind):
    return Event.objects.filter(ticket_id=ticket.pk, kind=kind).latest("id").data


def test_open_ticket_starts_clocks_and_acknowledges():
    category = Category.objects.get(key="complaint")
    ticket = make_ticket(at=AT, category_id=category.pk)
    assert (ticket.status, ticket.last_seq, ticket.last_public_seq) == ("new", 2, 2)
    assert ticket.first_response_due_at == AT + timedelta(minutes=120)
    assert ticket.resolution_due_at == AT + timedelta(minutes=2880)
    first, ack = ticket.messages.order_by("seq")
    assert (first.kind, first.author_type, ack.kind, ack.author_type) == ("public", "customer", "auto", "system")
    assert ticket.number in ack.text
    assert "今天 12:00 前" in ack.text
    mail = Delivery.objects.get(ticket_id=ticket.pk)
    assert (mail.key, mail.template, ack.delivery_id) == (f"ticket-message:{ack.pk}", "tickets.acknowledged", mail.pk)
    assert f"<{ack.mail_id}>" == mail.message_id
    assert mail.headers["Auto-Submitted"] == "auto-generated"
    assert kinds(ticket) == ["ticket.opened", "message.acknowledged"]
    opened = data_of(ticket, "ticket.opened")
    assert (opened["category"], opened["stage"], opened["is_complaint"]) == ("complaint", "after_sale", True)
    assert (opened["first_response_target"], opened["resolution_target"]) == (7200, 172800)
    assert ticket.preview == first.text


def test_open_ticket_in_english_says_when_in_english():
    ticket = make_ticket(at=AT + timedelta(hours=12), language="en", text="The cup is broken")
    assert "tomorrow before 00:00" in ticket.messages.get(kind="auto").text


def test_open_ticket_twice_with_one_client_id_is_one():
    client_id = uuid4()
    customer = make_customer()
    first = make_ticket(customer=customer, client_id=client_id)
    assert make_ticket(customer=customer, client_id=client_id).pk == first.pk
    assert Ticket.objects.count() == 1


def test_spam_is_kept_without_an_answer():
    ticket = make_ticket(is_spam=True)
    assert ticket.messages.count() == 1
    assert not Delivery.objects.exists()


def test_a_customer_without_address_gets_the_words_but_no_mail():
    ticket = make_ticket(customer=make_customer(email=None))
    assert ticket.messages.get(kind="auto").delivery_id is None


def test_the_contact_address_of_the_form_wins():
    ticket = make_ticket(contact_email="other@example.com")
    assert Delivery.objects.get(ticket_id=ticket.pk).to == "other@example.com"


def test_staff_opening_by_phone_writes_a_note():
    staff = make_staff()
    data = services.NewTicket(channel="phone", text="客户来电，询问发票", customer_id=make_customer().pk)
    ticket = services.open_ticket(data=data, actor=Actor.staff(staff), at=AT)
    assert ticket.messages.order_by("seq").first().kind == "note"
    assert (ticket.last_seq, ticket.last_public_seq) == (2, 1)


def test_an_empty_opening_is_refused():
    with pytest.raises(InvalidInput), transaction.atomic():
        make_ticket(text="   ")
    assert not Ticket.objects.exists()


def test_reply_ends_the_turn_takes_the_ticket_and_sends_mail():
    staff = make_staff()
    ticket = make_ticket(at=AT)
    ack = ticket.messages.get(kind="auto")
    message = make_reply(ticket, staff, at=AT + timedelta(minutes=30))
    ticket.refresh_from_db()
    assert (ticket.status, ticket.assignee_id, ticket.customer_turn_at) == ("open", staff.pk, None)
    assert ticket.first_response_at == AT + timedelta(minutes=30)
    sent = data_of(ticket, "message.sent")
    assert (sent["is_first"], sent["turn_seconds"], sent["agent_id"]) == (True, 1800, staff.pk)
    mail = Delivery.objects.get(pk=message.delivery_id)
    assert mail.headers["In-Reply-To"] == f"<{ack.mail_id}>"
    assert mail.headers["Reply-To"].startswith(f"reply+{ticket.pk}.")
    assert "Auto-Submitted" not in mail.headers
    assert kinds(ticket)[2:] == ["ticket.assigned", "message.sent", "ticket.status_changed", "clock.met"]


def test_reply_twice_with_one_client_id_is_one_message_and_one_mail():
    staff, ticket, client_id = make_staff(), make_ticket(), uuid4()
    first = make_reply(ticket, staff, client_id=client_id)
    again = make_reply(ticket, staff, client_id=client_id, then_status="resolved")
    assert again.pk == first.pk
    assert Delivery.objects.filter(ticket_id=ticket.pk, template="tickets.reply").count() == 1
    assert Ticket.objects.get().status == "open"


def test_a_client_id_of_a_note_cannot_become_a_reply():
    staff, ticket, client_id = make_staff(), make_ticket(), uuid4()
    services.add_note(ticket_id=ticket.pk, text="内部", actor=Actor.staff(staff), at=AT, client_id=client_id)
    with pytest.raises(ClientIdTaken):
        make_reply(ticket, staff, client_id=client_id)


def test_reply_written_without_knowing_the_customers_news_is_held_back():
    staff, ticket = make_staff(), make_ticket()
    seen = ticket.version
    services.add_customer_message(
        ticket_id=ticket.pk,
        text="不用了，已经好了",
        channel="email",
        actor=Actor.customer(ticket.customer_id),
        at=timezone.now(),
    )
    with pytest.raises(SeenTooLittle) as caught:
        make_reply(ticket, staff, seen_version=seen)
    assert [(change["what"], change["seq"]) for change in caught.value.changes] == [("message.received", 3)]
    ticket.refresh_from_db()
    assert make_reply(ticket, staff, seen_version=ticket.version).seq == 4


def test_own_changes_and_labels_do_not_hold_a_reply_back():
    staff, colleague, ticket = make_staff(), make_staff(), make_ticket()
    seen = ticket.version
    services.set_priority(ticket_id=ticket.pk, priority=30, actor=Actor.staff(colleague), at=AT)
    services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(staff), at=AT)
    assert make_reply(ticket, staff, seen_version=seen).seq == 3


def test_a_colleagues_resolution_holds_a_reply_back():
    staff, colleague, ticket = make_staff(), make_staff(), make_ticket()
    seen = ticket.version
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(colleague), at=AT)
    with pytest.raises(SeenTooLittle) as caught:
        make_reply(ticket, staff, seen_version=seen)
    assert caught.value.changes[0]["what"] == "ticket.resolved"


def test_reply_then_resolve():
    staff, ticket = make_staff(), make_ticket()
    make_reply(ticket, staff, then_status="resolved")
    ticket.refresh_from_db()
    assert ticket.status == "resolved"
    resolved = data_of(ticket, "ticket.resolved")
    assert (resolved["replies"], resolved["agents"], resolved["agent_id"]) == (1, 1, staff.pk)


def test_reply_then_new_is_refused():
    with pytest.raises(InvalidInput):
        make_reply(make_ticket(), make_staff(), then_status="new")
    assert Message.objects.filter(author_type="staff").count() == 0


def test_customer_message_reopens_and_the_gap_counts_as_waiting():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + timedelta(hours=1), then_status="resolved")
    message = services.add_customer_message(
        ticket_id=ticket.pk,
        text="还是不行",
        channel="email",
        actor=Actor.customer(ticket.customer_id),
        at=AT + timedelta(hours=5),
    )
    ticket.refresh_from_db()
    assert (ticket.status, ticket.resolved_at, ticket.reopen_count) == ("open", None, 1)
    assert ticket.waiting_seconds == 4 * 3600
    assert ticket.resolution_due_at == AT + timedelta(hours=52)
    assert message.public_seq == 4
    assert data_of(ticket, "ticket.reopened")["before"] == "resolved"
    assert data_of(ticket, "message.received")["starts_turn"] is True
    assert Job.objects.get(name="tickets.close_resolved").state == "cancelled"


def test_waiting_for_the_customer_pauses_the_clock():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + timedelta(hours=1), then_status="waiting_customer")
    ticket.refresh_from_db()
    assert (ticket.waiting_since, ticket.next_due_at) == (AT + timedelta(hours=1), None)
    services.add_customer_message(
        ticket_id=ticket.pk,
        text="照片在这",
        channel="form",
        actor=Actor.customer(ticket.customer_id),
        at=AT + timedelta(hours=11),
    )
    ticket.refresh_from_db()
    assert (ticket.status, ticket.waiting_seconds, ticket.waiting_since) == ("open", 36000, None)
    assert ticket.resolution_due_at == AT + timedelta(hours=58)
    assert data_of(ticket, "ticket.status_changed")["waited"] == 36000


def test_a_deadline_passed_before_the_pause_stays():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + timedelta(hours=60), then_status="waiting_customer")
    services.change_status(ticket_id=ticket.pk, status="open", actor=Actor.staff(staff), at=AT + timedelta(hours=80))
    ticket.refresh_from_db()
    assert ticket.resolution_due_at == AT + timedelta(hours=48)


def test_business_time_policy_counts_in_its_calendar():
    from tests.factories.calendars import make_calendar

    calendar = make_calendar()
    SlaPolicy.objects.filter(is_default=True).update(is_business_time=True, calendar_id=calendar.pk)
    ticket = make_ticket(at=AT)
    from core.calendar import due
    from core.calendar.selectors import load_calendar

    assert ticket.first_response_due_at == due(load_calendar(calendar.pk), AT, timedelta(minutes=120))


@pytest.mark.parametrize("before", TicketStatus.values)
@pytest.mark.parametrize("after", TicketStatus.values)
def test_every_step_is_allowed_or_refused_as_the_table_says(before, after):
    ticket, staff = make_ticket(at=AT), Actor.staff(make_staff())
    way = {"new": [], "closed": ["resolved", "closed"]}.get(before, [before])
    for step in way:
        services.change_status(ticket_id=ticket.pk, status=step, actor=staff, at=AT)
    act = {"ticket_id": ticket.pk, "status": after, "actor": staff, "at": AT + timedelta(hours=1)}
    if before == after:
        assert services.change_status(**act).status == before
    elif after in TICKET_TRANSITIONS[before]:
        assert services.change_status(**act).status == after
        assert Ticket.objects.get().status == after
    else:
        version = Ticket.objects.get().version
        with pytest.raises(TransitionNotAllowed):
            services.change_status(**act)
        assert Ticket.objects.get().version == version


def test_unknown_status_and_ticket():
    with pytest.raises(InvalidInput):
        services.change_status(ticket_id=make_ticket().pk, status="gone", actor=SYSTEM, at=AT)
    with pytest.raises(NotFound):
        services.resolve_ticket(ticket_id=999_999, actor=SYSTEM, at=AT)


def test_closing_by_time_only_when_it_stayed_resolved():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT, then_status="resolved")
    job = Job.objects.get(name="tickets.close_resolved")
    assert job.due_at == AT + timedelta(days=7)
    services.reopen_ticket(ticket_id=ticket.pk, actor=Actor.staff(staff), at=AT)
    assert services.close_resolved_ticket(ticket_id=ticket.pk, round_=0, at=AT + timedelta(days=7)) is False
    services.resolve_ticket(ticket_id=ticket.pk, actor=Actor.staff(staff), at=AT)
    assert services.close_resolved_ticket(ticket_id=ticket.pk, round_=0, at=AT + timedelta(days=7)) is False
    assert services.close_resolved_ticket(ticket_id=ticket.pk, round_=1, at=AT + timedelta(days=7)) is True
    ticket.refresh_from_db()
    assert (ticket.status, ticket.closed_at) == ("closed", AT + timedelta(days=7))


def test_time_never_runs_backwards_in_a_ticket():
    staff, ticket = make_staff(), make_ticket(at=AT)
    make_reply(ticket, staff, at=AT + timedelta(minutes=10))
    late = make_reply(ticket, staff, at=AT + timedelta(minutes=5))
    assert late.at == AT + timedelta(minutes=10)


def test_note_mentions_a_colleague_and_stays_inside():
    staff, colleague, ticket = make_staff(), make_staff(), make_ticket()
    note = services.add_note(
        ticket_id=ticket.pk,
        text="@小李 帮忙看下",
        actor=Actor.staff(staff),
        at=timezone.now(),
        mentioned_ids=[colleague.pk, staff.pk],
    )
    assert note.public_seq is None
    assert Notification.objects.get(staff=colleague).kind == "ticket.mentioned"
    assert data_of(ticket, "message.noted")["mentioned"] == [colleague.pk]
    ticket.refresh_from_db()
    assert (ticket.last_seq, ticket.last_public_seq) == (3, 2)


def test_take_ticket_once():
    first, second, ticket = make_staff(), make_staff(), make_ticket()
    services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(first), at=AT)
    services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(first), at=AT)
    with pytest.raises(AlreadyTaken):
        services.take_ticket(ticket_id=ticket.pk, actor=Actor.staff(second), at=AT)
    assert kinds(ticket).count("ticket.assigned") == 1


def test_assign_tells_the_assignee_and_refuses_who_cannot_answer():
    lead, agent, trainer, ticket = make_staff(), make_staff(), make_staff(roles=["trainer"]), make_ticket()
    services.assign_ticket(ticket_id=ticket.pk, assignee_id=agent.pk, actor=Actor.staff(lead), at=AT)
    assert Notification.objects.get(staff=agent).kind == "ticket.assigned"
    with pytest.raises(InvalidInput):
        services.assign_ticket(ticket_id=ticket.pk, assignee_id=trainer.pk, actor=Actor.staff(lead), at=AT)
    with pytest.raises(InvalidInput):
        services.assign_ticket(ticket_id=ticket.pk, assignee_id=None, team_id=999_999, actor=Actor.staff(lead), at=AT)
    services.assign_ticket(ticket_id=ticket.pk, assignee_id=None, actor=Actor.staff(lead), at=AT)
    assert data_of(ticket, "ticket.assigned")["before_id"] == agent.pk


def test_labels_record_what_changed():
    actor, ticket = Actor.staff(make_staff()), make_ticket()
    category = Category.objects.get(key="logistics")
    services.categorise_ticket(ticket_id=ticket.pk, category_id=category.pk, actor=actor, at=AT)
    services.categorise_ticket(ticket_id=ticket.pk, category_id=category.pk, actor=actor, at=AT)
    services.set_priority(ticket_id=ticket.pk, priority=40, actor=actor, at=AT)
    services.tag_ticket(ticket_id=ticket.pk, tags=["加急", " 加急 ", ""], actor=actor, at=AT)
    ticket.refresh_from_db()
    assert (ticket.category_id, ticket.priority, ticket.tags) == (category.pk, 40, ["加急"])
    assert kinds(ticket).count("ticket.changed") == 3
    for refused in (
        lambda: services.categorise_ticket(ticket_id=ticket.pk, category_id=999_999, actor=actor, at=AT),
        lambda: services.set_priority(ticket_id=ticket.pk, priority=7, actor=actor, at=AT),
        lambda: services.tag_ticket(ticket_id=ticket.pk, tags=[str(n) for n in range(21)], actor=actor, at=AT),
        lambda: services.connect_order(ticket_id=ticket.pk, order_id=999_999, actor=actor, at=AT),
    ):
        with pytest.raises(InvalidInput):
            refused()


def test_mark_spam_and_back():
    actor, ticket = Actor.staff(make_staff()), make_ticket()
    services.mark_spam(ticket_id=ticket.pk, actor=actor, at=AT)
    services.mark_spam(ticket_id=ticket.pk, actor=actor, at=AT)
    assert services.mark_spam(ticket_id=ticket.pk, is_spam=False, actor=actor, at=AT).is_spam is False
    assert kinds(ticket)[2:] == ["ticket.marked_spam", "ticket.unmarked_spam"]


def test_drafts_and_read_marks():
    staff, ticket = make_staff(), make_ticket()
    services.save_draft(ticket_id=ticket.pk, staff_id=staff.pk, text="写到一半", at=AT, seen_version=1)
    services.save_draft(ticket_id=ticket.pk, staff_id=staff.pk, text="写到一半了", at=AT, seen_version=2)
    assert Draft.objects.get().text == "写到一半了"
    make_reply(ticket, staff)
    assert not Draft.objects.exists()
    services.save_draft(ticket_id=ticket.pk, staff_id=staff.pk, text="x", at=AT)
    services.save_draft(ticket_id=ticket.pk, staff_id=staff.pk, text="  ", at=AT)
    assert not Draft.objects.exists()
    services.mark_read(ticket_id=ticket.pk, staff_id=staff.pk, seq=3)
    services.mark_read(ticket_id=ticket.pk, staff_id=staff.pk, seq=2)
    assert TicketRead.objects.get().seq == 3


def test_reply_costs_a_bounded_number_of_statements(django_assert_max_num_queries):
    staff, ticket = make_staff(), make_ticket()
    make_reply(ticket, staff)
    with django_assert_max_num_queries(23):  # one of them owes the pre-check of the answer
        make_reply(ticket, staff)


def test_bodies_are_tidied_and_markup_is_cleaned():
    ticket = make_ticket(
        text="a\u202eb\r\n\r\n\r\n\r\nc",
        html='<p onclick="x()">a</p><script>alert(1)</script><a href="javascript:x">b</a>',
    )
    message = ticket.messages.get(seq=1)
    assert message.text == "ab\n\nc"
    assert "script" not in message.html
    assert "onclick" not in message.html
    assert "javascript" not in message.html


def test_messages_of_a_merged_ticket_go_to_the_canonical_one():
    customer = make_customer()
    first, second = make_ticket(customer=customer), make_ticket(customer=customer)
    Ticket.objects.filter(pk=second.pk).update(merged_into=first)
    message = services.add_customer_message(ticket_id=second.pk, text="还有", channel="email", actor=SYSTEM, at=AT)
    assert message.ticket_id == first.pk
