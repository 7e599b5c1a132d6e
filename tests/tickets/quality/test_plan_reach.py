"""A supervisor of some teams plans reviews of these teams' conversations; nothing she plans reaches others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_shop
from tests.factories.quality import make_answered, make_plan, make_rubric
from tickets.models import SamplingPlan, Ticket
from tickets.permissions import tickets_visible_to
from tickets.selectors.quality_drawing import candidates_of
from tickets.services.quality.plans import PlanTerms, save_plan

pytestmark = pytest.mark.django_db


def save(actor: Actor, terms: PlanTerms, pk: int | None = None) -> SamplingPlan:
    return save_plan(plan_id=pk, terms=terms, actor=actor, at=timezone.now())


def test_she_plans_for_her_teams_alone() -> None:
    near, far = make_team("近"), make_team("远")
    boss = Actor.staff(make_staff(roles=["supervisor"], teams=[near]))
    terms = PlanTerms(name="近组抽检", rubric_id=make_rubric().pk, team_ids=(near.pk,))
    for beyond in ((), (far.pk,), (near.pk, far.pk)):
        with pytest.raises(InvalidInput) as refused:
            save(boss, replace(terms, team_ids=beyond))
        assert set(refused.value.fields) == {"team_ids"}
    own = save(boss, terms)
    with pytest.raises(InvalidInput):
        save(boss, replace(terms, team_ids=()), own.pk)
    for other in (make_plan(), make_plan(team_ids=(far.pk,)), make_plan(team_ids=(near.pk, far.pk))):
        with pytest.raises(NotFound):
            save(boss, terms, other.pk)
    assert save(SYSTEM, replace(terms, team_ids=()), own.pk).team_ids == []


def test_her_pages_show_her_plans_and_people(client: Client) -> None:
    near, far = make_team("近"), make_team("远")
    boss = make_staff(roles=["supervisor"], teams=[near])
    make_staff(teams=[far], display_name="远组的人")
    make_staff(teams=[near], display_name="近组的人")
    wide, other = make_plan(name="全司抽检"), make_plan(name="远组抽检", team_ids=(far.pk,))
    own = make_plan(name="近组抽检", team_ids=(near.pk,))
    client.force_login(boss)
    hub = client.get(reverse("tickets:settings_quality")).content.decode()
    assert "近组抽检" in hub
    assert "全司抽检" not in hub
    assert "远组抽检" not in hub
    for plan in (wide, other):
        assert client.get(reverse("tickets:settings_plan", args=[plan.pk])).status_code == 404
        assert client.post(reverse("tickets:settings_plan", args=[plan.pk]), {"name": "x"}).status_code == 404
    page = client.get(reverse("tickets:settings_plan", args=[own.pk])).content.decode()
    assert "近组的人" in page
    assert "远组的人" not in page
    fields = {
        "name": "新", "rubric_id": own.rubric_id, "period": "week", "way": "per_agent", "amount": "2", "factor": "3",
        "due_days": "5", "is_active": "on",
    }  # fmt: skip
    new = reverse("tickets:settings_plan_new")
    assert client.post(new, fields).status_code == 422
    assert client.post(new, {**fields, "team_ids": [far.pk]}).status_code == 422
    assert client.post(new, {**fields, "team_ids": [near.pk]}).status_code == 302


def test_a_plan_of_teams_draws_what_its_supervisor_sees() -> None:
    at: datetime = timezone.now() - timedelta(days=2)
    shops = [make_shop("near").pk, make_shop("far").pk]
    near, far = make_team("近", shop_ids=[shops[0]]), make_team("远", shop_ids=[shops[1]])
    mine, theirs = make_staff(teams=[near]), make_staff(teams=[far])
    boss = make_staff(roles=["supervisor"], teams=[near])
    rows = [(near.pk, None, mine), (far.pk, None, theirs)]
    rows += [(None, shop, agent) for shop in (None, *shops) for agent in (mine, theirs)]
    tickets = [make_answered(agent, at=at, shop_id=shop) for _team, shop, agent in rows]
    for ticket, (team, _shop, _agent) in zip(tickets, rows, strict=True):
        Ticket.objects.filter(pk=ticket.pk).update(team_id=team)
    plan = make_plan(team_ids=(near.pk,))
    span = (at - timedelta(days=1), at + timedelta(days=1))
    found = {one.ticket_id for one in candidates_of(plan, *span, new_agent_days=60)}
    assert found == {tickets[0].pk, tickets[2].pk, tickets[4].pk}  # hers, and teamless ones her people answered
    assert found <= set(tickets_visible_to(boss).values_list("pk", flat=True))
