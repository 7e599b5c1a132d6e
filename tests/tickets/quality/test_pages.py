"""The pages of quality review: what each shows to whom, in both languages, in how many statements."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from tests.factories.accounts import make_staff, make_team
from tests.factories.quality import make_answered, make_plan, make_review, make_rubric, make_submitted, marks
from tests.factories.tickets import make_reply
from tickets.models import Appeal, Calibration, Coaching, QualityReview, Rubric, SamplingPlan, ScreenFinding, ScreenRule
from tickets.services.quality.appealing import appeal_review
from tickets.services.quality.calibrating import start_calibration
from tickets.services.quality.screening import screen_message

pytestmark = pytest.mark.django_db


def _form(tone: Any = 4, facts: Any = 4, redline: Any = 1, **more: Any) -> dict[str, Any]:
    return {"v-tone": tone, "v-facts": facts, "v-redline": redline, **more}


@pytest.fixture
def reviewer(client: Client) -> Any:
    staff = make_staff(roles=["quality"], display_name="梁质检")
    client.force_login(staff)
    return staff


def test_a_review_is_begun_kept_submitted_and_read(client: Client, reviewer: Any) -> None:
    agent = make_staff(display_name="王晓慧")
    ticket = make_answered(agent)
    message = make_reply(ticket, agent, text="不知道，等着吧。")
    screen_message(message_id=message.pk, at=timezone.now())
    review = make_review(agent, reviewer, ticket=ticket)
    page = client.get(reverse("tickets:review", args=[review.pk])).content.decode()
    assert "<mark>不知道</mark>" in page
    assert 'name="v-tone"' in page
    draft = reverse("tickets:review_draft", args=[review.pk])
    part = client.post(draft, _form(facts="", version=review.version), headers={"HX-Request": "true"}).content.decode()
    assert "80.0" in part
    assert "<html" not in part
    submit = reverse("tickets:review_submit", args=[review.pk])
    refused = client.post(submit, _form(facts="", version=review.version))
    assert refused.status_code == 422
    assert "请" in refused.content.decode()
    evidence = {"m-tone": message.pk, "c-tone": "第二句语气生硬", "note": "先安抚"}
    assert client.post(submit, _form(version=review.version, **evidence)).status_code == 302
    review.refresh_from_db()
    assert (review.score, review.answers["tone"]["message"]) == (80, message.pk)
    client.force_login(agent)
    own = client.get(reverse("tickets:own_review", args=[review.pk])).content.decode()
    assert "第二句语气生硬" in own
    assert "先安抚" in own
    assert "等着吧" in own
    assert client.get(reverse("tickets:review", args=[review.pk])).status_code == 403
    client.force_login(make_staff())
    assert client.get(reverse("tickets:own_review", args=[review.pk])).status_code == 404


def test_an_agent_sees_her_finished_reviews_only(client: Client) -> None:
    agent, other = make_staff(), make_staff()
    done, waits, others = make_submitted(agent), make_review(agent), make_submitted(other)
    client.force_login(agent)
    page = client.get(reverse("tickets:own_reviews")).content.decode()
    assert reverse("tickets:own_review", args=[done.pk]) in page
    for hidden in (waits, others):
        assert reverse("tickets:own_review", args=[hidden.pk]) not in page
        assert client.get(reverse("tickets:own_review", args=[hidden.pk])).status_code == 404
    for name in ("reviews", "quality_board", "quality_rows", "settings_quality"):
        assert client.get(reverse(f"tickets:{name}")).status_code == 403


def test_a_supervisor_sees_her_teams_and_never_herself(client: Client) -> None:
    far, near = make_team(), make_team()
    boss = make_staff(roles=["supervisor"], teams=[near])
    theirs = make_submitted(make_staff(teams=[far]))
    own = make_submitted(boss)
    mine = make_submitted(make_staff(teams=[near]))
    for review, team in ((theirs, far), (mine, near), (own, near)):
        type(review.ticket).objects.filter(pk=review.ticket_id).update(team=team)
    client.force_login(boss)
    found = [client.get(reverse("tickets:review", args=[one.pk])).status_code for one in (mine, theirs, own)]
    assert found == [200, 404, 404]
    page = client.get(reverse("tickets:quality_rows")).content.decode()
    assert 'data-row-count="1"' in page


def test_an_appeal_goes_to_another_and_comes_back(client: Client, reviewer: Any) -> None:
    agent, second = make_staff(), make_staff(roles=["quality"])
    review = make_submitted(agent, reviewer, answers=marks(2, 2))
    client.force_login(agent)
    address = reverse("tickets:own_review", args=[review.pk])
    assert client.post(address, {"reason": ""}).status_code == 422
    assert client.post(address, {"reason": "我在第二条道歉了"}).status_code == 302
    assert client.post(address, {"reason": "再来一次"}).status_code == 422
    appeal = Appeal.objects.get()
    decide = reverse("tickets:appeal", args=[appeal.pk])
    client.force_login(reviewer)
    assert 'name="change"' not in client.get(decide).content.decode()
    assert client.post(decide, _form(decision="不改", keep=1)).status_code == 422
    client.force_login(second)
    assert "我在第二条道歉了" in client.get(decide).content.decode()
    assert client.post(decide, _form(decision="", change=1)).status_code == 422
    assert client.post(decide, _form(5, 5, decision="确实道歉了", change=1)).status_code == 302
    assert client.post(decide, _form(1, 1, decision="反悔", change=1)).status_code == 422
    client.force_login(agent)
    page = client.get(address).content.decode()
    assert "确实道歉了" in page
    assert "100.0" in page


def test_verdicts_and_rules(client: Client, reviewer: Any) -> None:
    agent = make_staff()
    ticket = make_answered(agent)
    message = make_reply(ticket, agent, text="您好，爱买不买。")
    screen_message(message_id=message.pk, at=timezone.now())
    row = ScreenFinding.objects.get()
    judge = reverse("tickets:finding_judge", args=[row.pk])
    answer = client.post(judge, {"verdict": "wrong", "back": "https://evil.example/"})
    assert (answer.status_code, answer["Location"]) == (302, reverse("tickets:reviews"))
    boss = make_staff(roles=["manager"])
    client.force_login(boss)
    page = client.get(reverse("tickets:settings_quality_rules")).content.decode()
    assert "100%" in page
    save = reverse("tickets:settings_quality_rule", args=["dismissive"])
    assert client.post(save, {"zh": "懂的都懂", "en": "", "version": "0"}).status_code == 302
    assert ScreenRule.objects.get().is_on is False
    assert client.post(save, {"is_on": "on", "zh": "x", "en": "", "version": "0"}).status_code == 409
    limit = reverse("tickets:settings_quality_rule", args=["refund"])
    assert client.post(limit, {"is_on": "on", "limit": "viel", "version": "0"}).status_code == 422
    assert client.post(reverse("tickets:settings_quality_rule", args=["none"]), {"version": "0"}).status_code == 404
    client.force_login(agent)
    assert client.post(judge, {"verdict": "right"}).status_code == 403


def test_a_rubric_is_written_previewed_and_published(client: Client) -> None:
    client.force_login(make_staff(roles=["manager"]))
    row = Rubric.objects.select_related("current").first()
    assert row is not None  # the one that comes with the product
    address = reverse("tickets:settings_rubric", args=[row.pk])
    assert "同理心" in client.get(address).content.decode()
    fields = {
        "name": "简表", "s0_zh": "沟通", "c0_0_zh": "语气", "c0_0_kind": "scale", "c0_0_weight": "70",
        "version": row.version, "c0_1_zh": "准确", "c0_1_kind": "yes_no", "c0_1_weight": "20",
    }  # fmt: skip
    part = client.post(address, {**fields, "preview": "1"}, headers={"HX-Request": "true"}).content.decode()
    assert "90 / 100" in part
    refused = client.post(address, fields)
    assert (refused.status_code, set(refused.context["faults"])) == (422, {"weights"})
    wrong = {**fields, "name": "", "c0_0_weight": "七十", "c0_1_kind": "none"}
    assert set(client.post(address, wrong).context["faults"]) == {"name"}
    refused = client.post(address, {**wrong, "name": "简表"})
    assert set(refused.context["faults"]) == {"c0_0_weight", "c0_1_kind"}
    page = refused.content.decode()
    assert 'value="七十" inputmode="numeric" aria-invalid="true" aria-describedby="fault-0-0"' in page
    assert 'id="fault-0-0"' in page
    assert 'id="fault-0-1"' in page
    assert client.post(address, {**fields, "c0_1_weight": "30"}).status_code == 302
    assert client.post(address, {**fields, "c0_1_weight": "30", "c0_0_zh": "改"}).status_code == 409
    row.refresh_from_db()
    assert row.current is not None
    assert (row.name, row.current.number, len(row.current.criteria())) == ("简表", 2, 2)


def test_a_plan_is_made_and_changed(client: Client) -> None:
    client.force_login(make_staff(roles=["manager"]))
    rubric = make_rubric()
    fields = {
        "name": "新人抽检", "rubric_id": rubric.pk, "period": "week", "way": "per_agent", "amount": "2", "factor": "3",
        "due_days": "5", "is_active": "on", "boosts": ["new_agent", "risk"],
    }  # fmt: skip
    new = reverse("tickets:settings_plan_new")
    assert client.get(new).status_code == 200
    assert client.post(new, {**fields, "name": ""}).status_code == 422
    assert client.post(new, fields).status_code == 302
    plan = SamplingPlan.objects.get()
    assert plan.boosts == ["new_agent", "risk"]
    edit = reverse("tickets:settings_plan", args=[plan.pk])
    assert client.post(edit, {**fields, "version": plan.version, "is_active": ""}).status_code == 302
    assert client.post(edit, {**fields, "version": plan.version}).status_code == 422
    assert "新人抽检" in client.get(reverse("tickets:settings_quality")).content.decode()


def test_choosing_by_hand_calibrating_and_the_panel(client: Client, reviewer: Any) -> None:
    agent, other = make_staff(), make_staff(roles=["quality"])
    ticket = make_answered(agent)
    panel = reverse("tickets:ticket_quality", args=[ticket.pk])
    assert reverse("tickets:review_new", args=[ticket.pk]) in client.get(panel).content.decode()
    first = client.post(reverse("tickets:review_new", args=[ticket.pk]))
    again = client.post(reverse("tickets:review_new", args=[ticket.pk]))
    assert first["Location"] == again["Location"]
    begun = client.post(reverse("tickets:calibrate", args=[ticket.pk]), {"reviewers": [reviewer.pk, other.pk]})
    row = Calibration.objects.get()
    assert begun["Location"] == reverse("tickets:calibration", args=[row.pk])
    assert client.get(begun["Location"]).status_code == 200
    theirs = row.reviews.get(reviewer=other)
    assert client.get(reverse("tickets:review", args=[theirs.pk])).status_code == 404
    for review in row.reviews.all():
        client.force_login(review.reviewer)
        data = {f"v-{one['key']}": 1 for one in review.rubric_version.criteria()}
        answer = client.post(reverse("tickets:review_submit", args=[review.pk]), {**data, "version": review.version})
        assert answer.status_code == 302
    assert "0%" in client.get(begun["Location"]).content.decode()


def test_a_talk_is_ticked_off(client: Client) -> None:
    boss = make_staff(roles=["supervisor"])
    make_submitted(answers=marks(1, 1))
    client.force_login(boss)
    assert client.get(reverse("tickets:reviews") + "?tab=coaching").status_code == 200
    talk = Coaching.objects.get()
    client.post(reverse("tickets:coaching_done", args=[talk.pk]), {"note": ""})
    assert Coaching.objects.get().done_at is None
    client.post(reverse("tickets:coaching_done", args=[talk.pk]), {"note": "约定每天听两通录音"})
    assert Coaching.objects.get().done_by == boss


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_figures_open_their_rows_in_both_languages(client: Client, language: str) -> None:
    boss = make_staff(roles=["manager"], language=language)
    agent, rubric = make_staff(), make_rubric()
    reviews = [
        make_submitted(agent, rubric=rubric, answers=marks(m, "na" if m == 3 else 4, f))
        for m, f in ((5, 1), (3, 1), (2, 0))
    ]
    appeal_review(review_id=reviews[2].pk, reason="请再看", actor=Actor.staff(agent), at=timezone.now())
    start_calibration(
        ticket_id=make_answered(agent).pk, reviewer_ids=[make_staff(roles=["quality"]).pk, boss.pk],
        rubric_id=rubric.pk, actor=Actor.staff(boss), at=timezone.now(),
    )  # fmt: skip
    client.force_login(boss)
    client.cookies["cs_lang"] = language
    page = client.get(reverse("tickets:quality_board")).content.decode()
    assert f"{(92 + 60 + 0) / 3:.1f}" in page  # 5·60 + 4·40 of 500; 3 of 5 where facts do not apply; a fatal one
    assert ("样本太少" if language == "zh-hans" else "too few") in page
    counts = {"": 3, "?criterion=facts": 2, "?fatal=1": 1, "?appeal=all": 1, "?appeal=changed": 0, "?criterion=a__b": 3}
    for query, count in counts.items():
        rows = client.get(reverse("tickets:quality_rows") + query).content.decode()
        assert f'data-row-count="{count}"' in rows, query
    for name in (
        "reviews",
        "settings_quality",
        "settings_quality_rules",
        "settings_rubric_new",
        "settings_plan_new",
        "own_reviews",
    ):
        assert client.get(reverse(f"tickets:{name}")).status_code == 200
    for tab in ("mine", "waiting", "appeals", "coaching", "done", "calibration"):
        assert client.get(f"{reverse('tickets:reviews')}?tab={tab}").status_code == 200


def _statements(client: Client, url: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


def test_lists_ask_the_same_number_of_statements_however_long(client: Client) -> None:
    boss, agent, rubric = make_staff(roles=["manager"]), make_staff(), make_rubric()
    one, two = make_staff(roles=["quality"]), make_staff(roles=["quality"])
    plan = make_plan(rubric=rubric)

    def more() -> None:
        make_review(agent, one, rubric=rubric)
        done = make_submitted(agent, one, rubric=rubric, answers=marks(2, 2))
        appeal_review(review_id=done.pk, reason="请再看", actor=Actor.staff(agent), at=timezone.now())
        start_calibration(
            ticket_id=make_answered(agent).pk, reviewer_ids=[one.pk, two.pk], rubric_id=rubric.pk,
            actor=Actor.staff(one), at=timezone.now(),
        )  # fmt: skip

    client.force_login(boss)
    base = reverse("tickets:reviews")
    urls = [f"{base}?tab={tab}" for tab in ("mine", "waiting", "appeals", "coaching", "done", "calibration")]
    urls += [reverse("tickets:quality_board"), reverse("tickets:quality_rows"), reverse("tickets:settings_quality")]
    more()
    for url in urls:
        client.get(url)
    before = [_statements(client, url) for url in urls]
    more()
    more()
    assert [_statements(client, url) for url in urls] == before
    assert max(before) <= 14
    client.force_login(agent)
    client.get(reverse("tickets:own_reviews"))
    assert _statements(client, reverse("tickets:own_reviews")) <= 12
    assert plan.pk
    review = QualityReview.objects.filter(state="waiting", calibration__isnull=True).first()
    assert review is not None
    client.force_login(one)
    address = reverse("tickets:review", args=[review.pk])
    client.get(address)
    count = _statements(client, address)
    for _n in range(3):
        message = make_reply(review.ticket, agent, text="您好，爱买不买。")
        screen_message(message_id=message.pk, at=timezone.now())
    assert _statements(client, address) == count
    assert count <= 22
