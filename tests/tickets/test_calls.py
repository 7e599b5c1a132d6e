"""Phone calls: the signed door, and one call in whatever order its messages come."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.jobs import drain
from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.calls import SIGNATURE, TIMESTAMP, Office, deliver, make_line, told
from tests.tickets.test_races import at_once
from tickets.calls_errors import BadCallMessage
from tickets.models import Call, PhoneEvent, PhoneLine, Ticket
from tickets.services.calls.lines import renew_secret
from tickets.services.calls.reading import read_message, recording_link, tell_call
from tickets.services.calls.signing import is_genuine, signature_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def office(db: None) -> Office:
    return Office()


# ---- the door ------------------------------------------------------------------------------------------------------


def test_the_example_of_the_page_for_integrators_is_right() -> None:
    page = (ROOT / "docs/phone-webhook.md").read_text(encoding="utf-8")
    example = page.split("<!-- worked example -->")[1].split("<!-- end -->")[0]
    found = dict(line.split(": ", 1) for line in example.splitlines() if ": " in line and not line.startswith("{"))
    body = next(line for line in example.splitlines() if line.startswith("{"))
    assert signature_of(found["secret"], found[TIMESTAMP], body.encode()) == found[SIGNATURE]
    assert read_message(body.encode()).kind == "ringing"


def test_every_message_of_the_page_is_understood() -> None:
    page = (ROOT / "docs/phone-webhook.md").read_text(encoding="utf-8")
    bodies = [part.split("```")[0] for part in page.split("```json\n")[1:]]
    messages = [json.loads(body) for body in bodies if '"call":' in body and '"type":' in body]
    assert {one["type"] for one in messages} == {"ringing", "ivr", "answered", "ended", "recording"}
    for one in messages:
        assert read_message(json.dumps(one).encode(), recording_host="tapes.example.com").call == one["call"]


@pytest.mark.parametrize(
    "spoil",
    ["no signature", "wrong secret", "altered byte", "old", "future", "no timestamp", "odd timestamp", "upper case"],
)
def test_a_message_that_is_not_proven_is_refused(office: Office, spoil: str) -> None:
    body = json.dumps(told("ringing", at=office.start, extensions=["8001"])).encode()
    now = timezone.now()
    at = {"old": now - timedelta(seconds=330), "future": now + timedelta(seconds=330)}.get(spoil, now)
    stamp = str(int(at.timestamp()))
    sent = {TIMESTAMP: stamp, SIGNATURE: signature_of("x" if spoil == "wrong secret" else office.secret, stamp, body)}
    if spoil == "no signature":
        del sent[SIGNATURE]
    elif spoil == "no timestamp":
        del sent[TIMESTAMP]
    elif spoil == "odd timestamp":
        sent[TIMESTAMP] = f" {stamp}"
        sent[SIGNATURE] = signature_of(office.secret, sent[TIMESTAMP], body)
    elif spoil == "upper case":
        sent[SIGNATURE] = sent[SIGNATURE].upper()
    body = body.replace(b"8001", b"8002") if spoil == "altered byte" else body
    answer = Client().post(f"/hooks/phone/{office.line.key}/", body, content_type="application/json", headers=sent)
    assert answer.status_code == 401
    assert not PhoneEvent.objects.exists()


def test_a_line_nobody_has_is_not_found_and_its_neighbours_secret_opens_nothing(office: Office) -> None:
    other, secret = make_line(office.team)
    body = told("ringing", at=office.start, extensions=["8001"])
    assert deliver(office.line, secret, body).status_code == 401
    other.key = "nobody"
    assert deliver(other, secret, body).status_code == 404
    PhoneLine.objects.filter(pk=office.line.pk).update(is_active=False)
    assert deliver(office.line, office.secret, body).status_code == 404


def test_both_secrets_work_while_a_renewal_is_under_way(office: Office) -> None:
    now = timezone.now()
    fresh = renew_secret(line_id=office.line.pk, actor=SYSTEM, at=now)
    for n, secret in enumerate((office.secret, fresh)):
        body = told("ringing", at=office.start, call=f"r{n}", extensions=[])
        assert deliver(office.line, secret, body).status_code == 200
    PhoneLine.objects.filter(pk=office.line.pk).update(old_secret_until=now - timedelta(seconds=1))
    assert deliver(office.line, office.secret, told("ringing", at=now, call="r3")).status_code == 401
    newest = renew_secret(line_id=office.line.pk, actor=SYSTEM, at=now, keep_old=False)
    assert deliver(office.line, fresh, told("ringing", at=now, call="r4")).status_code == 401
    assert deliver(office.line, newest, told("ringing", at=now, call="r5")).status_code == 200


def test_several_signatures_may_stand_in_the_header() -> None:
    at, body = datetime(2026, 11, 22, tzinfo=UTC), b"{}"
    stamp = str(int(at.timestamp()))
    good = signature_of("s", stamp, body)
    told_ = {"keys": ["s"], "timestamp": stamp, "body": body, "at": at}
    assert is_genuine(signature=f"v1=00, {good}", **told_)
    assert not is_genuine(signature=", ".join(["v1=00"] * 5 + [good]), **told_)
    assert not is_genuine(signature="v1=é", **told_)


def test_a_replay_within_the_window_changes_nothing(office: Office) -> None:
    body = told("ringing", at=office.start, extensions=["8001"])
    assert deliver(office.line, office.secret, body).json() == {"received": True, "repeat": False}
    assert deliver(office.line, office.secret, body).json() == {"received": True, "repeat": True}
    drain(seconds=5)
    assert Call.objects.get().version == 1
    assert deliver(office.line, office.secret, {**body, "number": "13900139000"}).status_code == 409


WRONG: list[tuple[Any, str]] = [
    (b"\xff\xfe", "not_json"), (b"[]", "not_an_object"), (b"nul", "not_json"), (b"[" * 5000, "not_json"),
    (b'{"type": NaN}', "not_json"), ({"type": "exploded"}, "unknown_type"), ({"type": ["ringing"]}, "unknown_type"),
    ({"at": "yesterday"}, "bad_at"), ({"at": 5}, "bad_at"), ({"at": "2026-11-22T10:00:00"}, "bad_at"),
    ({"at": "2026-13-45T99:00:00Z"}, "bad_at"), ({"call": ""}, "bad_call"), ({"call": {"a": 1}}, "bad_call"),
    ({"id": "x" * 81}, "bad_id"), ({"number": 138}, "bad_number"), ({"direction": "up"}, "bad_direction"),
    ({"extensions": "8001"}, "bad_extension"), ({"extensions": [8001]}, "bad_extension"),
    ({"queue": "team-x"}, "bad_queue"), ({"type": "ended", "result": "great"}, "bad_result"),
    ({"type": "recording", "url": "http://tapes.example.com/a"}, "recording_host"),
    ({"type": "recording", "url": "https://evil.example/a"}, "recording_host"),
    ({"type": "recording", "url": "https://tapes.example.com/a", "seconds": True}, "bad_seconds"),
    ({"type": "ivr", "keys": "12"}, "bad_keys"), ({"type": "ivr", "keys": ["12"]}, "bad_keys"),
    (b'{"a": "' + b"x" * 70_000 + b'"}', "too_large"),
]  # fmt: skip


def test_what_cannot_be_understood_is_set_aside_in_sight(office: Office) -> None:
    for n, (wrong, code) in enumerate(WRONG):
        good = told("ringing", at=office.start, call=f"w{n}", extensions=["8001"])
        answer = deliver(office.line, office.secret, wrong if isinstance(wrong, bytes) else {**good, **wrong})
        assert (answer.status_code, answer.json()["code"]) == (400, code), wrong
    aside = PhoneEvent.objects.filter(state="refused")
    assert aside.count() == len(WRONG)
    assert not Call.objects.exists()
    client = Client()
    client.force_login(make_staff(roles=["admin"]))
    page = client.get(f"/settings/phone/{office.line.pk}/").content.decode()
    assert "too_large" in page
    assert "13800138000" not in page


@pytest.mark.parametrize(
    "url",
    ["https://tapes.example.com@evil.example/", "https://tapes.example.com:8443/a", "javascript:alert(1)", "//x",
     "https://tapes.example.com.evil.example/a", "https:\\\\tapes.example.com/a", "https://tapes.example.com/a b"],
)  # fmt: skip
def test_recordings_are_linked_on_their_own_host_only(url: str) -> None:
    with pytest.raises(BadCallMessage):
        recording_link(url, "tapes.example.com")
    with pytest.raises(BadCallMessage):
        recording_link("https://tapes.example.com/a", "")


# ---- one call, in whatever order -----------------------------------------------------------------------------------

START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def _messages() -> list[Any]:
    def one(kind: str, when: int, **fields: Any) -> Any:
        body = {**told(kind, at=START + timedelta(seconds=when), **fields), "id": f"{kind}-{when}"}
        return read_message(json.dumps(body).encode(), recording_host="tapes.example.com")

    return [
        one("ivr", 2, keys=["1"], plan=1), one("ivr", 5, keys=["1", "2"], plan=1),
        one("ringing", 6, extensions=["8001"], queue="team-3"), one("ringing", 20, extensions=["8002", "8003"]),
        one("answered", 26, extension="8002"), one("ended", 200, result="answered"),
        one("recording", 210, url="https://tapes.example.com/a.mp3", seconds=170),
    ]  # fmt: skip


@given(st.data())
def test_any_order_with_repeats_tells_the_same_call(data: st.DataObject) -> None:
    messages = _messages()
    again = data.draw(st.lists(st.sampled_from(messages), max_size=6))
    order = data.draw(st.permutations([*messages, *again]))
    assert tell_call(order) == tell_call(messages)
    states = ["ringing", "answered", "ended"]
    ranks = [states.index(tell_call(order[: n + 1]).state) for n in range(len(order))]
    assert ranks == sorted(ranks), "a call never goes back"


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2)])
def test_the_stored_call_is_the_same_in_any_order(office: Office, order: tuple[int, ...]) -> None:
    host = "https://tapes.example.com/a.mp3"
    steps: list[tuple[str, int, dict[str, Any]]] = [
        ("ringing", 0, {"extensions": ["8001"]}), ("answered", 10, {"extension": "8001"}),
        ("ended", 70, {"result": "answered"}), ("recording", 75, {"url": host, "seconds": 60}),
    ]  # fmt: skip
    for n in order:
        kind, seconds, fields = steps[n]
        body = told(kind, at=office.after(seconds), **fields)
        for _repeat in range(2):
            assert deliver(office.line, office.secret, body).status_code == 200
        drain(seconds=5)
    call = Call.objects.get()
    assert (call.state, call.result, call.waited, call.talked) == ("ended", "answered", 10, 60)
    assert (call.agent, call.recording_url, call.number) == (office.agent, host, "+8613800138000")
    assert Ticket.objects.get() == call.ticket
    kinds = list(Event.objects.filter(kind__startswith="call.").values_list("kind", flat=True))
    assert sorted(kinds) == ["call.answered", "call.ended", "call.rang"]
    assert "13800138000" not in json.dumps([event.data for event in Event.objects.all()], default=str)


@pytest.mark.django_db(transaction=True)
def test_the_same_message_by_many_hands_is_one_call() -> None:
    office = Office()
    bodies = [
        told("ringing", at=office.start, extensions=["8001"]),
        told("answered", at=office.after(5), extension="8001"),
        told("ended", at=office.after(50), result="answered"),
    ]
    answers = at_once(*[lambda body=body: deliver(office.line, office.secret, body).status_code for body in bodies * 4])
    assert set(answers) == {200}
    while drain(seconds=5):
        pass
    assert PhoneEvent.objects.filter(state="applied").count() == 3
    call = Call.objects.get()
    assert (call.state, call.talked, call.version) == ("ended", 45, 3)
    assert Ticket.objects.count() == 1
    assert Event.objects.filter(kind="call.answered").count() == 1
