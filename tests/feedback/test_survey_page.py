"""The page a customer fills in: harmless to look at, handed in once, the same page for every dead link."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from core.models import Event, RateCounter
from feedback.models import Answer, Invitation
from tests.factories.feedback import make_invitation

pytestmark = pytest.mark.django_db

GOOD = {"csat": "5", "comment": "谢谢"}


def post(client: Client, token: str, data: dict[str, Any] | None = None, **extra: Any) -> Any:
    return client.post(f"/s/{token}", GOOD if data is None else data, **extra)


def test_page_shows_questions_in_the_language_of_the_mail(client: Client) -> None:
    _invitation, token = make_invitation()
    response = client.get(f"/s/{token}", headers={"accept-language": "en"})
    page = response.content.decode()
    assert response.status_code == 200
    assert "您对这次服务满意吗？" in page
    assert "How satisfied" not in page
    assert 'name="csat" value="5"' in page
    assert response["Cache-Control"] == "no-store, private"
    assert "noindex" in response["X-Robots-Tag"]
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Content-Language"] == "zh-hans"


def test_language_chosen_by_hand_wins(client: Client) -> None:
    _invitation, token = make_invitation()
    client.cookies["cs_lang"] = "en"
    assert "How satisfied are you with our help?" in client.get(f"/s/{token}").content.decode()


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_changes_nothing(client: Client, method: str) -> None:
    invitation, token = make_invitation()
    before = Invitation.objects.filter(pk=invitation.pk).values().get()
    events = Event.objects.count()
    for _n in range(3):
        getattr(client, method)(f"/s/{token}?score=1")
        getattr(client, method)(f"/s/{token}/thanks")
        getattr(client, method)(f"/s/{token}/progress")
    assert Invitation.objects.filter(pk=invitation.pk).values().get() == before
    assert Event.objects.count() == events
    assert not Answer.objects.exists()


def test_score_in_the_link_only_ticks(client: Client) -> None:
    _invitation, token = make_invitation()
    page = client.get(f"/s/{token}?score=4").content.decode()
    assert 'value="4" checked' in page
    assert page.count("checked") == 1
    assert "checked" not in client.get(f"/s/{token}?score=9").content.decode()
    assert not Answer.objects.exists()


def test_answer_is_taken_once(client: Client) -> None:
    invitation, token = make_invitation()
    first = post(client, token)
    assert (first.status_code, first["Location"]) == (303, f"/s/{token}/thanks")
    answer = Answer.objects.get()
    assert (answer.csat, answer.comment, answer.invitation_id) == (5, "谢谢", invitation.pk)
    second = post(client, token, {"csat": "1", "reasons": "slow"})
    assert (second.status_code, second["Location"]) == (303, f"/s/{token}/thanks")
    assert Answer.objects.get().csat == 5
    thanks = client.get(second["Location"])
    assert (thanks.status_code == 200 and "谢谢您" in thanks.content.decode()) or "Thank you" in thanks.content.decode()


def test_event_carries_what_the_figures_need(client: Client) -> None:
    invitation, token = make_invitation()
    post(client, token)
    event = Event.objects.get(kind="survey.answered")
    assert (event.subject_type, event.subject_id) == ("invitation", invitation.pk)
    assert (event.ticket_id, event.customer_id) == (invitation.ticket_id, invitation.customer_id)
    assert event.data == {
        "survey": "ticket_csat", "channel": "form", "stage": "ticket", "team_id": None, "agent_id": None,
        "tier": "standard", "csat": 5, "nps": None, "ces": None, "is_valid": True, "seconds": 0,
    }  # fmt: skip


def test_wrong_used_and_old_links_look_alike(client: Client) -> None:
    _used, used = make_invitation()
    post(client, used)
    old_one, old = make_invitation()
    Invitation.objects.filter(pk=old_one.pk).update(
        invited_at=timezone.now() - timedelta(days=20), expires_at=timezone.now() - timedelta(days=6)
    )
    pages = [client.get(f"/s/{token}") for token in (used, old, "x" * 32, "short")]
    assert {page.status_code for page in pages} == {410}
    bodies = {
        page.content.decode().replace(token, "T")
        for page, token in zip(pages, (used, old, "x" * 32, "short"), strict=True)
    }
    normal = {body.split("csrfmiddlewaretoken")[0] + body.split('"next"')[-1] for body in bodies}
    assert len(normal) == 1


def test_old_link_takes_no_answer(client: Client) -> None:
    invitation, token = make_invitation()
    Invitation.objects.filter(pk=invitation.pk).update(
        invited_at=timezone.now() - timedelta(days=20), expires_at=timezone.now() - timedelta(days=6)
    )
    assert post(client, token).status_code == 410
    assert post(client, token + "x").status_code == 410
    assert client.post(f"/s/{token}/progress", GOOD).status_code == 410
    assert client.get(f"/s/{token}/thanks").status_code == 410
    assert not Answer.objects.exists()


def test_missing_answer_is_said_and_nothing_is_lost(client: Client) -> None:
    _invitation, token = make_invitation()
    response = post(client, token, {"csat": "2", "comment": "<script>alert(1)</script>"})
    page = response.content.decode()
    assert response.status_code == 422
    assert 'value="2" checked' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert not Answer.objects.exists()


@pytest.mark.parametrize("csat", ["", "0", "6", "5.0", "５", "abc", "-1", "9" * 50])
def test_numbers_outside_the_scale_are_refused(client: Client, csat: str) -> None:
    _invitation, token = make_invitation()
    assert post(client, token, {"csat": csat}).status_code == 422
    assert not Answer.objects.exists()


def test_question_that_does_not_apply_is_left_out(client: Client) -> None:
    _invitation, token = make_invitation()
    post(client, token, {"csat": "5", "reasons": ["slow", "attitude"]})
    assert Answer.objects.get().answers == {"csat": 5}


def test_question_that_applies_is_kept(client: Client) -> None:
    _invitation, token = make_invitation()
    post(client, token, {"csat": "3", "reasons": ["attitude", "slow"]})
    assert Answer.objects.get().answers == {"csat": 3, "reasons": ["slow", "attitude"]}


def test_progress_is_kept_and_counts_nowhere(client: Client) -> None:
    invitation, token = make_invitation()
    assert client.post(f"/s/{token}/progress", {"csat": "2", "comment": "还没写完"}).status_code == 204
    invitation.refresh_from_db()
    assert (invitation.state, invitation.partial) == ("opened", {"csat": 2, "comment": "还没写完"})
    assert not Answer.objects.exists()
    assert not Event.objects.filter(kind="survey.answered").exists()
    page = client.get(f"/s/{token}").content.decode()
    assert 'value="2" checked' in page
    assert "还没写完" in page
    post(client, token, {"csat": "4"})
    invitation.refresh_from_db()
    assert (invitation.state, invitation.partial) == ("answered", {})
    assert client.post(f"/s/{token}/progress", {"csat": "1"}).status_code == 410


def test_guessing_is_stopped_for_right_and_wrong_links_alike(client: Client) -> None:
    _invitation, token = make_invitation()
    seen = [client.get(f"/s/guess{n:027d}").status_code for n in range(40)]
    assert seen == [410] * 30 + [429] * 10
    assert client.get(f"/s/{token}").status_code == 429
    assert client.get(f"/s/{token}", REMOTE_ADDR="127.0.0.2").status_code == 200
    assert client.get(f"/s/{token}", HTTP_X_FORWARDED_FOR="8.8.8.8").status_code == 429
    RateCounter.objects.all().delete()
    assert client.get(f"/s/{token}").status_code == 200


def test_an_ipv6_network_is_one_place(client: Client) -> None:
    for n in range(31):
        client.get(f"/s/wrong{n}", REMOTE_ADDR=f"2001:db8::{n + 1:x}")
    assert client.get("/s/wrong", REMOTE_ADDR="2001:db8::ffff").status_code == 429
    assert client.get("/s/wrong", REMOTE_ADDR="2001:db8:1::1").status_code == 410


def test_form_needs_the_page_it_came_from() -> None:
    _invitation, token = make_invitation()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"/s/{token}", GOOD).status_code == 403
    strict.get(f"/s/{token}")
    mark = strict.cookies["csrftoken"].value
    assert strict.post(f"/s/{token}", GOOD | {"csrfmiddlewaretoken": mark}).status_code == 303


def test_low_answer_is_told_what_happens_next(client: Client) -> None:
    _invitation, token = make_invitation()
    post(client, token, {"csat": "1", "reasons": "slow"})
    client.cookies["cs_lang"] = "en"
    assert "within 24 hours" in client.get(f"/s/{token}/thanks").content.decode()


def test_who_comes_back_to_a_form_half_filled_in_is_not_fast(client: Client) -> None:
    invitation, token = make_invitation()
    typed = {"csat": "1", "reasons": "slow"}
    client.post(f"/s/{token}/progress", typed)
    Invitation.objects.filter(pk=invitation.pk).update(opened_at=timezone.now() - timedelta(minutes=5))
    page = client.get(f"/s/{token}?score=4").content.decode()
    assert 'value="1" checked' in page
    assert 'value="4" checked' not in page
    started = page.split('name="started" value="')[1].split('"')[0]
    post(client, token, typed | {"comment": "等太久", "started": started})
    answer = Answer.objects.get()
    assert (answer.is_valid, answer.csat) == (True, 1)
    assert answer.seconds >= 300
