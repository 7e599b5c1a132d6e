"""The desk's pages: lists with a bounded number of queries, the door of each, what an agent does by hand."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.enums import Permission
from accounts.roles import ROLES
from core.models import Event
from feedback.models import Answer, FollowUpPlan, Survey, SurveyVersion, Visit, VisitAttempt
from feedback.services import Submission, submit_answer
from tests.factories.accounts import make_staff, make_team
from tests.factories.feedback import make_invitation, make_visit
from tests.factories.orders import make_shop

pytestmark = pytest.mark.django_db

PAGES = {
    "/desk/visits/": Permission.VISIT_WORK,
    "/desk/feedback/": Permission.SURVEY_VIEW,
    "/settings/surveys/": Permission.SURVEY_MANAGE,
    "/settings/follow-ups/": Permission.VISIT_MANAGE,
    "/settings/follow-ups/new/": Permission.VISIT_MANAGE,
}


def sign_in(client: Client, role: str = "agent", **fields: Any) -> Any:
    staff = make_staff(roles=[role], **fields)
    client.force_login(staff)
    return staff


def make_answer(csat: int = 5, comment: str = "很好", seconds: int = 30) -> Answer:
    _invitation, token = make_invitation()
    given: dict[str, Any] = {"csat": csat, "comment": comment}
    if csat <= 3:
        given["reasons"] = ["slow"]
    answer = submit_answer(token=token, submission=Submission(given, "zh-hans", seconds), at=timezone.now())
    assert answer is not None
    return answer


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("role", ROLES)
def test_page_opens_by_right(client: Client, path: str, role: str) -> None:
    sign_in(client, role)
    expected = 200 if PAGES[path] in ROLES[role].permissions else 403
    assert client.get(path).status_code == expected


@pytest.mark.parametrize(
    "path", [*PAGES, "/desk/visits/1/", "/settings/surveys/1/", "/desk/feedback/panel/customer/1/"]
)
def test_stranger_is_sent_to_sign_in(client: Client, path: str) -> None:
    assert client.get(path).status_code == 302


@pytest.mark.parametrize("tab", ["due", "overdue", "mine", "upcoming", "done"])
def test_visit_list_takes_the_same_queries_for_one_and_three(
    client: Client, django_assert_num_queries: Any, tab: str
) -> None:
    staff = sign_in(client)

    def add() -> None:
        visit = make_visit(completed=timedelta(days=0 if tab == "upcoming" else 9 if tab == "overdue" else 3))
        changes: dict[str, Any] = {"agent": staff}
        if tab == "done":
            changes |= {"state": "answered", "done_at": timezone.now(), "satisfaction": 5, "outcome": "answered"}
        Visit.objects.filter(pk=visit.pk).update(**changes)

    add()
    client.get("/desk/visits/")
    with django_assert_num_queries(5):
        one = client.get(f"/desk/visits/?tab={tab}")
    add()
    add()
    with django_assert_num_queries(5):
        three = client.get(f"/desk/visits/?tab={tab}")
    assert (one.content.decode().count("<tr data-href"), three.content.decode().count("<tr data-href")) == (1, 3)


def test_answer_list_takes_the_same_queries_for_one_and_three(client: Client, django_assert_num_queries: Any) -> None:
    sign_in(client, "supervisor")
    make_answer()
    client.get("/desk/feedback/")
    with django_assert_num_queries(5):
        client.get("/desk/feedback/")
    make_answer(1)
    make_answer(3)
    with django_assert_num_queries(5):
        page = client.get("/desk/feedback/").content.decode()
    assert page.count('class="answer card') == 3


def test_answers_are_filtered_and_escaped(client: Client) -> None:
    sign_in(client, "supervisor")
    make_answer(5, "<b>真好</b>")
    low = make_answer(2, "太慢")
    page = client.get("/desk/feedback/?csat=5").content.decode()
    assert "&lt;b&gt;真好&lt;/b&gt;" in page
    assert "太慢" not in page
    client.post(f"/desk/feedback/{low.pk}/judge/", {"is_valid": "0", "version": low.version})
    assert "太慢" in client.get("/desk/feedback/?valid=no").content.decode()
    assert "太慢" not in client.get("/desk/feedback/?valid=yes").content.decode()
    assert client.get("/desk/feedback/?csat=x&before=99999999999999999999&survey=nope").status_code == 200


def test_live_fragment_is_only_the_list(client: Client) -> None:
    sign_in(client)
    make_visit()
    page = client.get("/desk/visits/", headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<div id="visits"')


def test_visit_of_another_shop_is_invisible(client: Client) -> None:
    visit = make_visit()
    other = make_shop()
    sign_in(client, teams=[make_team(shop_ids=[other.pk])])
    assert client.get(f"/desk/visits/{visit.pk}/").status_code == 404
    assert client.post(f"/desk/visits/{visit.pk}/claim/").status_code == 404
    assert "<tr data-href" not in client.get("/desk/visits/").content.decode()


def test_visit_page_hides_the_phone(client: Client) -> None:
    sign_in(client)
    visit = make_visit(phone="13912348000")
    page = client.get(f"/desk/visits/{visit.pk}/").content.decode()
    assert "139****8000" in page
    assert "13912348000" not in page
    assert "/desk/reveal/?subject_type=customer" in page


def test_junior_agent_cannot_reveal(client: Client) -> None:
    sign_in(client, "agent_junior")
    visit = make_visit(phone="13912348000")
    page = client.get(f"/desk/visits/{visit.pk}/").content.decode()
    assert "139****8000" in page
    assert "/desk/reveal/" not in page


def test_agent_makes_a_visit(client: Client) -> None:
    staff = sign_in(client)
    visit = make_visit()
    assert client.post(f"/desk/visits/{visit.pk}/claim/").status_code == 302
    visit.refresh_from_db()
    assert visit.agent_id == staff.pk
    response = client.post(
        f"/desk/visits/{visit.pk}/attempt/",
        {"outcome": "answered", "satisfaction": "4", "note": "很满意", "version": visit.version},
    )
    assert (response.status_code, response["Location"]) == (302, "/desk/visits/")
    visit.refresh_from_db()
    assert (visit.state, visit.satisfaction, visit.note) == ("answered", 4, "很满意")
    assert "很满意" in client.get(f"/desk/visits/{visit.pk}/").content.decode()


def test_after_an_attempt_the_next_visit_opens(client: Client) -> None:
    sign_in(client)
    first, second = make_visit(), make_visit()
    response = client.post(f"/desk/visits/{first.pk}/attempt/", {"outcome": "declined", "version": first.version})
    assert response["Location"] == f"/desk/visits/{second.pk}/"


@pytest.mark.parametrize(
    "data",
    [
        {"outcome": ""},
        {"outcome": "nonsense"},
        {"outcome": "answered"},
        {"outcome": "answered", "satisfaction": "6"},
        {"outcome": "no_answer", "next_try": "at"},
        {"outcome": "no_answer", "next_try": "at", "next_try_at": "gestern"},
        {"outcome": "call_back", "next_try": "at", "next_try_at": "2020-01-01T10:00"},
        {"outcome": "no_answer", "next_try": ""},
    ],
)
def test_incomplete_attempt_is_refused_and_kept(client: Client, data: dict[str, str]) -> None:
    sign_in(client)
    visit = make_visit()
    response = client.post(f"/desk/visits/{visit.pk}/attempt/", data | {"note": "记下来的话", "version": visit.version})
    assert response.status_code == 422
    assert "记下来的话" in response.content.decode()
    assert not VisitAttempt.objects.exists()


def test_stale_attempt_keeps_what_was_typed(client: Client) -> None:
    sign_in(client)
    visit = make_visit()
    response = client.post(
        f"/desk/visits/{visit.pk}/attempt/",
        {"outcome": "declined", "note": "客户不想谈", "version": visit.version - 1},
    )
    page = response.content.decode()
    assert response.status_code == 409
    assert "客户不想谈" in page
    assert f'name="version" value="{visit.version}"' in page
    assert not VisitAttempt.objects.exists()


def test_skip_needs_a_reason(client: Client) -> None:
    sign_in(client)
    visit = make_visit()
    assert client.post(f"/desk/visits/{visit.pk}/skip/", {"version": visit.version}).status_code == 422
    client.post(f"/desk/visits/{visit.pk}/skip/", {"version": visit.version, "why": "already_spoken"})
    visit.refresh_from_db()
    assert (visit.state, visit.skip_reason) == ("skipped", "already_spoken")
    assert Event.objects.get(kind="visit.skipped").data["why"] == "already_spoken"


@pytest.mark.parametrize("action", ["claim", "release", "attempt", "skip"])
def test_actions_are_posts(client: Client, action: str) -> None:
    sign_in(client)
    visit = make_visit()
    assert client.get(f"/desk/visits/{visit.pk}/{action}/").status_code == 405


def test_panel_shows_a_customers_answers(client: Client) -> None:
    sign_in(client)
    answer = make_answer(2, "等了三天")
    page = client.get(
        f"/desk/feedback/panel/customer/{answer.invitation.customer_id}/", headers={"HX-Request": "true"}
    ).content.decode()
    assert "等了三天" in page
    assert page.lstrip().startswith('<div class="feedback-panel"')


def plan_data(**changes: Any) -> dict[str, Any]:
    plan = FollowUpPlan.objects.get()
    names = ["name", "due_after_days", "within_days", "max_attempts", "channel", "script_zh", "script_en", "version"]
    return {name: getattr(plan, name) for name in names} | {"is_active": "on", "shop_id": ""} | changes


def test_plan_is_changed_and_a_stale_change_is_shown(client: Client) -> None:
    sign_in(client, "supervisor")
    plan = FollowUpPlan.objects.get()
    path = f"/settings/follow-ups/{plan.pk}/"
    old = plan_data(due_after_days=1)
    assert client.post(path, old).status_code == 302
    plan.refresh_from_db()
    assert plan.due_after_days == 1
    assert Event.objects.get(kind="follow_up_plan.changed").data == {"fields": ["due_after_days"]}
    stale = client.post(path, old | {"name": "我的名字"})
    assert stale.status_code == 409
    assert "我的名字" in stale.content.decode()
    assert client.post(path, plan_data(due_after_days=9)).status_code == 422
    assert client.post("/settings/follow-ups/new/", plan_data(version="")).status_code == 422
    assert FollowUpPlan.objects.count() == 1


def test_plan_for_one_shop(client: Client) -> None:
    sign_in(client, "supervisor")
    shop = make_shop()
    assert (
        client.post("/settings/follow-ups/new/", plan_data(version="", shop_id=shop.pk, name="专属")).status_code == 302
    )
    visit = make_visit()
    assert visit.plan.name == "专属"


def survey_form(client: Client, survey: Survey) -> dict[str, Any]:
    """Return the posted fields of the questions page as a browser would send them."""
    response = client.get(f"/settings/surveys/{survey.pk}/questions/")
    data: dict[str, Any] = {}
    rows, wording = response.context["rows"], response.context["wording"]
    for form in [wording, rows.management_form, *rows.forms]:
        for bound in form:
            value = bound.value()
            if value not in (None, False, ""):
                data[bound.html_name] = "on" if value is True else value
    return data


def test_changed_questions_are_a_new_version(client: Client) -> None:
    sign_in(client, "supervisor")
    survey = Survey.objects.get(key="ticket_csat")
    path = f"/settings/surveys/{survey.pk}/questions/"
    data = survey_form(client, survey)
    assert client.post(path, data | {"save": "1"}).status_code == 302
    assert SurveyVersion.objects.filter(survey=survey).count() == 1, "nothing changed, so no new version"
    data["q-0-zh"] = "这次帮到您了吗？"
    assert client.post(path, data | {"save": "1"}).status_code == 302
    survey.refresh_from_db()
    assert (survey.current.number, survey.current.questions[0]["zh"]) == (2, "这次帮到您了吗？")
    assert survey.current.questions[1]["options"][0]["key"] == "slow", "choices keep their keys"
    assert client.post(path, data | {"save": "1"}).status_code == 409


def test_question_is_added_moved_and_removed(client: Client) -> None:
    sign_in(client, "supervisor")
    survey = Survey.objects.get(key="ticket_csat")
    path = f"/settings/surveys/{survey.pk}/questions/"
    data = survey_form(client, survey)
    data |= {
        "q-3-type": "single", "q-3-zh": "您用什么联系我们？", "q-3-en": "How did you reach us?",
        "q-3-options": "电话 | Phone\n网页 | Web", "q-3-place": "1", "q-2-remove": "on",
    }  # fmt: skip
    assert client.post(path, data | {"save": "1"}).status_code == 302
    survey.refresh_from_db()
    assert [q["id"] for q in survey.current.questions] in (["csat", "q1", "reasons"], ["q1", "csat", "reasons"])


def test_faults_and_doubts_are_said(client: Client) -> None:
    sign_in(client, "supervisor")
    survey = Survey.objects.get(key="ticket_csat")
    path = f"/settings/surveys/{survey.pk}/questions/"
    client.cookies["cs_lang"] = "en"
    data = survey_form(client, survey)
    looked = client.post(
        path, data | {"q-0-en": "How much did you enjoy our excellent and friendly help?", "look": "1"}
    )
    page = looked.content.decode()
    assert "two things at once" in page
    assert "lead to an answer" in page
    wrong = client.post(path, data | {"q-1-options": "太慢 | Too slow", "save": "1"})
    assert wrong.status_code == 422
    assert "Give between 2" in wrong.content.decode()
    half = client.post(path, data | {"q-1-options": "太慢\n太快", "save": "1"})
    assert half.status_code == 422
    assert "Chinese | English" in half.content.decode()
    preview = client.post(path, data | {"q-0-en": "Typed just now", "preview": "1"}).content.decode()
    assert "Typed just now" in preview
    assert "Nothing is sent" in preview
    assert SurveyVersion.objects.filter(survey=survey).count() == 1


def test_survey_settings_are_saved(client: Client) -> None:
    sign_in(client, "supervisor")
    survey = Survey.objects.get(key="ticket_csat")
    path = f"/settings/surveys/{survey.pk}/"
    data = {
        "version": survey.version, "name_zh": "服务", "name_en": "Service", "is_active": "on", "delay_minutes": 5,
        "period_days": 7, "remind_after_days": 0, "expires_days": 10,
    }  # fmt: skip
    assert client.post(path, data).status_code == 302
    survey.refresh_from_db()
    assert (survey.delay_minutes, survey.period_days, survey.expires_days) == (5, 7, 10)
    assert client.post(path, data).status_code == 409
    assert client.post(path, data | {"expires_days": 0, "version": survey.version}).status_code == 422
    assert client.get(f"{path}preview/").status_code == 200
    assert client.get("/settings/surveys/9999/").status_code == 404
