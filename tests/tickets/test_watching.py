"""Watching a ticket: seen in its head and in a view, told in the notification centre, by two people at once."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Notification, Staff
from core.actors import Actor
from tests.factories.accounts import make_staff, make_team
from tests.factories.customers import make_customer
from tests.factories.feedback import run_jobs
from tests.factories.tickets import make_reply, make_ticket
from tests.racing import together
from tests.security.world import found_company
from tickets.models import Ticket
from tickets.selectors.views import count_views
from tickets.services import add_customer_message, add_note, change_status
from tickets.services.merging import merge_tickets
from tickets.services.watching import KIND, MOST, stop_watching, stop_watching_all, watch_ticket

pytestmark = pytest.mark.django_db


def told(staff: Staff) -> list[str]:
    return [row.params["what"] for row in Notification.objects.filter(staff=staff, kind=KIND).order_by("pk")]


def read_all(staff: Staff) -> None:
    Notification.objects.filter(staff=staff).update(read_at=timezone.now())


def wrote(ticket: Ticket, text: str = "还有一件事") -> None:
    actor = Actor.customer(ticket.customer_id or 0)
    add_customer_message(ticket_id=ticket.pk, text=text, channel="form", actor=actor, at=timezone.now())


def test_watched_by_the_menu_seen_in_the_head_and_in_the_view() -> None:
    found_company()
    staff, ticket = make_staff(display_name="方敏"), make_ticket()
    client = Client()
    client.force_login(staff)
    address = reverse("tickets:watch", args=[ticket.pk])
    assert client.post(address, {"watch": "1"}, headers={"HX-Request": "true"}).status_code == 200
    assert client.post(address, {"watch": "1"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.watchers == [staff.pk], "twice is once"
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert 'title="方敏"' in page
    assert 'name="watch" value="0"' in page
    assert ticket.subject in client.get(reverse("tickets:desk") + "?view=watched").content.decode()
    view = count_views(staff, now=timezone.now()).find("watched")
    assert view is not None
    assert view.count == 1
    client.post(address, {"watch": "0"})
    ticket.refresh_from_db()
    assert ticket.watchers is None


def test_who_watches_is_told_what_happens_and_who_did_it_is_not() -> None:
    watcher, agent = make_staff(), make_staff()
    ticket = make_ticket()
    for one in (watcher, agent):
        watch_ticket(ticket_id=ticket.pk, staff_id=one.pk)
    at = timezone.now()
    make_reply(ticket, agent)
    read_all(watcher)
    wrote(ticket)
    read_all(watcher)
    add_note(ticket_id=ticket.pk, text="仓库在查", actor=Actor.staff(agent), at=at)
    read_all(watcher)
    change_status(ticket_id=ticket.pk, status="resolved", actor=Actor.staff(agent), at=at)
    read_all(watcher)
    change_status(ticket_id=ticket.pk, status="open", actor=Actor.staff(agent), at=at)
    assert told(watcher) == ["answered", "wrote", "noted", "resolved", "reopened"]
    assert told(agent) == [], "what she did herself and what her own ticket tells her anyway"


def test_one_unread_entry_about_a_ticket_is_enough() -> None:
    watcher, ticket = make_staff(), make_ticket()
    watch_ticket(ticket_id=ticket.pk, staff_id=watcher.pk)
    for n in range(3):
        wrote(ticket, f"第 {n} 句")
    assert told(watcher) == ["wrote"]


def test_who_may_not_see_the_ticket_any_more_is_not_told() -> None:
    team, other = make_team(), make_team()
    watcher, ticket = make_staff(teams=[team]), make_ticket()
    Ticket.objects.filter(pk=ticket.pk).update(team=team)
    watch_ticket(ticket_id=ticket.pk, staff_id=watcher.pk)
    Membership.objects.filter(staff=watcher).delete()
    Ticket.objects.filter(pk=ticket.pk).update(team=other)
    wrote(ticket)
    assert told(watcher) == []


def test_the_words_of_each_entry_name_the_ticket(client: Client) -> None:
    found_company()
    watcher, ticket = make_staff(), make_ticket()
    watch_ticket(ticket_id=ticket.pk, staff_id=watcher.pk)
    wrote(ticket)
    client.force_login(watcher)
    page = client.get(reverse("accounts:notices")).content.decode()
    assert f"您关注的工单 {ticket.number}" in page


def test_watchers_come_along_into_the_joined_ticket_and_leave_with_the_person() -> None:
    watcher, boss, customer = make_staff(), make_staff(roles=["supervisor"]), make_customer()
    source, target = make_ticket(customer=customer), make_ticket(customer=customer)
    watch_ticket(ticket_id=source.pk, staff_id=watcher.pk)
    merge_tickets(source_id=source.pk, target_id=target.pk, actor=Actor.staff(boss), at=timezone.now())
    target.refresh_from_db()
    assert target.watchers == [watcher.pk]
    assert stop_watching_all(staff_id=watcher.pk) == 2
    target.refresh_from_db()
    assert target.watchers is None


def test_a_leaver_watches_nothing() -> None:
    from accounts.services import deactivate_staff

    leaver, admin, ticket = make_staff(), make_staff(roles=["admin"]), make_ticket()
    watch_ticket(ticket_id=ticket.pk, staff_id=leaver.pk)
    deactivate_staff(
        staff_id=leaver.pk, successor_id=None, successor_team_id=None, actor=Actor.staff(admin), at=timezone.now()
    )
    run_jobs("tickets.stop_watching")
    ticket.refresh_from_db()
    assert ticket.watchers is None


@pytest.mark.django_db(transaction=True)
def test_many_begin_and_stop_at_once() -> None:
    people, ticket = [make_staff() for _ in range(6)], make_ticket()
    watch_ticket(ticket_id=ticket.pk, staff_id=people[0].pk)
    works: list[Any] = [partial(watch_ticket, ticket_id=ticket.pk, staff_id=one.pk) for one in people[1:]]
    works.append(partial(stop_watching, ticket_id=ticket.pk, staff_id=people[0].pk))
    assert together(*works) == [None] * len(works)
    ticket.refresh_from_db()
    assert sorted(ticket.watchers or []) == sorted(one.pk for one in people[1:])


def test_there_is_an_end_to_it() -> None:
    from core.errors import InvalidInput, NotFound

    ticket, late = make_ticket(), make_staff()
    Ticket.objects.filter(pk=ticket.pk).update(watchers=list(range(900_000, 900_000 + MOST)))
    with pytest.raises(InvalidInput):
        watch_ticket(ticket_id=ticket.pk, staff_id=late.pk)
    with pytest.raises(NotFound):
        watch_ticket(ticket_id=999_999, staff_id=late.pk)
    wrote(ticket)  # ids of nobody are nobody
