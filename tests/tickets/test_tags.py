"""Tags of a ticket at hand: seen, added and removed one by one, by two people at once."""

from __future__ import annotations

from functools import partial

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.models import Event
from tests.factories.accounts import make_staff, make_team
from tests.factories.tickets import make_ticket
from tests.tickets.test_races import at_once
from tickets.models import Ticket
from tickets.selectors.tags import known_tags
from tickets.services import change_tags

pytestmark = pytest.mark.django_db


def signed_in(**more: object) -> Client:
    client = Client()
    client.force_login(make_staff(roles=["agent_senior", "admin"], **more))
    return client


def post(client: Client, ticket: Ticket, **values: object) -> int:
    return client.post(reverse("tickets:tags", args=[ticket.pk]), values, headers={"HX-Request": "true"}).status_code


def test_tags_stand_in_the_head_and_come_and_go() -> None:
    client, ticket = signed_in(), make_ticket()
    assert post(client, ticket, add="催单, 大客户") == 200
    assert post(client, ticket, add="催单") == 200  # it has it
    ticket.refresh_from_db()
    assert ticket.tags == ["催单", "大客户"]
    page = client.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert 'name="remove" value="大客户"' in page
    assert post(client, ticket, remove="大客户") == 200
    ticket.refresh_from_db()
    assert ticket.tags == ["催单"]
    assert Event.objects.filter(ticket_id=ticket.pk, kind="ticket.changed").count() == 2


def test_a_tag_typed_and_one_chosen_are_both_taken() -> None:
    client, ticket = signed_in(), make_ticket()
    post(client, ticket, add="新标签", chosen="VIP 客户")
    ticket.refresh_from_db()
    assert ticket.tags == ["VIP 客户", "新标签"], "one chosen is taken as it is, blanks and all"
    assert post(client, ticket, remove=" VIP  客户 ") == 200
    ticket.refresh_from_db()
    assert ticket.tags == ["新标签"]


def test_too_long_or_too_many_are_refused_and_nothing_is_lost() -> None:
    client, ticket = signed_in(), make_ticket()
    post(client, ticket, add="留下")
    assert post(client, ticket, add="长" * 41) == 422
    assert post(client, ticket, add=" ".join(f"n{n}" for n in range(20))) == 422
    ticket.refresh_from_db()
    assert ticket.tags == ["留下"]


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_lose_nothing() -> None:
    ticket, people = make_ticket(), [make_staff(roles=["agent_senior"]) for _ in range(4)]
    change_tags(ticket_id=ticket.pk, add=["旧"], actor=Actor.staff(people[0]), at=timezone.now())
    works = [
        partial(change_tags, ticket_id=ticket.pk, actor=Actor.staff(one), at=timezone.now(), **what)  # type: ignore[arg-type]
        for one, what in zip(
            people, ({"add": ["甲"]}, {"add": ["乙"]}, {"remove": ["旧"]}, {"add": ["丙"]}), strict=True
        )
    ]
    at_once(*works)
    ticket.refresh_from_db()
    assert ticket.tags == sorted(["甲", "乙", "丙"])


def test_what_is_offered_comes_from_tickets_one_may_see() -> None:
    mine, other = make_team("甲组"), make_team("乙组")
    agent = make_staff(roles=["agent"], teams=[mine])
    Ticket.objects.filter(pk=make_ticket().pk).update(team=mine, tags=["常用", "少用"])
    Ticket.objects.filter(pk=make_ticket().pk).update(team=mine, tags=["常用"])
    Ticket.objects.filter(pk=make_ticket().pk).update(team=other, tags=["别组"])
    assert known_tags(agent) == ["常用", "少用"]


def test_who_may_not_edit_sees_tags_only() -> None:
    team = make_team()
    ticket = make_ticket()
    Ticket.objects.filter(pk=ticket.pk).update(team=team, tags=["催单"])
    client = Client()
    client.force_login(make_staff(roles=["quality"], teams=[team]))
    page = client.get(reverse("tickets:ticket", args=[ticket.pk]))
    assert page.status_code == 200
    assert 'class="tag">催单' in page.content.decode()
    assert 'name="remove"' not in page.content.decode()
    assert post(client, ticket, add="x") in {403, 404}
