"""Routing's pages: the next ticket, handing on, the hand-over, settings, limits, a customer's own agent."""

from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from accounts.models import Capacity, Presence
from core.models import Event
from core.registry import render_story
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_category, make_person
from tests.factories.routing import make_agent, make_queued, make_routed_team
from tickets.models import CategorySkill, DedicatedAgent, TeamRouting, Ticket
from tickets.services.routing.draining import drain_team

pytestmark = pytest.mark.django_db


@pytest.fixture
def team():
    return make_team()


def signed_in(staff) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def words_of(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_the_next_ticket_opens_and_without_one_it_is_said(team):
    agent = make_agent(team)
    ticket = make_queued(team)
    client = signed_in(agent)
    assert client.post("/desk/next/")["Location"] == f"/desk/t/{ticket.pk}/?view=mine"
    answer = client.post("/desk/next/", headers={"HX-Request": "true"})
    assert (answer.status_code, "toast" in answer["HX-Trigger"]) == (204, True)
    assert client.post("/desk/next/")["Location"] == "/desk/?view=mine"
    assert client.get("/desk/next/").status_code == 405


def test_going_off_shift_with_work_in_hand_leads_to_the_hand_over_first(team):
    agent, heir = make_agent(team), make_agent(team)
    ticket = make_queued(team, assignee=agent)
    client = signed_in(agent)
    assert client.post("/accounts/presence/", {"state": "offline"})["Location"] == "/desk/hand-over/"
    assert Presence.objects.get(staff=agent).status == "online"
    page = client.get("/desk/hand-over/").content.decode()
    assert ticket.subject in page
    assert heir.display_name in page
    done = client.post("/desk/hand-over/", {"rest": f"staff:{heir.pk}", "note": "明早回电", f"to_{ticket.pk}": ""})
    assert (done.status_code, done["Location"]) == (302, "/desk/")
    ticket.refresh_from_db()
    assert ticket.assignee_id == heir.pk
    assert Presence.objects.get(staff=agent).status == "offline"
    assert client.post("/accounts/presence/", {"state": "offline"})["Location"] == "/desk/"


def test_a_single_ticket_can_go_elsewhere_than_the_rest_or_to_the_queue(team):
    agent, heir = make_agent(team), make_agent(team)
    one, two = make_queued(team, assignee=agent), make_queued(team, assignee=agent)
    signed_in(agent).post("/desk/hand-over/", {"rest": f"staff:{heir.pk}", f"to_{two.pk}": "queue"})
    assert Ticket.objects.get(pk=one.pk).assignee_id == heir.pk
    assert Ticket.objects.get(pk=two.pk).assignee_id is None


def test_a_successor_who_has_gone_meanwhile_is_named_and_nothing_moves(team):
    agent, heir = make_agent(team), make_agent(team)
    ticket = make_queued(team, assignee=agent)
    client = signed_in(agent)
    Presence.objects.filter(staff=heir).update(status="offline")
    answer = client.post("/desk/hand-over/", {"rest": f"staff:{heir.pk}", "note": "写好的话还在"})
    assert answer.status_code == 422
    assert "写好的话还在" in answer.content.decode()
    ticket.refresh_from_db()
    assert ticket.assignee_id == agent.pk


def test_a_colleagues_shift_is_ended_only_by_who_may_assign_in_her_team(team):
    agent, peer = make_agent(team), make_agent(team)
    lead, stranger = make_agent(team, roles=["agent_lead"]), make_agent(make_team(), roles=["agent_lead"])
    make_queued(team, assignee=agent)
    url = f"/desk/hand-over/{agent.pk}/"
    assert signed_in(peer).get(url).status_code == 403
    assert signed_in(stranger).get(url).status_code == 404
    assert agent.display_name in signed_in(lead).get(url).content.decode()
    signed_in(lead).post(url, {"rest": ""})
    assert not Ticket.objects.filter(assignee=agent).exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_hand_over_asks_the_same_however_many_tickets(team, count, django_assert_num_queries):
    agent = make_agent(team)
    make_agent(team)
    for _ in range(count):
        make_queued(team, assignee=agent)
    client = signed_in(agent)
    client.get("/desk/hand-over/")
    with django_assert_num_queries(10):
        client.get("/desk/hand-over/")


def test_handing_on_asks_for_a_note_and_keeps_what_was_typed(team):
    agent, heir = make_agent(team), make_agent(team)
    ticket = make_queued(team, assignee=agent)
    client = signed_in(agent)
    url = f"/desk/t/{ticket.pk}/transfer/"
    assert heir.display_name in client.get(url).content.decode()
    assert client.post(url, {"to": f"staff:{heir.pk}", "note": ""}).status_code == 422
    assert client.post(url, {"to": "", "note": "说明在此"}).content.decode().count("说明在此") == 1
    assert client.post(url, {"to": f"staff:{heir.pk}", "note": "说明在此"}).status_code == 302
    ticket.refresh_from_db()
    assert ticket.assignee_id == heir.pk


def test_others_tickets_are_handed_on_or_put_back_only_by_who_may_assign(team):
    owner, peer, senior = make_agent(team), make_agent(team), make_agent(team, roles=["agent_senior"])
    ticket = make_queued(team, assignee=owner)
    for url in (f"/desk/t/{ticket.pk}/transfer/", f"/desk/t/{ticket.pk}/give-back/"):
        assert signed_in(peer).post(url, {"to": f"staff:{peer.pk}", "note": "x"}).status_code == 403
    assert signed_in(senior).post(f"/desk/t/{ticket.pk}/give-back/").status_code == 302
    ticket.refresh_from_db()
    assert ticket.assignee_id is None


def test_the_menu_offers_handing_on_to_the_holder(team):
    agent = make_agent(team)
    mine, other = make_queued(team, assignee=agent), make_queued(team, assignee=make_agent(team))
    client = signed_in(agent)
    assert f"/desk/t/{mine.pk}/transfer/" in client.get(f"/desk/t/{mine.pk}/").content.decode()
    assert f"/desk/t/{other.pk}/transfer/" not in client.get(f"/desk/t/{other.pk}/").content.decode()


def test_a_team_is_switched_to_automatic_and_an_old_form_is_refused(team):
    boss = make_staff(roles=["manager"])
    client, url = signed_in(boss), f"/settings/routing/teams/{team.pk}/"
    form = {"version": 0, "mode": "automatic", "widen_after_minutes": "5分钟", "release_after_minutes": "1 h"}
    assert client.get(url).status_code == 200
    assert client.post(url, form)["Location"] == "/settings/routing/"
    row = TeamRouting.objects.get(pk=team.pk)
    assert (row.mode, row.widen_after_minutes, row.release_after_minutes, row.version) == ("automatic", 5, 60, 1)
    assert client.post(url, {**form, "mode": "by_hand"}).status_code == 409
    for typed in ("1 min", "60", "一会儿", "2 days"):
        refused = client.post(url, {**form, "version": 1, "release_after_minutes": typed})
        assert refused.status_code == 422
        assert f'value="{typed}"' in refused.content.decode()
    assert Event.objects.filter(kind="team_routing.changed").count() == 1


def test_categories_are_told_what_they_need(team):
    boss, category = make_staff(roles=["manager"]), make_category()
    client = signed_in(boss)
    assert client.post("/settings/routing/skills/", {f"skill_{category.pk}": "returns"}).status_code == 302
    assert CategorySkill.objects.get().skill == "returns"
    assert client.post("/settings/routing/skills/", {f"skill_{category.pk}": "magic"}).status_code == 422
    client.post("/settings/routing/skills/", {f"skill_{category.pk}": ""})
    assert not CategorySkill.objects.exists()
    assert client.get("/settings/routing/").status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_the_settings_page_asks_the_same_however_many_people(team, count, django_assert_num_queries):
    client = signed_in(make_staff(roles=["manager"], teams=[team]))
    for _ in range(count):
        make_agent(team, capacity=4, skills=["vip"], per_channel={"phone": 1})
        make_category(parent=make_category())
    client.get("/settings/routing/")
    with django_assert_num_queries(9):
        client.get("/settings/routing/")


def test_limits_are_set_on_a_persons_page(team):
    boss, agent = make_staff(roles=["manager"]), make_agent(team)
    client, url = signed_in(boss), f"/settings/staff/{agent.pk}/capacity/"
    assert url in client.get(f"/settings/staff/{agent.pk}/").content.decode()
    assert client.post(url, {"version": 0, "in_total": 8, "limit_phone": 1}).status_code == 302
    row = Capacity.objects.get(staff=agent)
    assert (row.in_total, row.per_channel, row.version) == (8, {"phone": 1}, 1)
    assert client.post(url, {"version": 0, "in_total": 9}).status_code == 422
    assert client.post(url, {"version": 1, "in_total": -1}).status_code == 422
    assert signed_in(agent).post(url, {"version": 1, "in_total": 9}).status_code == 403


def test_a_customer_gets_an_agent_of_her_own(team):
    agent, fixed = make_agent(team), make_agent(team, is_dedicated=True)
    customer = make_person(tier="vip")
    make_queued(team, customer=customer)
    client, url = signed_in(agent), f"/desk/customers/{customer.pk}/agent/"
    assert fixed.display_name in client.get(url).content.decode()
    assert client.post(url, {"staff": fixed.pk}).status_code == 302
    assert DedicatedAgent.objects.get().staff == fixed
    assert client.post(url, {"staff": agent.pk}).status_code == 422
    client.post(url, {"staff": ""})
    assert not DedicatedAgent.objects.exists()


def test_the_story_says_why_somebody_got_the_ticket():
    team = make_routed_team()
    agent = make_agent(team, display_name="王晓慧")
    make_agent(team, capacity=0)
    ticket = make_queued(team, opened_at=timezone.now() - timedelta(minutes=1))
    drain_team(team_id=team.pk, at=timezone.now())
    events = Event.objects.filter(ticket_id=ticket.pk, kind="ticket.assigned")
    [(_event, line)] = render_story(events, agent)
    assert "王晓慧" in line.html
    assert "the only one who fitted and was free" in line.html or "只有" in line.html
