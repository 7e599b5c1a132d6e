"""Two tickets become one conversation, and two again; messages are split off; tickets are linked."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Notification, Staff
from core.actors import Actor
from core.errors import DomainError, InvalidInput
from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.desk import add_message, make_category, make_desk_order, make_desk_ticket, make_person
from tickets import services
from tickets.errors import CannotMerge, CannotUnmerge, TicketMerged
from tickets.models import Message, Ticket, TicketLink, TicketMerge
from tickets.permissions import customer_url
from tickets.services.linking import link_tickets, unlink_tickets
from tickets.services.merging import merge_tickets, unmerge_ticket
from tickets.services.splitting import split_ticket

pytestmark = pytest.mark.django_db
NOW = timezone.now


def join(source: Ticket, target: Ticket, staff: Staff | None = None) -> Ticket:
    actor = Actor.staff(staff) if staff else Actor.SYSTEM
    return merge_tickets(source_id=source.pk, target_id=target.pk, actor=actor, at=NOW())


def pair(**fields: Any) -> tuple[Ticket, Ticket]:
    """Return an older and a newer ticket of one customer."""
    person = make_person()
    older = make_desk_ticket(customer=person, opened_at=NOW() - timedelta(hours=2), **fields)
    return older, make_desk_ticket(customer=person, opened_at=NOW() - timedelta(hours=1), **fields)


def test_merging_closes_the_source_without_resolving_it() -> None:
    target, source = pair()
    join(source, target)
    source.refresh_from_db()
    assert (source.merged_into_id, source.status) == (target.pk, "closed")
    kinds = set(Event.objects.filter(ticket_id=source.pk).values_list("kind", flat=True))
    assert "ticket.merged" in kinds
    assert not kinds & {"ticket.resolved", "ticket.closed"}
    assert Event.objects.filter(ticket_id=target.pk, kind="ticket.took_in").count() == 1


def test_merging_renumbers_nothing_and_gives_the_target_what_it_lacks() -> None:
    category, order = make_category(), make_desk_order()
    target, source = pair()
    Ticket.objects.filter(pk=source.pk).update(category=category, order=order, priority=40)
    before = list(Message.objects.order_by("pk").values_list("pk", "ticket_id", "seq", "public_seq"))
    join(source, target)
    target.refresh_from_db()
    assert list(Message.objects.order_by("pk").values_list("pk", "ticket_id", "seq", "public_seq")) == before
    assert (target.category_id, target.order_id, target.priority) == (category.pk, order.pk, 40)


def test_what_the_customer_writes_to_the_source_arrives_at_the_target() -> None:
    target, source = pair()
    join(source, target)
    message = services.add_customer_message(
        ticket_id=source.pk, text="还在吗", channel="form", actor=Actor.customer(source.customer), at=NOW()
    )
    assert message.ticket_id == target.pk
    note = services.add_note(ticket_id=source.pk, text="内部", actor=Actor.SYSTEM, at=NOW())
    assert note.ticket_id == target.pk


def test_nothing_else_is_done_to_a_joined_ticket() -> None:
    target, source = pair()
    join(source, target)
    staff = make_staff()
    for act in (
        lambda: services.resolve_ticket(ticket_id=source.pk, actor=Actor.staff(staff), at=NOW()),
        lambda: services.assign_ticket(ticket_id=source.pk, assignee_id=staff.pk, actor=Actor.SYSTEM, at=NOW()),
        lambda: services.reply_to_ticket(
            ticket_id=source.pk, text="好", actor=Actor.staff(staff), at=NOW(), client_id=uuid4()
        ),
    ):
        with pytest.raises(TicketMerged):
            act()


def test_tickets_of_two_customers_are_linked_not_joined() -> None:
    with pytest.raises(CannotMerge) as refused:
        join(make_desk_ticket(), make_desk_ticket())
    assert refused.value.code == "other_customer"


def test_a_ticket_is_not_joined_with_itself_spam_or_a_joined_one() -> None:
    target, source = pair()
    third = make_desk_ticket(customer=target.customer)
    spam = make_desk_ticket(customer=target.customer, is_spam=True)
    for one, two in ((target, target), (spam, target), (source, spam)):
        with pytest.raises(CannotMerge):
            join(one, two)
    join(source, target)
    for one, two in ((source, third), (third, source), (target, source)):
        with pytest.raises(CannotMerge):
            join(one, two)


def test_joining_twice_is_joining_once() -> None:
    target, source = pair()
    join(source, target)
    join(source, target)
    assert TicketMerge.objects.count() == 1
    assert Event.objects.filter(kind="ticket.merged").count() == 1


def test_chains_are_flat_and_come_apart_as_they_were_made() -> None:
    b, a = pair()
    x = make_desk_ticket(customer=b.customer)
    join(x, a)
    join(a, b)
    assert list(Ticket.objects.filter(merged_into=b).order_by("pk").values_list("pk", flat=True)) == [a.pk, x.pk]
    with pytest.raises(CannotUnmerge):
        unmerge_ticket(source_id=x.pk, actor=Actor.SYSTEM, at=NOW())
    unmerge_ticket(source_id=a.pk, actor=Actor.SYSTEM, at=NOW())
    x.refresh_from_db()
    a.refresh_from_db()
    assert (x.merged_into_id, a.merged_into_id, a.status) == (a.pk, None, "new")


def test_unmerging_gives_back_what_was_taken_over() -> None:
    category = make_category()
    target, source = pair()
    Ticket.objects.filter(pk=source.pk).update(category=category, priority=40)
    turn = Ticket.objects.get(pk=target.pk).customer_turn_at
    join(source, target)
    unmerge_ticket(source_id=source.pk, actor=Actor.SYSTEM, at=NOW())
    target.refresh_from_db()
    source.refresh_from_db()
    assert (target.category_id, target.priority, target.customer_turn_at) == (None, 20, turn)
    assert (source.merged_into_id, source.status, source.resolved_at) == (None, "new", None)
    assert TicketMerge.objects.get().undone_at is not None
    join(source, target)  # and it can be joined again
    assert TicketMerge.objects.count() == 2


def test_unmerging_is_refused_once_somebody_has_written() -> None:
    target, source = pair()
    join(source, target)
    services.add_note(ticket_id=target.pk, text="两件事一起看", actor=Actor.SYSTEM, at=NOW())
    with pytest.raises(CannotUnmerge):
        unmerge_ticket(source_id=source.pk, actor=Actor.SYSTEM, at=NOW())


def test_a_waiting_or_finished_target_opens_for_an_unanswered_source() -> None:
    target, source = pair()
    services.resolve_ticket(ticket_id=target.pk, actor=Actor.SYSTEM, at=NOW())
    join(source, target)
    target.refresh_from_db()
    assert target.status == "open"


def test_both_agents_are_told_but_not_the_one_who_did_it() -> None:
    one, two = make_staff(), make_staff()
    target, source = pair()
    Ticket.objects.filter(pk=target.pk).update(assignee=one)
    Ticket.objects.filter(pk=source.pk).update(assignee=two)
    join(source, target, one)
    assert list(Notification.objects.values_list("staff_id", "kind")) == [(two.pk, "ticket.merged")]


def test_the_database_refuses_chains_whoever_writes() -> None:
    b, a = pair()
    c = make_desk_ticket(customer=b.customer)
    Ticket.objects.filter(pk=a.pk).update(merged_into=b)
    for pk, into in ((b.pk, a.pk), (b.pk, c.pk), (c.pk, a.pk)):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ticket.objects.filter(pk=pk).update(merged_into_id=into)


# ---- the pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def agent() -> Staff:
    return make_staff(roles=["agent_senior"], display_name="王晓敏")


@pytest.fixture
def desk(agent: Staff) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def test_joined_messages_stand_in_one_stream_in_time_order(desk: Client, agent: Staff) -> None:
    target, source = pair(text="第一")
    Message.objects.filter(ticket=source).update(text="第二")
    add_message(target, "第三", author=agent)
    join(source, target)
    page = desk.get(f"/desk/t/{target.pk}/").content.decode()
    places = [page.index(f">{text}<") for text in ("第一", "第二", "第三")]
    assert places == sorted(places)
    assert f'id="m-{source.pk}-1"' in page
    assert page.count("data-seq=") == 2


def test_long_joined_stream_turns_pages_without_gap_or_repetition(desk: Client, agent: Staff) -> None:
    target, source = pair(text="起点")
    base = NOW() - timedelta(minutes=90)
    for number in range(70):
        add_message((target, source)[number % 2], f"条{number:03d}条", at=base + timedelta(seconds=number))
    join(source, target)
    seen: list[str] = []
    page = desk.get(f"/desk/t/{target.pk}/").content.decode()
    for _page in range(4):
        seen += re.findall(r"条(\d{3})条</", page.split('id="stream"')[-1])
        if "stream-earlier" not in page:
            break
        url = page.split('stream-earlier"><a class="btn btn-ghost btn-sm" href="')[1].split('"')[0]
        page = desk.get(url, HTTP_HX_REQUEST="true").content.decode()
    assert sorted(seen) == [f"{number:03d}" for number in range(70)]


def test_opening_a_joined_ticket_leads_to_the_target(desk: Client) -> None:
    target, source = pair()
    join(source, target)
    assert desk.get(f"/desk/t/{source.pk}/")["Location"].startswith(f"/desk/t/{target.pk}/")
    answer = desk.get(f"/desk/t/{source.pk}/", HTTP_HX_REQUEST="true", HTTP_HX_TARGET="conversation")
    assert f"/desk/t/{target.pk}/" in answer["HX-Location"]


def test_joining_by_the_page_goes_into_the_older_one(desk: Client) -> None:
    older, newer = pair()
    assert "join-list" in desk.get(f"/desk/t/{newer.pk}/join/").content.decode()
    response = desk.post(f"/desk/t/{older.pk}/join/", {"other": newer.number, "how": "join"})
    assert response["Location"].startswith(f"/desk/t/{older.pk}/")
    newer.refresh_from_db()
    assert newer.merged_into_id == older.pk
    desk.post(f"/desk/t/{older.pk}/unmerge/", {"part": newer.pk})
    newer.refresh_from_db()
    assert newer.merged_into_id is None


def test_customer_reads_both_parts_on_one_page() -> None:
    target, source = pair(text="杯子碎了")
    Message.objects.filter(ticket=source).update(text="补一张照片")
    join(source, target)
    page = Client().get(customer_url(source).split("//", 1)[1].split("/", 1)[1].join(["/", ""])).content.decode()
    assert "杯子碎了" in page
    assert "补一张照片" in page


# ---- split and link -------------------------------------------------------------------------------------------------


def test_split_moves_messages_with_a_link_both_ways(agent: Staff) -> None:
    ticket = make_desk_ticket(text="杯子碎了", assignee=agent)
    other = add_message(ticket, "另外，发票怎么开", mail_id="invoice@example.com")
    new = split_ticket(ticket_id=ticket.pk, message_ids=[other.pk], actor=Actor.staff(agent), at=NOW())
    copy = new.messages.get()
    other.refresh_from_db()
    ticket.refresh_from_db()
    assert (copy.seq, copy.public_seq, copy.text, copy.at) == (1, 1, other.text, other.at)
    assert (copy.mail_id, other.mail_id, other.seq) == ("invoice@example.com", "", 2)
    assert (new.customer_id, new.opened_at, new.status) == (ticket.customer_id, other.at, "new")
    assert ticket.preview == "杯子碎了"
    link = TicketLink.objects.get()
    assert (link.ticket_id, link.other_id, link.kind) == (ticket.pk, new.pk, "split")
    assert Event.objects.filter(kind="ticket.opened", ticket_id=new.pk).count() == 1


def test_split_of_everything_of_notes_or_twice_is_refused(agent: Staff) -> None:
    ticket = make_desk_ticket()
    first = ticket.messages.get()
    note = add_message(ticket, "内部", author=agent, kind="note")
    second = add_message(ticket, "第二件事")
    for ids in ([], [first.pk, second.pk], [note.pk]):
        with pytest.raises(InvalidInput):
            split_ticket(ticket_id=ticket.pk, message_ids=ids, actor=Actor.SYSTEM, at=NOW())
    split_ticket(ticket_id=ticket.pk, message_ids=[second.pk], actor=Actor.SYSTEM, at=NOW())
    with pytest.raises(InvalidInput):
        split_ticket(ticket_id=ticket.pk, message_ids=[second.pk], actor=Actor.SYSTEM, at=NOW())


def test_split_page_shows_errors_and_leads_to_the_new_ticket(desk: Client) -> None:
    ticket = make_desk_ticket()
    second = add_message(ticket, "第二件事")
    assert desk.post(f"/desk/t/{ticket.pk}/split/", {}).status_code == 422
    response = desk.post(f"/desk/t/{ticket.pk}/split/", {"messages": second.pk, "subject": "发票"})
    new = Ticket.objects.get(subject="发票")
    assert response["Location"].startswith(f"/desk/t/{new.pk}/")
    page = desk.get(f"/desk/t/{ticket.pk}/").content.decode()
    assert "is-moved" in page
    assert f"#{new.number}" in page


def test_links_read_from_both_sides_and_go_away() -> None:
    one, two = make_desk_ticket(), make_desk_ticket()
    link_tickets(ticket_id=two.pk, other_id=one.pk, kind="parent", actor=Actor.SYSTEM, at=NOW())
    link_tickets(ticket_id=two.pk, other_id=one.pk, kind="parent", actor=Actor.SYSTEM, at=NOW())
    link = TicketLink.objects.get()
    assert (link.ticket_id, link.kind) == (one.pk, "child")
    read = {event.ticket_id: event.data["kind"] for event in Event.objects.filter(kind="ticket.linked")}
    assert read == {one.pk: "child", two.pk: "parent"}
    assert unlink_tickets(ticket_id=one.pk, other_id=two.pk, actor=Actor.SYSTEM, at=NOW())
    assert not TicketLink.objects.exists()


# ---- races ----------------------------------------------------------------------------------------------------------


def at_once(*works: Any) -> list[Any]:
    gate = threading.Barrier(len(works))

    def run(work: Any) -> Any:
        try:
            gate.wait(timeout=20)
            return work()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


@pytest.mark.django_db(transaction=True)
def test_circles_cannot_be_made_at_once() -> None:
    for _round in range(8):
        b, a = pair()
        results = at_once(lambda a=a, b=b: join(a, b), lambda a=a, b=b: join(b, a))
        assert sum(isinstance(result, CannotMerge) for result in results) == 1
        assert sorted(str(Ticket.objects.get(pk=t.pk).merged_into_id) for t in (a, b)).count("None") == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_merge_raced_by_a_reply_a_mail_and_another_merge_loses_nothing() -> None:
    staff = make_staff()
    for _round in range(6):
        target, source = pair()
        third = make_desk_ticket(customer=target.customer)
        reply = lambda s=source: services.reply_to_ticket(  # noqa: E731
            ticket_id=s.pk, text="您好", actor=Actor.staff(staff), at=NOW(), client_id=uuid4()
        )
        mail = lambda s=source: services.add_customer_message(  # noqa: E731
            ticket_id=s.pk, text="催一下", channel="email", mail_id=f"{uuid4()}@x", actor=Actor.SYSTEM, at=NOW()
        )
        results = at_once(
            lambda s=source, t=target: join(s, t), reply, mail, mail, lambda s=source, t=third: join(s, t)
        )
        said = [result for result in results if isinstance(result, Message)]
        assert len(said) + isinstance(results[1], TicketMerged) == 3
        source.refresh_from_db()
        assert source.merged_into_id in {target.pk, third.pk}
        for ticket in Ticket.objects.filter(pk__in=[source.pk, target.pk, third.pk]):
            rows = list(ticket.messages.order_by("seq").values_list("seq", flat=True))
            assert rows == list(range(1, ticket.last_seq + 1))
        owner = {message.ticket_id for message in said if message.pk}
        assert owner <= {source.pk, source.merged_into_id}
