"""Lists: kept filters, orders, keyset pages, mentions, demand that stands twice."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Membership, Staff, Team, UserPreference
from core.actors import SYSTEM
from customers.services import merge_customers
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import (
    add_message,
    make_category,
    make_desk_order,
    make_desk_ticket,
    make_person,
    make_shop,
    make_tickets,
)
from tickets.models import SavedView, Ticket, TicketRead
from tickets.selectors.duplicates import kin_marks, surroundings_of
from tickets.selectors.lists import list_tickets
from tickets.selectors.sorting import ORDERS
from tickets.selectors.views import count_saved, count_views, tickets_in_view
from tickets.services.rules.facts import had_written

pytestmark = pytest.mark.django_db
OPEN = ["new", "open", "waiting_customer", "waiting_department"]


@pytest.fixture
def agent() -> Staff:
    return make_staff(roles=["agent_senior"], display_name="王晓敏")


@pytest.fixture
def desk(agent: Staff) -> Client:
    client = Client()
    client.force_login(agent)
    return client


def join_team(staff: Staff, name: str) -> Team:
    team = make_team(name)
    Membership.objects.create(staff=staff, team=team)
    return team


def keep(owner: Staff, **conditions: Any) -> SavedView:
    return SavedView.objects.create(
        owner=owner, name=f"筛选{SavedView.objects.count()}", conditions=conditions, created_at=timezone.now()
    )


def found(staff: Staff, **conditions: Any) -> set[int]:
    view = keep(staff, **conditions)
    return {ticket.pk for ticket in tickets_in_view(staff, f"saved-{view.pk}", now=timezone.now())}


def shuffled(count: int, assignee: Staff) -> list[Ticket]:
    """Make tickets that differ, and tie, in everything a list is ordered by."""
    dice, now = random.Random(7), timezone.now()
    made = []
    for _n in range(count):
        at = now - timedelta(minutes=dice.randrange(12))
        made.append(
            make_desk_ticket(
                assignee=assignee,
                opened_at=at,
                priority=dice.choice([10, 20, 30, 40]),
                customer_turn_at=dice.choice([None, at]),
                next_due_at=dice.choice([None, now + timedelta(minutes=dice.randrange(5))]),
            )
        )
    return made


@pytest.mark.parametrize("sorting", list(ORDERS))
def test_pages_hold_every_ticket_once_in_order(agent: Staff, sorting: str) -> None:
    made = shuffled(60, agent)
    order, cursor, seen = ORDERS[sorting], "", []
    while True:
        page = list_tickets(agent, "mine", now=timezone.now(), cursor=cursor, limit=7, sorting=sorting)
        seen += [row.id for row in page.rows]
        cursor = page.after
        if not cursor:
            break
    whole = list(order.arrange(Ticket.objects.filter(assignee=agent)).values_list("pk", flat=True))
    assert seen == whole
    assert sorted(seen) == sorted(ticket.pk for ticket in made)


@pytest.mark.parametrize("sorting", list(ORDERS))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_that_stay_are_seen_once_while_others_move(agent: Staff, sorting: str, seed: int) -> None:
    made, dice = shuffled(40, agent), random.Random(seed)
    movers = {ticket.pk for ticket in dice.sample(made, 12)}
    cursor, seen = "", []
    while True:
        page = list_tickets(agent, "mine", now=timezone.now(), cursor=cursor, limit=5, sorting=sorting)
        seen += [row.id for row in page.rows]
        for pk in dice.sample(sorted(movers), 4):
            at = timezone.now() - timedelta(minutes=dice.randrange(-5, 12))
            Ticket.objects.filter(pk=pk).update(
                last_message_at=at, customer_turn_at=at, next_due_at=at, priority=dice.choice([10, 20, 30, 40])
            )
        cursor = page.after
        if not cursor:
            break
    still = [pk for pk in seen if pk not in movers]
    assert len(still) == len(set(still))
    assert set(still) == {ticket.pk for ticket in made} - movers


@pytest.mark.parametrize("cursor", ["x", "-", "1", "1-2-3-4", "99999999999999999999-1", "٣-١", "-1-2"])
@pytest.mark.parametrize("sorting", list(ORDERS))
def test_an_unreadable_place_is_the_first_page(agent: Staff, sorting: str, cursor: str) -> None:
    make_tickets(2, assignee=agent)
    page = list_tickets(agent, "mine", now=timezone.now(), cursor=cursor, sorting=sorting)
    assert len(page.rows) in {0, 2}


def test_each_condition_narrows(agent: Staff) -> None:
    now, shop, team = timezone.now(), make_shop(), join_team(agent, "一组")
    top = make_category()
    below = make_category(parent=top)
    gold = make_person(tier="gold")
    plain = make_desk_ticket(text="普通")
    hit = make_desk_ticket(
        text="杯子碎了", customer=gold, assignee=agent, team=team, shop=shop, category=below, priority=40,
        channel="email", tags=["vip", "碎"], status="open",
    )  # fmt: skip
    done = make_desk_ticket(status="resolved", resolved_at=now, opened_at=now - timedelta(days=9))
    TicketRead.objects.create(ticket=plain, staff=agent, seq=1)
    every = {plain.pk, hit.pk, done.pk}
    assert found(agent) == every
    for conditions in (
        {"status": ["open"]}, {"priority": ["40"]}, {"category": [str(top.pk)]}, {"tier": ["gold"]},
        {"channel": ["email"]}, {"shop": [str(shop.pk)]}, {"team": [str(team.pk)]}, {"assignee": ["me"]},
        {"tags": ["碎"]}, {"words": "杯子"},
    ):  # fmt: skip
        assert found(agent, **conditions) == {hit.pk}, conditions
    assert found(agent, assignee=["nobody"]) == {plain.pk, done.pk}
    assert found(agent, assignee=["me", "nobody"]) == every
    assert found(agent, opened_days=3) == {plain.pk, hit.pk}
    assert found(agent, opened_to=(now - timedelta(days=5)).date().isoformat()) == {done.pk}
    assert found(agent, unread=True) == {hit.pk, done.pk}
    assert found(agent, team=["x", "999999"], status=["open"]) == set()


def test_a_filter_never_shows_what_the_door_hides(agent: Staff) -> None:
    hidden = make_desk_ticket(team=make_team("他组"))
    assert hidden.pk not in found(agent)


def test_saved_filters_are_made_edited_and_deleted(desk: Client, agent: Staff) -> None:
    assert desk.get("/desk/filters/new/").status_code == 200
    values = {"name": "急件", "status": ["new", "open"], "priority": ["40"], "sorting": "due", "tags": "vip，碎"}
    response = desk.post("/desk/filters/new/", values)
    view = SavedView.objects.get()
    assert response["Location"] == f"/desk/?view=saved-{view.pk}"
    assert view.conditions == {"status": ["new", "open"], "priority": ["40"], "tags": ["vip", "碎"]}
    make_desk_ticket(priority=40, tags=["vip", "碎"])
    page = desk.get(f"/desk/?view=saved-{view.pk}").content.decode()
    assert page.count('<li id="row-') == 1
    assert "急件" in page
    assert desk.post("/desk/filters/new/", values).status_code == 422
    edit = f"/desk/filters/{view.pk}/"
    assert 'value="vip, 碎"' in desk.get(edit).content.decode()
    assert desk.post(edit, {**values, "name": "特急", "version": 1}).status_code == 302
    assert desk.post(edit, {**values, "name": "慢了", "version": 1}).status_code == 409
    desk.post(edit + "delete/")
    assert not SavedView.objects.exists()


def test_filters_of_a_team_are_for_its_members(agent: Staff) -> None:
    team = join_team(agent, "一组")
    other, junior = make_staff(roles=["agent_senior"]), make_staff(roles=["agent_junior"], teams=[team])
    view = SavedView.objects.create(owner=agent, team=team, name="组内", conditions={}, created_at=timezone.now())
    mine = keep(agent)
    now = timezone.now()
    assert [one.key for one in count_views(junior, now=now).saved] == [f"saved-{view.pk}"]
    assert [one.key for one in count_views(other, now=now).saved] == []
    assert {one.key for one in count_views(agent, now=now).saved} == {f"saved-{view.pk}", f"saved-{mine.pk}"}
    client = Client()
    client.force_login(junior)
    assert client.get(f"/desk/filters/{view.pk}/").status_code == 403
    assert client.get(f"/desk/filters/{mine.pk}/").status_code == 404
    assert tickets_in_view(junior, f"saved-{mine.pk}", now=now).count() == 0


def test_filters_move_up_and_down(desk: Client, agent: Staff) -> None:
    one, two = keep(agent), keep(agent)
    desk.post(f"/desk/filters/{two.pk}/move/", {"to": "up"})
    assert list(SavedView.objects.order_by("position").values_list("pk", flat=True)) == [two.pk, one.pk]


def test_counts_of_filters_are_bounded_to_open_tickets(agent: Staff) -> None:
    keep(agent, status=["new"])
    keep(agent, status=["new", "closed"])
    keep(agent, status=["new"], opened_days=1, overdue=True)
    make_tickets(3)
    make_desk_ticket(
        next_due_at=timezone.now() - timedelta(minutes=1), first_response_due_at=timezone.now() - timedelta(1)
    )
    assert [view.count for view in count_saved(agent, now=timezone.now())] == [4, 0, 1]


def statements(client: Client, url: str, **headers: Any) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(url, **headers).status_code == 200
    return len(seen)


@pytest.mark.parametrize("sorting", list(ORDERS))
def test_every_order_with_all_facts_needs_no_more_statements(desk: Client, agent: Staff, sorting: str) -> None:
    facts = "assignee.team.category.shop.order.tags.opened.waiting"
    url = f"/desk/?view=mine&sort={sorting}&facts={facts}"
    values = {"assignee": agent, "category": make_category(), "shop": make_shop(), "tags": ["vip"]}
    make_desk_ticket(order=make_desk_order(), **values)
    desk.get("/desk/?view=mine")
    plain = statements(desk, "/desk/?view=mine")
    one = statements(desk, url)
    for _n in range(49):
        make_desk_ticket(order=make_desk_order(), **values)
    assert (one, statements(desk, url)) == (plain, plain)


def test_a_kept_filter_needs_no_more_statements_than_a_view(desk: Client, agent: Staff) -> None:
    view = keep(agent, status=OPEN, assignee=["me"])
    make_tickets(3, assignee=agent)
    desk.get("/desk/?view=mine")
    assert statements(desk, f"/desk/?view=saved-{view.pk}") == statements(desk, "/desk/?view=mine")


def test_order_and_facts_are_remembered_per_view(desk: Client, agent: Staff) -> None:
    make_desk_ticket(assignee=agent, tags=["加急"])
    desk.post("/desk/liking/?view=mine", {"sort": "priority", "facts": "1", "fact": ["tags", "evil"]})
    assert UserPreference.objects.get(staff=agent, key="desk.lists").value == {
        "mine": {"sort": "priority", "facts": ["tags"]}
    }
    page = desk.get("/desk/?view=mine")
    assert page.context["sorting"] == "priority"
    assert "加急" in page.content.decode()
    assert desk.get("/desk/?view=open").context["sorting"] == "newest"


def test_mentions_are_a_view(desk: Client, agent: Staff) -> None:
    ticket = make_desk_ticket()
    make_desk_ticket()
    add_message(ticket, "看一下", author=make_staff(), kind="note", mentioned=[agent.pk])
    page = desk.get("/desk/?view=mentions").content.decode()
    assert page.count('<li id="row-') == 1
    assert {v.key: v.count for v in count_views(agent, now=timezone.now()).views}["mentions"] == 1


# ---- demand that stands twice ---------------------------------------------------------------------------------


def around(staff: Staff, ticket: Ticket) -> Any:
    return surroundings_of(Ticket.objects.annotate(**kin_marks(staff)).get(pk=ticket.pk))


def test_the_same_question_in_another_channel_is_shown_and_joined(desk: Client, agent: Staff) -> None:
    person, top = make_person(), make_category()
    below = make_category(parent=top)
    one = make_desk_ticket(customer=person, category=top, opened_at=timezone.now() - timedelta(hours=5))
    two = make_desk_ticket(customer=person, category=below, channel="email")
    make_desk_ticket(customer=person, category=make_category())
    page = desk.get(f"/desk/t/{two.pk}/").content.decode()
    assert f"#{one.number}" in page.split('id="around"')[1].split("</ul>")[0]
    assert {row.id for row in list_tickets(agent, "open", now=timezone.now()).rows if row.is_double} == {one.pk, two.pk}
    answer = desk.post(f"/desk/t/{two.pk}/join/", {"other": one.pk, "how": "join"}, HTTP_HX_REQUEST="true")
    assert f"/desk/t/{one.pk}/" in answer["HX-Location"]
    assert around(agent, one).doubles == []


def test_the_same_order_counts_across_customers_but_is_only_linked(desk: Client, agent: Staff) -> None:
    order = make_desk_order()
    one, two = make_desk_ticket(order=order), make_desk_ticket(order=order)
    assert [(kin.id, kin.same_customer) for kin in around(agent, two).doubles] == [(one.pk, False)]
    assert (
        desk.post(f"/desk/t/{two.pk}/join/", {"other": one.pk, "how": "join"}, HTTP_HX_REQUEST="true").status_code
        == 409
    )
    desk.post(f"/desk/t/{two.pk}/join/", {"other": one.pk, "how": "duplicate"})
    assert around(agent, two).doubles == []
    assert [link.id for link in around(agent, two).links] == [one.pk]


def test_not_the_same_takes_the_banner_away_on_both(desk: Client, agent: Staff) -> None:
    person = make_person()
    one, two = make_desk_ticket(customer=person), make_desk_ticket(customer=person)
    desk.post(f"/desk/t/{one.pk}/join/", {"other": two.pk, "how": "related"})
    assert (around(agent, one).doubles, around(agent, two).doubles) == ([], [])
    assert not [row for row in list_tickets(agent, "open", now=timezone.now()).rows if row.is_double]


def test_only_near_open_and_visible_tickets_count_as_doubles(agent: Staff) -> None:
    person, now = make_person(), timezone.now()
    ticket = make_desk_ticket(customer=person)
    make_desk_ticket(customer=person, opened_at=now - timedelta(days=5))
    make_desk_ticket(customer=person, is_spam=True)
    make_desk_ticket(customer=person, team=make_team("他组"))
    make_desk_ticket(customer=person, status="resolved", resolved_at=now)
    assert around(agent, ticket).doubles == []
    assert not [row for row in list_tickets(agent, "open", now=now).rows if row.id == ticket.pk and row.is_double]


def test_repeat_contacts_within_a_week_are_known(desk: Client, agent: Staff) -> None:
    person, now = make_person(), timezone.now()
    before = make_desk_ticket(customer=person, opened_at=now - timedelta(days=6), status="resolved", resolved_at=now)
    make_desk_ticket(customer=person, opened_at=now - timedelta(days=8), status="resolved", resolved_at=now)
    ticket = make_desk_ticket(customer=person)
    assert [kin.id for kin in around(agent, ticket).earlier] == [before.pk]
    assert not around(agent, before).is_repeat or around(agent, before).earlier
    assert f"#{before.number}" in desk.get(f"/desk/t/{ticket.pk}/").content.decode()


def test_joined_records_of_a_person_are_one_person(desk: Client, agent: Staff) -> None:
    now = timezone.now()
    old, new, third, stranger = make_person(), make_person(), make_person(), make_person()
    one, two, three = (make_desk_ticket(customer=person) for person in (old, new, third))
    make_desk_ticket(customer=stranger)
    before = make_desk_ticket(
        customer=third, opened_at=now - timedelta(days=6), status="resolved", resolved_at=now - timedelta(days=5)
    )
    assert around(agent, two).doubles == []
    for source in (old, third):
        merge_customers(source_id=source.pk, target_id=new.pk, actor=SYSTEM, at=now)
    for ticket in (one, two, three):
        others = {one.pk, two.pk, three.pk} - {ticket.pk}
        assert {kin.id for kin in around(agent, ticket).doubles} == others
        assert all(kin.same_customer for kin in around(agent, ticket).doubles)
        assert [kin.id for kin in around(agent, ticket).earlier] == [before.pk]
        assert had_written(ticket.pk, ticket.customer_id, 0, ticket.opened_at)
    marked = {row.id for row in list_tickets(agent, "open", now=now).rows if row.is_double}
    assert marked == {one.pk, two.pk, three.pk}
    with CaptureQueriesContext(connection) as seen:
        around(agent, one)
    assert len(seen) == 1
    assert f"#{two.number}" in desk.get(f"/desk/t/{one.pk}/").content.decode()
