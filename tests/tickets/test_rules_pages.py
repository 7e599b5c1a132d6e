"""The pages of automation rules: the builder by plain submits, the list, the log, the trial, what a ticket tells."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import SYSTEM
from tests.factories.accounts import make_staff, make_team
from tests.factories.rules import make_rule, run_rules
from tests.factories.tickets import make_ticket
from tickets.models import Rule, RuleRun
from tickets.rule_enums import Do, Op, Trigger, What
from tickets.services.rules.trying import start_trial, try_part

pytestmark = pytest.mark.django_db
NEW = reverse("tickets:settings_rule_new")


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(make_staff(roles=["manager"]))
    return client


def posted(**fields):
    given = {
        "name": "漏液优先", "trigger": "opened", "unit": "hours", "all-0-what": "words", "all-0-op": "contains",
        "all-0-value": "漏液，漏了", "do-0-do": "priority", "do-0-value": "40",
    }  # fmt: skip
    return {**given, **fields}


def test_a_rule_is_built_by_plain_submits(boss):
    page = boss.get(NEW).content.decode()
    assert 'name="all-0-what"' in page
    page = boss.post(NEW, posted(add="all")).content.decode()
    assert 'name="all-1-what"' in page
    page = boss.post(NEW, {**posted(**{"all-1-what": "priority", "refresh": "1"})}).content.decode()
    assert 'name="all-1-op"' in page
    page = boss.post(NEW, posted(refresh="1"), headers={"HX-Request": "true"}).content.decode()
    assert "当有新工单时，如果主题或正文包含“漏液”、“漏了”，就把优先级改为紧急。" in page
    assert "<html" not in page
    page = boss.post(NEW, {**posted(remove="all-0")}).content.decode()
    assert 'name="all-0-what"' not in page
    assert not Rule.objects.exists()
    answer = boss.post(NEW, posted(**{"all-1-what": ""}))
    rule = Rule.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, reverse("tickets:settings_rule_edit", args=[rule.pk]))
    assert (rule.is_active, rule.current.definition["all"]) == (
        False, [{"what": "words", "op": "contains", "value": ["漏液", "漏了"]}],
    )  # fmt: skip


def test_every_condition_and_action_can_be_built_and_shown_again(boss):
    team = make_team("二线")
    staff = make_staff(roles=["agent"], display_name="小林")
    rows = {
        "do-0-do": "notify", "do-0-value": f"team:{team.pk}", "do-1-do": "agent", "do-1-value": staff.pk,
        "do-2-do": "note", "do-2-text": "看一下", "do-3-do": "add_tags", "do-3-text": "急、漏", "do-4-do": "stop",
        "any-0-what": "hours", "any-0-op": "outside",
        "any-1-what": "team", "any-1-op": "is", "any-1-value": ["0", team.pk],
        "any-2-what": "repeat", "any-2-op": "yes", "any-3-what": "order", "any-3-op": "absent",
        "any-4-what": "priority", "any-4-op": "at_least", "any-4-value": "30",
    }  # fmt: skip
    boss.post(NEW, posted(**rows))
    rule = Rule.objects.get()
    shown = boss.get(reverse("tickets:settings_rule_edit", args=[rule.pk])).content.decode()
    assert f'value="team:{team.pk}" selected' in shown
    assert re.search(rf'name="any-1-value" value="{team.pk}" checked', shown)
    assert "急, 漏" in shown or "急、漏" in shown or "漏" in shown
    again = boss.post(reverse("tickets:settings_rule_edit", args=[rule.pk]), posted(**rows, version=rule.version))
    assert again.status_code == 302
    assert Rule.objects.get().version == rule.version  # nothing changed: no new version


def test_mistakes_stand_beside_their_rows_and_nothing_is_lost(boss):
    answer = boss.post(NEW, posted(**{"name": "", "all-0-value": "", "do-0-value": ""}))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="all-0-error"' in page
    assert 'id="do-0-error"' in page
    timed = boss.post(NEW, posted(trigger="waiting", after="", is_business_time="on", unit="days"))
    assert timed.status_code == 422
    assert not Rule.objects.exists()


def test_two_people_at_one_rule_see_each_other(boss):
    rule = make_rule(on=False, name="old")
    url = reverse("tickets:settings_rule_edit", args=[rule.pk])
    assert boss.post(url, posted(version=1)).status_code == 302
    stale = boss.post(url, posted(version=1, name="mine"))
    page = stale.content.decode()
    assert stale.status_code == 422
    assert 'value="mine"' in page
    assert 'name="version" value="2"' in page


def test_the_list_moves_switches_and_deletes(boss):
    first, second = make_rule(name="Alpha", on=False), make_rule(name="Beta")
    page = boss.get(reverse("tickets:settings_rules")).content.decode()
    assert page.index("Alpha") < page.index("Beta")
    moved = boss.post(
        reverse("tickets:settings_rule_move", args=[second.pk]), {"to": "up"}, headers={"HX-Request": "true"}
    ).content.decode()
    assert moved.index("Beta") < moved.index("Alpha")
    assert "<html" not in moved
    boss.post(reverse("tickets:settings_rule_switch", args=[first.pk]), {"to": "on"})
    assert Rule.objects.get(pk=first.pk).is_active
    boss.post(reverse("tickets:settings_rule_delete", args=[first.pk]))
    assert boss.get(reverse("tickets:settings_rule_edit", args=[first.pk])).status_code == 404
    assert "Alpha" not in boss.get(reverse("tickets:settings_rules")).content.decode()


def test_a_rule_whose_team_is_gone_is_not_switched_on(boss):
    team = make_team()
    rule = make_rule(on=False, do=[(Do.TEAM, {"id": team.pk})])
    team.archived_at = timezone.now()
    team.save()
    answer = boss.post(reverse("tickets:settings_rule_switch", args=[rule.pk]), {"to": "on"})
    assert answer["Location"] == reverse("tickets:settings_rule_edit", args=[rule.pk])
    assert not Rule.objects.get().is_active


def test_lists_cost_the_same_with_one_row_and_three(boss, django_assert_num_queries):
    def pages():
        for name in ("settings_rules", "settings_rules_log"):
            with django_assert_num_queries(COUNTS[name]):
                boss.get(reverse(f"tickets:{name}"))

    COUNTS = {"settings_rules": 12, "settings_rules_log": 14}
    make_rule(every=[(What.CHANNEL, Op.IS, "form")])
    make_ticket()
    run_rules()
    pages()
    for _n in range(2):
        make_rule()
        make_ticket()
    run_rules()
    pages()


def test_the_log_says_what_why_and_what_not_and_is_filtered(boss):
    make_rule(
        name="结案",
        every=[(What.CHANNEL, Op.IS, "form")],
        do=[(Do.STATUS, {"status": "closed"}), (Do.PRIORITY, {"priority": 40})],
    )
    ticket = make_ticket()
    run_rules()
    url = reverse("tickets:settings_rules_log")
    page = boss.get(url, {"state": "partly"}).content.decode()
    assert "结案" in page
    assert ticket.number in page
    assert "没有找到" not in page
    assert ticket.number not in boss.get(url, {"state": "done"}).content.decode()
    assert ticket.number in boss.get(url, {"ticket": f"#{ticket.number}"}).content.decode()
    own = boss.get(reverse("tickets:ticket_rules", args=[ticket.pk])).content.decode()
    assert f'id="run-{RuleRun.objects.get().pk}"' in own
    desk = boss.get(reverse("tickets:ticket", args=[ticket.pk])).content.decode()
    assert "结案" in desk
    assert f"/rules/#run-{RuleRun.objects.get().pk}" in desk


def test_a_log_is_read_page_by_page(boss, monkeypatch):
    from tickets.selectors import rules as selectors

    make_rule()
    for _n in range(3):
        make_ticket()
    run_rules()
    runs, more = selectors.runs_for(make_staff(roles=["admin"]), selectors.LogFilter(), limit=2)
    assert (len(runs), more) == (2, True)
    rest, more = selectors.runs_for(make_staff(roles=["admin"]), selectors.LogFilter(before=runs[-1].pk), limit=2)
    assert (len(rest), more) == (1, False)


def test_others_tickets_are_not_in_the_log_nor_in_a_trial(client):
    north, south = make_team("North"), make_team("South")
    make_rule()  # the company's: what it did to her tickets is in her log
    rule = make_rule(team_ids=(north.pk,))
    mine, theirs = make_ticket(team_id=north.pk), make_ticket(team_id=south.pk)
    run_rules()
    trial = start_trial(rule_id=rule.pk, actor=SYSTEM, at=timezone.now())
    try_part(trial_id=trial.pk, at=timezone.now())
    client.force_login(make_staff(roles=["supervisor"], teams=[north]))
    for name, args in (("settings_rules_log", []), ("settings_rule_trial", [rule.pk])):
        page = client.get(reverse(f"tickets:{name}", args=args)).content.decode()
        assert mine.number in page, name
        assert theirs.number not in page, name
    assert client.get(reverse("tickets:ticket_rules", args=[theirs.pk])).status_code == 404


def test_agents_cannot_set_rules_but_read_what_happened_to_their_tickets(client):
    agent = make_staff()
    ticket = make_ticket()
    rule = make_rule(Trigger.NOTED)
    client.force_login(agent)
    for name, args in (
        ("settings_rules", []), ("settings_rule_new", []), ("settings_rules_log", []),
        ("settings_rule_edit", [rule.pk]), ("settings_rule_trial", [rule.pk]),
    ):  # fmt: skip
        assert client.get(reverse(f"tickets:{name}", args=args)).status_code == 403
    assert client.get(reverse("tickets:ticket_rules", args=[ticket.pk])).status_code == 200


def test_a_trial_shows_its_way_and_says_what_is_judged_by_today(boss):
    make_ticket()
    rule = make_rule(on=False, every=[(What.TAGS, Op.HAS_NONE, "x")], do=[(Do.PRIORITY, {"priority": 20})])
    url = reverse("tickets:settings_rule_trial", args=[rule.pk])
    assert boss.post(url, {"do": "start"})["Location"] == url
    page = boss.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 2s, live"' in page
    trial = rule.trials.get()
    try_part(trial_id=trial.pk, at=timezone.now())
    page = boss.get(url).content.decode()
    assert "标签" in page
    assert 'class="is-same"' in page
    assert 'hx-trigger="every' not in page
    boss.post(url, {"do": "start"})
    boss.post(url, {"do": "cancel"})
    assert rule.trials.latest("pk").state == "cancelled"
