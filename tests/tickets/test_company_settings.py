"""What holds for the whole company is changed by those who answer for all of it; a team's supervisor reads it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from accounts.errors import CompanyOnly, OtherTeamOnly
from accounts.models import Staff, Team
from tests.factories.accounts import make_staff, make_team
from tests.factories.calls import make_line
from tickets.models import CategorySkill, QualityTerms, Rubric, ScreenRule, SlaPolicy, TeamRouting

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return make_team("近")


@pytest.fixture
def boss(team: Team) -> Staff:
    return make_staff(roles=["supervisor"], teams=[team])


def _doors() -> dict[str, str]:
    """Name every page and form by what it sets; the rubric and the policy are those that come with the product."""
    rubric, policy = Rubric.objects.first(), SlaPolicy.objects.get(is_default=True)
    assert rubric is not None
    return {
        "rubric": reverse("tickets:settings_rubric", args=[rubric.pk]),
        "new rubric": reverse("tickets:settings_rubric_new"),
        "quality terms": reverse("tickets:settings_quality"),
        "pre-check": reverse("tickets:settings_quality_rules"),
        "policies": reverse("tickets:settings_sla"),
        "policy": reverse("tickets:settings_sla_edit", args=[policy.pk]),
        "new policy": reverse("tickets:settings_sla_new"),
        "routing": reverse("tickets:settings_routing"),
    }


def _state() -> list[Any]:
    tables = (Rubric, QualityTerms, ScreenRule, SlaPolicy, CategorySkill, TeamRouting)
    return [list(table.objects.order_by("pk").values()) for table in tables]


@pytest.mark.parametrize(
    "name", ["rubric", "new rubric", "quality terms", "pre-check", "policies", "policy", "new policy", "routing"]
)
def test_a_team_supervisor_reads_it_and_is_told_why_she_cannot_change_it(client: Client, boss: Staff, name: str):
    address, why = _doors()[name], escape(str(CompanyOnly.message))
    client.force_login(boss)
    page = client.get(address).content.decode()
    assert why in page
    assert " disabled>" in page
    client.force_login(make_staff(roles=["manager"]))
    page = client.get(address).content.decode()
    assert why not in page
    assert "read-only-why" not in page


def test_every_form_of_it_refuses_her_and_nothing_changes(client: Client, boss: Staff) -> None:
    doors, before = _doors(), _state()
    policy = SlaPolicy.objects.get(is_default=True)
    client.force_login(boss)
    forms = [doors[name] for name in ("rubric", "new rubric", "quality terms", "policy", "new policy")]
    forms += [
        reverse("tickets:settings_quality_rule", args=["dismissive"]),
        reverse("tickets:settings_sla_move", args=[policy.pk]),
        reverse("tickets:settings_routing_skills"),
    ]
    for address in forms:
        answer = client.post(address, {"version": "1", "name": "改", "preview": "1", "zh": "x", "to": "up"})
        assert answer.status_code == 403, address
        assert escape(str(CompanyOnly.message)) in answer.content.decode()
    assert _state() == before


def test_a_team_supervisor_sets_the_routing_of_her_own_team_alone(client: Client, boss: Staff, team: Team) -> None:
    far, form = make_team("远"), {"version": 0, "mode": "automatic"}
    form |= {"widen_after_minutes": "5 min", "release_after_minutes": "1 h"}
    client.force_login(boss)
    own, other = (reverse("tickets:settings_routing_team", args=[one.pk]) for one in (team, far))
    assert escape(str(OtherTeamOnly.message)) in client.get(other).content.decode()
    assert client.post(other, form).status_code == 403
    assert "read-only-why" not in client.get(own).content.decode()
    assert client.post(own, form).status_code == 302
    assert list(TeamRouting.objects.values_list("team_id", flat=True)) == [team.pk]


def test_the_call_back_time_of_a_line_is_typed_in_words(client: Client, team: Team) -> None:
    line, _secret = make_line(team)
    client.force_login(make_staff(roles=["manager"]))
    address = reverse("tickets:settings_phone_line", args=[line.pk])
    page = client.get(address)
    form = page.context["form"]
    typed = {name: "" if (value := form[name].value()) in (None, False) else value for name in form.fields}
    assert str(typed["call_back_minutes"]) in {"1 h", "1 小时"}
    for wrong in ("60", "稍后", "30 days"):
        assert client.post(address, {**typed, "call_back_minutes": wrong}).status_code == 422
    assert client.post(address, {**typed, "call_back_minutes": "半小时"}).status_code == 302
    line.refresh_from_db()
    assert line.call_back_minutes == 30
