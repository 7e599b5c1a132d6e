import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from accounts import reveal
from accounts.models import PersonalDataAccess, PersonalDataAccessDay, Staff
from accounts.services import record_access
from accounts.services.access import verify_access_chain
from core.actors import Actor
from core.errors import NotAllowed, NotFound, RateLimited
from core.models import Event
from tests.factories.accounts import make_staff

pytestmark = pytest.mark.django_db
ADDRESS = "/desk/reveal/"
FULL = "13800138000"


@pytest.fixture(autouse=True)
def _a_subject_with_a_phone(monkeypatch: pytest.MonkeyPatch) -> None:
    def door(staff: Staff, subject_id: int) -> None:
        if subject_id != 4:
            raise NotFound

    monkeypatch.setattr(reveal, "REVEALS", {})
    reveal.register_reveal("thing", "phone", lambda pk: FULL, door)
    reveal.register_reveal("thing", "address", lambda pk: None, door)


def ask(client: Client, **more: object):  # type: ignore[no-untyped-def]
    return client.post(ADDRESS, {"subject_type": "thing", "subject_id": 4, "field": "phone", "reason": "call"} | more)


def look(staff: Staff | None = None, subject_id: int = 1, at=None) -> PersonalDataAccess:  # type: ignore[no-untyped-def]
    return record_access(
        actor=Actor.staff(staff or 1), subject_type="thing", subject_id=subject_id, fields=["phone"], purpose="call",
        at=at or timezone.now(), ip="10.0.0.1",
    )  # fmt: skip


def test_reveal_shows_the_value_and_writes_it_down(client: Client) -> None:
    staff = make_staff()
    client.force_login(staff)
    page = client.get(ADDRESS, {"subject_type": "thing", "subject_id": 4, "field": "phone"})
    assert page.status_code == 200
    assert FULL.encode() not in page.content
    fragment = client.post(
        ADDRESS,
        {"subject_type": "thing", "subject_id": 4, "field": "phone", "reason": "other", "words": "买家要求核对"},
        headers={"HX-Request": "true"},
    )
    assert FULL.encode() in fragment.content
    assert b"<html" not in fragment.content
    assert "no-store" in fragment["Cache-Control"]
    entry = PersonalDataAccess.objects.get()
    assert (entry.actor_id, entry.subject_type, entry.subject_id, entry.fields) == (staff.pk, "thing", 4, ["phone"])
    assert (entry.purpose, entry.ip) == ("other: 买家要求核对", "127.0.0.1")
    assert not Event.objects.exists()


def test_reveal_without_javascript_is_a_page(client: Client) -> None:
    client.force_login(make_staff())
    response = ask(client)
    assert b"<html" in response.content
    assert FULL.encode() in response.content


@pytest.mark.parametrize(
    "more",
    [{"reason": ""}, {"reason": " "}, {"reason": "other"}, {"reason": "other", "words": "x"}, {"reason": "x" * 101}],
)
def test_reveal_needs_a_reason(client: Client, more: dict) -> None:  # type: ignore[type-arg]
    client.force_login(make_staff())
    response = ask(client, **more)
    assert response.status_code == 422
    assert FULL.encode() not in response.content
    assert not PersonalDataAccess.objects.exists()


@pytest.mark.parametrize("more", [{"subject_id": 5}, {"subject_id": "x"}, {"field": "email"}, {"field": "address"},
                                  {"subject_type": "no"},
                                  {"subject_id": ""}, {"field": "../x"}])  # fmt: skip
def test_reveal_behind_a_closed_door_is_404_and_not_logged(client: Client, more: dict) -> None:  # type: ignore[type-arg]
    client.force_login(make_staff())
    assert ask(client, **more).status_code == 404
    assert not PersonalDataAccess.objects.exists()


def test_reveal_needs_the_right(client: Client) -> None:
    staff = make_staff(roles=["agent_junior"])
    client.force_login(staff)
    assert ask(client).status_code == 403
    with pytest.raises(NotAllowed):
        reveal.reveal_field(
            staff=staff, subject_type="thing", subject_id=4, field="phone", purpose="call", ip=None, at=timezone.now()
        )


def test_reveal_is_capped_by_the_hour(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setattr(reveal, "PER_HOUR", 3)
    client.force_login(make_staff())
    assert [ask(client).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert PersonalDataAccess.objects.count() == 3
    other = Client()
    other.force_login(make_staff())
    assert ask(other).status_code == 200
    assert RateLimited.http_status == 429


def test_log_is_append_only() -> None:
    entry = look()
    for change in (lambda: PersonalDataAccess.objects.filter(pk=entry.pk).update(purpose="x"), entry.delete):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert verify_access_chain() == []


def tamper(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE accounts_personaldataaccess DISABLE TRIGGER accounts_access_append_only")
        cursor.execute(sql)


@pytest.mark.parametrize(("sql", "seq"), [
    ("UPDATE accounts_personaldataaccess SET purpose = 'identity' WHERE seq = 2", 2),
    ("UPDATE accounts_personaldataaccess SET actor_id = 99 WHERE seq = 1", 1),
    ("UPDATE accounts_personaldataaccess SET ip = NULL WHERE seq = 3", 3),
    ("DELETE FROM accounts_personaldataaccess WHERE seq = 2", 3),
    ("DELETE FROM accounts_personaldataaccess WHERE seq = 3", 0),
    ("DELETE FROM accounts_personaldataaccess", 0),
    ("UPDATE accounts_personaldataaccess SET seq = 9 WHERE seq = 3", 9),
])  # fmt: skip
def test_chain_shows_tampering(sql: str, seq: int) -> None:
    for number in range(3):
        look(subject_id=number + 1)
    assert verify_access_chain() == []
    tamper(sql)
    assert [fault.seq for fault in verify_access_chain()] == [seq]


def test_chains_stand_by_day() -> None:
    today = timezone.now()
    for at in (today - timedelta(days=1), today, today):
        look(at=at)
    assert [d.entry_count for d in PersonalDataAccessDay.objects.order_by("day")] == [1, 2]
    tamper("UPDATE accounts_personaldataaccess SET purpose = 'x' WHERE seq = 1")
    assert len(verify_access_chain()) == 2
    assert len(verify_access_chain(since=today.date())) == 1


def test_log_page_names_people_and_reasons(client: Client) -> None:
    boss, agent = make_staff(roles=["supervisor"], display_name="Boss"), make_staff(display_name="韩梅梅")
    look(agent, subject_id=77)
    look(boss, subject_id=78)
    client.force_login(boss)
    html = client.get("/settings/access-log/").content.decode()
    assert "韩梅梅" in html
    assert "#77" in html
    only = client.get("/settings/access-log/", {"staff": agent.pk}).content.decode()
    assert "#77" in only
    assert "#78" not in only
    assert "#77" not in client.get("/settings/access-log/", {"subject": 78}).content.decode()
    for odd in ({"staff": "x"}, {"subject": "9" * 30}, {"since": "gestern"}, {"before": "-1"}):
        assert client.get("/settings/access-log/", odd).status_code == 200
    tamper("UPDATE accounts_personaldataaccess SET purpose = 'x'")
    assert client.get("/settings/access-log/").context["faults"]


def test_log_pages_follow_each_other(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.views.personal_data.PAGE", 2)
    for number in range(5):
        look(subject_id=number + 1)
    client.force_login(make_staff(roles=["supervisor"]))
    seen, address = [], "/settings/access-log/"
    for _page in range(3):
        context = client.get(address).context
        seen += [entry["row"].subject_id for entry in context["entries"]]
        address = f"/settings/access-log/{context['next_url']}"
    assert seen == [5, 4, 3, 2, 1]
    assert context["next_url"] == ""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_parallel_looks_make_one_unbroken_chain() -> None:
    start = threading.Barrier(4)

    def run() -> None:
        start.wait()
        for number in range(5):
            look(subject_id=number + 1)
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert PersonalDataAccess.objects.count() == 20
    assert verify_access_chain() == []
