import time

import pytest
from django.core import mail
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts import services
from accounts.adapter import is_local_path
from accounts.models import Staff
from accounts.services.sign_in import PER_ACCOUNT
from core.actors import SYSTEM, Actor
from core.models import Event, Job
from tests.factories.accounts import PASSWORD, make_staff

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):  # type: ignore[no-untyped-def]
    return client.post(LOGIN, {"login": email, "password": password, **more})


def signed_in(client: Client) -> bool:
    return client.get("/accounts/me/").status_code == 200


def test_right_password_opens_the_desk_in_the_own_language(client: Client) -> None:
    staff = make_staff(password=PASSWORD, language="en", theme="dark")
    response = sign_in(client, staff.email.upper())
    assert (response.status_code, response["Location"]) == (302, "/desk/")
    assert response.cookies["cs_lang"].value == "en"
    assert response.cookies["cs_theme"].value == "dark"
    assert signed_in(client)


def test_unknown_wrong_and_closed_accounts_answer_alike(client: Client) -> None:
    known = make_staff(password=PASSWORD)
    closed = make_staff(password=PASSWORD, is_active=False)
    answers = []
    for email in (known.email, "nobody@shop.example", closed.email):
        response = sign_in(client, email, "wrong-password-1")
        errors = response.context["form"].non_field_errors()
        answers.append((response.status_code, list(errors)))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 422


def test_closed_account_with_the_right_password_stays_outside(client: Client) -> None:
    staff = make_staff(password=PASSWORD, is_active=False)
    sign_in(client, staff.email)
    assert not signed_in(client)


@pytest.mark.slow
@override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.Argon2PasswordHasher"])
def test_unknown_account_takes_as_long_as_a_wrong_password(client: Client) -> None:
    staff = make_staff(password=PASSWORD)

    emails = (staff.email, "nobody@shop.example")
    best = dict.fromkeys(emails, float("inf"))
    for _ in range(4):
        for email in emails:  # by turns: a busy second meets both
            begin = time.perf_counter()
            sign_in(client, email, "wrong-password-1")
            best[email] = min(best[email], time.perf_counter() - begin)
    known, unknown = best.values()
    assert 0.5 < known / unknown < 2


def test_lock_out_per_account_covers_the_right_password_and_unknown_accounts() -> None:
    staff = make_staff(password=PASSWORD)
    for email in (staff.email, "nobody@shop.example"):
        client = Client()
        codes = [sign_in(client, email, "wrong-password-1").status_code for _ in range(PER_ACCOUNT + 1)]
        assert codes == [422] * PER_ACCOUNT + [429]
        response = sign_in(client, email)
        assert response.status_code == 429
        assert int(response["Retry-After"]) > 0
        assert not signed_in(client)


def test_lock_out_per_address_covers_many_accounts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.services.sign_in.PER_ADDRESS", 5)
    staff = make_staff(password=PASSWORD)
    for number in range(5):
        assert sign_in(client, f"guess{number}@shop.example", "wrong-password-1").status_code == 422
    assert sign_in(client, staff.email).status_code == 429
    spoofed = client.post(LOGIN, {"login": staff.email, "password": PASSWORD}, HTTP_X_FORWARDED_FOR="9.9.9.9")
    assert spoofed.status_code == 429


def test_right_passwords_are_not_counted(client: Client) -> None:
    staff = make_staff(password=PASSWORD)
    for _ in range(PER_ACCOUNT + 3):
        assert sign_in(Client(), staff.email).status_code == 302


@pytest.mark.parametrize("target", [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "\\\\evil.example", "/%5cevil.example", "/%5Cevil",
    "/%2fevil.example", "javascript:alert(1)", "/x%0d%0aSet-Cookie:a=b", "/x\r\nSet-Cookie: a=b", " /x", "http:evil",
    "evil",    "///evil.example", "https:/evil.example", "/\t/evil.example",
])  # fmt: skip
def test_next_never_leaves_the_site(client: Client, target: str) -> None:
    assert not is_local_path(target)
    staff = make_staff(password=PASSWORD)
    response = sign_in(client, staff.email, next=target)
    assert response["Location"] == "/desk/"


def test_next_inside_the_site_is_followed(client: Client) -> None:
    staff = make_staff(password=PASSWORD)
    assert (
        sign_in(client, staff.email, next="/settings/staff/?q=1&state=closed")["Location"]
        == "/settings/staff/?q=1&state=closed"
    )


def test_stranger_comes_back_to_where_she_wanted(client: Client) -> None:
    response = client.get("/settings/staff/?q=a")
    assert response["Location"] == f"{LOGIN}?next=%2Fsettings%2Fstaff%2F%3Fq%3Da"
    fragment = client.get(
        "/accounts/notifications/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/desk/?v=1"}
    )
    assert fragment.status_code == 401
    assert fragment["HX-Redirect"] == f"{LOGIN}?next=%2Fdesk%2F%3Fv%3D1"


def kill_by_password(staff: Staff) -> None:
    services.change_password(staff_id=staff.pk, password="another-long-one-8", actor=SYSTEM, at=timezone.now())


def kill_by_sign_out(staff: Staff) -> None:
    services.end_sessions(staff_id=staff.pk, actor=SYSTEM, at=timezone.now())


def kill_by_deactivation(staff: Staff) -> None:
    services.deactivate_staff(
        staff_id=staff.pk, successor_id=None, successor_team_id=None, actor=SYSTEM, at=timezone.now()
    )


def kill_by_second_factor(staff: Staff) -> None:
    services.note_second_factor_change(staff_id=staff.pk, actor=SYSTEM, at=timezone.now())


@pytest.mark.parametrize("kill", [kill_by_password, kill_by_sign_out, kill_by_deactivation, kill_by_second_factor])
def test_session_dies_with_what_it_stood_on(client: Client, kill) -> None:  # type: ignore[no-untyped-def]
    staff = make_staff(password=PASSWORD)
    client.force_login(staff)
    assert signed_in(client)
    kill(staff)
    response = client.get("/accounts/me/")
    assert response.status_code == 302
    assert response["Location"].endswith("ended=1")
    assert client.get("/accounts/me/")["Location"] == f"{LOGIN}?next=%2Faccounts%2Fme%2F"


def test_sockets_hear_of_a_killed_session(django_capture_on_commit_callbacks, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    import json

    import redis
    from django.conf import settings

    from core.live.announce import channel

    staff = make_staff()
    bus = redis.Redis.from_url(settings.LAYER_URL).pubsub()
    bus.subscribe(channel())
    assert bus.get_message(timeout=5)["type"] == "subscribe"
    with django_capture_on_commit_callbacks(execute=True):
        kill_by_sign_out(staff)
    frame = json.loads(bus.get_message(timeout=5)["data"])
    bus.close()
    assert frame == {"group": f"staff.{staff.pk}", "event": "signed_out", "id": staff.pk, "version": 2}


def test_password_change_keeps_this_session_and_ends_the_others() -> None:
    staff = make_staff(password=PASSWORD)
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, staff.email)
    wrong = here.post(
        "/accounts/password/change/",
        {"oldpassword": "no", "password1": "a-new-long-one-9", "password2": "a-new-long-one-9"},
    )
    assert wrong.status_code == 422
    weak = here.post(
        "/accounts/password/change/", {"oldpassword": PASSWORD, "password1": "1234567890", "password2": "1234567890"}
    )
    assert weak.status_code == 422
    done = here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "a-new-long-one-9", "password2": "a-new-long-one-9"},
    )
    assert done["Location"] == "/accounts/me/"
    assert signed_in(here)
    assert not signed_in(there)
    assert Event.objects.filter(kind="staff.password_changed", subject_id=staff.pk).count() == 1


def test_sign_out_everywhere_keeps_this_session() -> None:
    staff = make_staff(password=PASSWORD)
    here, there = Client(), Client()
    for client in (here, there):
        sign_in(client, staff.email)
    assert b"2" in here.get("/accounts/me/").content
    listed = here.get("/accounts/sessions/").context["sessions"]
    assert [row["is_current"] for row in listed] == [False, True]
    here.post(reverse("accounts:sign_out_everywhere"))
    assert signed_in(here)
    assert not signed_in(there)
    assert here.get("/accounts/me/").context["session_count"] == 1


def test_reset_by_mail_sets_the_password_once(client: Client, mailoutbox: list) -> None:  # type: ignore[type-arg]
    staff = make_staff(password=PASSWORD, language="en")
    other = Client()
    other.force_login(staff)
    known = client.post("/accounts/password/reset/", {"email": staff.email})
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@shop.example"})
    assert (
        (known.status_code, known["Location"])
        == (unknown.status_code, unknown["Location"])
        == (302, "/accounts/password/reset/done/")
    )
    assert Job.objects.filter(name="accounts.send_password_reset").count() == 1
    run_job("accounts.send_password_reset")
    assert [m.to for m in mail.outbox] == [[staff.email]]
    link = next(line for line in mail.outbox[0].body.splitlines() if line.startswith("http"))
    path = link.split("/accounts/", 1)[1]
    form = client.get(f"/accounts/{path}", follow=True)
    assert form.status_code == 200
    to = form.request["PATH_INFO"]
    assert client.post(to, {"password1": "short", "password2": "short"}).status_code == 422
    done = client.post(to, {"password1": "a-new-long-one-9", "password2": "a-new-long-one-9"})
    assert done.status_code == 302
    assert not signed_in(other)
    assert sign_in(Client(), staff.email, "a-new-long-one-9").status_code == 302
    again = Client().get(f"/accounts/{path}")
    assert again.context["token_fail"]


def test_reset_link_names_the_configured_site(client: Client) -> None:
    staff = make_staff(password=PASSWORD)
    client.post("/accounts/password/reset/", {"email": staff.email}, HTTP_X_FORWARDED_HOST="evil.example")
    run_job("accounts.send_password_reset")
    assert "evil" not in mail.outbox[0].body
    assert mail.outbox[0].body.count("http://127.0.0.1:8000/accounts/") == 1


def test_reset_mails_are_capped_without_telling(client: Client) -> None:
    staff = make_staff(password=PASSWORD)
    for email in (staff.email, "nobody@shop.example"):
        codes = [client.post("/accounts/password/reset/", {"email": email}).status_code for _ in range(4)]
        assert codes == [302, 302, 302, 429]
    assert Job.objects.filter(name="accounts.send_password_reset").count() == 3


def test_reset_for_a_closed_account_sends_nothing(client: Client) -> None:
    staff = make_staff(password=PASSWORD, is_active=False)
    client.post("/accounts/password/reset/", {"email": staff.email})
    assert not Job.objects.filter(name="accounts.send_password_reset").exists()


def run_job(name: str) -> None:
    """Run the owed jobs of one kind as a worker would, without its own transactions."""
    from core.jobs import RunningJob
    from core.jobs.registry import JOBS

    for row in Job.objects.filter(name=name, state="ready"):
        running = RunningJob(row.pk, row.name, row.key, row.shard, row.payload, row.due_at, 1, 1, None, 0)
        JOBS[name].run(job=running, **row.payload)
        Job.objects.filter(pk=row.pk).update(state="done", done_at=timezone.now())


def test_event_log_holds_no_personal_data() -> None:
    staff = make_staff("canary.person@shop.example", display_name="Canary Person", password=PASSWORD)
    kill_by_password(staff)
    kill_by_deactivation(staff)
    text = str(list(Event.objects.values()))
    assert "anary" not in text
    assert Actor.staff(staff).id == staff.pk


@pytest.mark.parametrize(("agent", "words"), [
    ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141 Safari/537.36 Edg/141", "Edge · Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604", "Safari · iPhone"),
    ("Mozilla/5.0 (Linux; Android 16) Chrome/140 Mobile Safari/537 MicroMessenger/8", "WeChat · Android"),
    ("curl/8", "Unknown device"),
])  # fmt: skip
def test_devices_have_names(agent: str, words: str) -> None:
    from django.utils import translation

    from accounts.devices import device_words

    with translation.override("en"):
        assert device_words(agent) == words
