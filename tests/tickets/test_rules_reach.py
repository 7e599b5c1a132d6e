"""A supervisor of some teams makes rules for these teams; what they do never leaves them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Staff, Team
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound
from tests.factories.accounts import make_staff, make_team
from tests.factories.orders import make_shop
from tests.factories.rules import make_rule, run_rules, terms
from tests.factories.tickets import make_ticket
from tickets.models import Rule, RuleRun, Ticket
from tickets.permissions import tickets_visible_to
from tickets.rule_enums import Do, Trigger
from tickets.services.rules.editing import delete_rule, move_rule, save_rule, switch_rule
from tickets.services.rules.trying import start_trial, try_part
from tickets.team_reach import reach_of_teams

pytestmark = pytest.mark.django_db


@pytest.fixture
def near() -> Team:
    return make_team("近", shop_ids=[make_shop("near").pk])


@pytest.fixture
def far() -> Team:
    return make_team("远", shop_ids=[make_shop("far").pk])


@pytest.fixture
def boss(near: Team) -> Staff:
    return make_staff(roles=["supervisor"], teams=[near])


def save(actor: Actor, pk: int | None = None, **given: object) -> Rule:
    return save_rule(pk=pk, terms=terms(**given), actor=actor, at=timezone.now())  # type: ignore[arg-type]


def test_what_a_team_reaches_is_what_its_people_see(near: Team, far: Team, boss: Staff) -> None:
    shops: list[int | None] = [None, near.shop_ids[0], far.shop_ids[0]]
    for shop in shops:
        for team in (None, near.pk, far.pk):
            make_ticket(shop_id=shop, team_id=team)
    reach = reach_of_teams([near.pk])
    assert reach is not None
    found = set(Ticket.objects.filter(reach.condition).values_list("pk", flat=True))
    assert found == set(tickets_visible_to(boss).values_list("pk", flat=True))
    assert found == {one.pk for one in Ticket.objects.all() if reach.covers(one.team_id, one.shop_id)}
    assert len(found) == 5


def test_a_rule_of_a_team_acts_on_its_tickets_only(near: Team, far: Team) -> None:
    make_rule(team_ids=(near.pk,))
    mine, theirs = make_ticket(team_id=near.pk), make_ticket(team_id=far.pk)
    open_here, open_there = make_ticket(shop_id=near.shop_ids[0]), make_ticket(shop_id=far.shop_ids[0])
    run_rules()
    assert set(RuleRun.objects.values_list("ticket_id", flat=True)) == {mine.pk, open_here.pk}
    for ticket in (theirs, open_there):
        ticket.refresh_from_db()
        assert ticket.tags == []


def test_a_teams_stop_ends_the_rules_of_that_team_alone(near: Team, far: Team) -> None:
    """The company's rules and those shared with others go on; the company's own stop ends everything."""
    tags = [(Do.ADD_TAGS, {"tags": ["a"]})]
    make_rule(team_ids=(near.pk,), do=[*tags, (Do.STOP, {})])
    make_rule(team_ids=(near.pk,), name="自己的下一条", do=tags)
    company = make_rule(name="公司的", do=[(Do.NOTE, {"text": "看一下"})])
    shared = make_rule(name="两组的", team_ids=(near.pk, far.pk), do=[(Do.NOTE, {"text": "再看"})])
    make_rule(name="公司的最后一条", do=[(Do.NOTE, {"text": "到此为止"}), (Do.STOP, {})])
    make_rule(name="停了之后", do=[(Do.NOTE, {"text": "不会有"})])
    make_rule(name="停了之后的组", team_ids=(near.pk,), do=[(Do.NOTE, {"text": "不会有"})])
    make_ticket(team_id=near.pk)
    run_rules()
    names = list(RuleRun.objects.order_by("pk").values_list("rule__name", flat=True))
    assert names[1:] == [company.name, shared.name, "公司的最后一条"]


def test_a_rule_of_an_archived_team_rests(near: Team, far: Team) -> None:
    now = timezone.now()
    gone, half = make_rule(team_ids=(near.pk,)), make_rule(team_ids=(near.pk, far.pk))
    timed = make_rule(Trigger.UNTOUCHED, after_minutes=1, team_ids=(near.pk,), do=[(Do.NOTE, {"text": "看一下"})])
    old = make_ticket(team_id=near.pk, at=now - timedelta(minutes=5))
    Team.objects.filter(pk=near.pk).update(archived_at=now)
    run_rules()
    assert not RuleRun.objects.exists()
    assert not Ticket.objects.filter(reach_of_teams([near.pk]).condition).exists()
    other = make_ticket(team_id=far.pk)
    make_ticket(shop_id=near.shop_ids[0])
    make_ticket()
    run_rules()
    runs = RuleRun.objects.values_list("rule_id", "ticket_id")
    assert {rule for rule, _ticket in runs} == {half.pk}, (gone.pk, timed.pk)
    assert other.pk in {ticket for _rule, ticket in runs}
    assert old.pk not in {ticket for _rule, ticket in runs}


def test_a_timed_rule_of_a_team_lets_others_pass(near: Team, far: Team) -> None:
    now = timezone.now()
    rule = make_rule(Trigger.UNTOUCHED, after_minutes=1, team_ids=(near.pk,), do=[(Do.NOTE, {"text": "看一下"})])
    old = now - timedelta(minutes=5)
    mine, theirs = make_ticket(team_id=near.pk, at=old), make_ticket(team_id=far.pk, at=old)
    run_rules()
    assert list(rule.runs.values_list("ticket_id", flat=True)) == [mine.pk], theirs.pk


def test_the_trial_keeps_to_the_teams(near: Team, far: Team) -> None:
    mine = make_ticket(team_id=near.pk)
    make_ticket(team_id=far.pk)
    rule = make_rule(on=False, team_ids=(near.pk,))
    at = timezone.now() + timedelta(seconds=1)
    trial = start_trial(rule_id=rule.pk, actor=SYSTEM, at=at)
    assert try_part(trial_id=trial.pk, at=at) is False
    trial.refresh_from_db()
    assert (trial.total, trial.done_count, trial.matched_count) == (1, 1, 1)
    assert trial.hits.get().ticket_id == mine.pk


def test_she_makes_no_rule_beyond_her_teams(near: Team, far: Team, boss: Staff) -> None:
    actor = Actor.staff(boss)
    for beyond in ((), (far.pk,), (near.pk, far.pk)):
        with pytest.raises(InvalidInput) as refused:
            save(actor, team_ids=beyond)
        assert set(refused.value.fields) == {"team_ids"}
    rule = save(actor, team_ids=(near.pk,))
    assert (rule.team_ids, rule.current and rule.current.team_ids) == ([near.pk], [near.pk])
    with pytest.raises(InvalidInput):
        save(actor, rule.pk, team_ids=())
    lost = make_staff(roles=["supervisor"], teams=())
    with pytest.raises(InvalidInput):
        save(Actor.staff(lost), team_ids=())
    assert save(Actor.staff(make_staff(roles=["manager"])), rule.pk, team_ids=()).team_ids == []


def test_she_finds_no_rule_beyond_her_teams(client: Client, near: Team, far: Team, boss: Staff) -> None:
    wide, other = make_rule(name="全司规则"), make_rule(name="远组规则", team_ids=(far.pk,))
    both, own = make_rule(name="两组规则", team_ids=(near.pk, far.pk)), make_rule(name="近组规则", team_ids=(near.pk,))
    actor, now = Actor.staff(boss), timezone.now()
    client.force_login(boss)
    for rule in (wide, other, both):
        for act in (
            lambda pk: switch_rule(pk=pk, on=False, actor=actor, at=now),
            lambda pk: delete_rule(pk=pk, actor=actor, at=now),
            lambda pk: move_rule(pk=pk, up=True, actor=actor),
            lambda pk: start_trial(rule_id=pk, actor=actor, at=now),
            lambda pk: save(actor, pk, team_ids=(near.pk,)),
        ):
            with pytest.raises(NotFound):
                act(rule.pk)
        for name in ("settings_rule_edit", "settings_rule_trial"):
            assert client.get(reverse(f"tickets:{name}", args=[rule.pk])).status_code == 404
    for name in ("settings_rules", "settings_rules_log"):
        page = client.get(reverse(f"tickets:{name}")).content.decode()
        assert own.name in page
        assert not any(rule.name in page for rule in (wide, other, both))
    assert client.get(reverse("tickets:settings_rule_edit", args=[own.pk])).status_code == 200


def test_moving_keeps_to_what_she_sees(near: Team, boss: Staff) -> None:
    first, wide, last = make_rule(team_ids=(near.pk,)), make_rule(), make_rule(team_ids=(near.pk,))
    move_rule(pk=last.pk, up=True, actor=Actor.staff(boss))
    assert list(Rule.objects.order_by("position").values_list("pk", flat=True)) == [last.pk, wide.pk, first.pk]


def test_the_page_offers_her_teams_and_keeps_them_through_a_press(
    client: Client, near: Team, far: Team, boss: Staff
) -> None:
    client.force_login(boss)
    new = reverse("tickets:settings_rule_new")
    page = client.get(new).content.decode()
    assert f'name="team_ids" value="{near.pk}"' in page
    assert f'name="team_ids" value="{far.pk}"' not in page
    row = {"name": "近组", "trigger": "opened", "unit": "hours", "do-0-do": "priority", "do-0-value": "40"}
    pressed = client.post(new, {**row, "team_ids": [near.pk], "add": "all"}).content.decode()
    assert pressed.count("checked") >= 1
    assert client.post(new, row).status_code == 422  # the whole company is not hers
    assert client.post(new, {**row, "team_ids": [far.pk]}).status_code == 422
    assert client.post(new, {**row, "team_ids": [near.pk]}).status_code == 302
    assert Rule.objects.get().team_ids == [near.pk]


def test_an_archived_team_does_not_widen_a_rule(client: Client, near: Team) -> None:
    rule = make_rule(team_ids=(near.pk,), on=False)
    Team.objects.filter(pk=near.pk).update(archived_at=timezone.now())
    client.force_login(make_staff(roles=["manager"]))
    page = client.get(reverse("tickets:settings_rule_edit", args=[rule.pk])).content.decode()
    assert f'name="team_ids" value="{near.pk}"' in page
    with pytest.raises(InvalidInput):
        switch_rule(pk=rule.pk, on=True, actor=SYSTEM, at=timezone.now())
