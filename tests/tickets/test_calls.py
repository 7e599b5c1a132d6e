"""Phone calls: the signed door, one call whatever order its messages come in, tickets, wrap-up, call-backs."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Presence, Staff
from accounts.services import set_presence
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotAllowed, StaleEdit, TransitionNotAllowed
from core.jobs import drain
from core.models import Event
from core.registry import render_story
from customers.services import find_or_add_customer
from customers.services.erasing import erase_customer
from tests.factories.accounts import make_staff, make_team
from tests.factories.calls import SIGNATURE, TIMESTAMP, deliver, make_line, make_seat, told
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.factories.tickets import make_ticket
from tests.tickets.test_races import at_once
from tickets.calls_errors import BadCallMessage, CallBackTaken, CannotDial
from tickets.models import Call, CallBack, Commitment, Message, PhoneEvent, PhoneLine, PhonePlan, Ticket
from tickets.selectors.calls import LogFilter, call_log, cards_of, today_in_figures
from tickets.services.calls.call_backs import claim_call_back, note_try, release_call_back, solve_call_back
from tickets.services.calls.dialing import Target, dial
from tickets.services.calls.lines import renew_secret
from tickets.services.calls.plans import check_tree, save_plan
from tickets.services.calls.reading import read_message, recording_link, tell_call
from tickets.services.calls.signing import is_genuine, signature_of
from tickets.services.calls.wrapping import WrapUp, wrap_up_call

ROOT = Path(__file__).resolve().parents[2]


class Office:
    """A team with a line and an agent at her phone."""

    def __init__(self) -> None:
        self.team = make_team()
        self.line, self.secret = make_line(self.team)
        self.agent = make_staff(teams=[self.team])
        make_seat(self.agent, "8001")
        set_presence(staff_id=self.agent.pk, status="online", at=timezone.now())
        self.start = timezone.now() - timedelta(seconds=90)

    def after(self, seconds: int) -> datetime:
        return self.start + timedelta(seconds=seconds)

    def tell(self, kind: str, when: int, **fields: Any) -> Any:
        answer = deliver(self.line, self.secret, told(kind, at=self.after(when), **fields))
        assert answer.status_code == 200, answer.content
        drain(seconds=5)
        return answer

    def ring(self, **fields: Any) -> Call:
        self.tell("ringing", 0, extensions=["8001"], **fields)
        return Call.objects.latest("pk")

    def whole_call(self, **fields: Any) -> Call:
        call = self.ring(**fields)
        self.tell("answered", 10, extension="8001", **fields)
        self.tell("ended", 70, result="answered", **fields)
        call.refresh_from_db()
        return call

    def missed(self, **fields: Any) -> CallBack:
        self.tell("ringing", 0, extensions=["8001"], **fields)
        self.tell("ended", 30, result="abandoned", **fields)
        return CallBack.objects.latest("pk")


@pytest.fixture
def office(db: None) -> Office:
    return Office()


# ---- the door -----------------------------------------------------------------------------------------------------


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


WRONG = [
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


# ---- one call, in whatever order ----------------------------------------------------------------------------------

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


# ---- the agent's work ---------------------------------------------------------------------------------------------


def test_a_ring_is_applied_at_once_and_shows_whom(office: Office) -> None:
    shop = make_shop()
    order = make_order(shop=shop, phone="13800138000")
    parcel = make_parcel(order)
    waiting = make_ticket(customer=order.customer, subject="杯子有裂纹", team_id=office.team.pk)
    answer = deliver(
        office.line, office.secret, told("ringing", at=timezone.now(), extensions=["8001"], number="138 0013 8000")
    )
    assert answer.status_code == 200
    (card,) = cards_of(office.agent, timezone.now())  # without any worker
    assert (card.phase, card.call.customer, card.order, card.parcel) == ("ringing", order.customer, order, parcel)
    assert card.tickets == [waiting]
    client = Client()
    client.force_login(office.agent)
    page = client.get("/desk/calls/cards/").content.decode()
    assert "138****8000" in page
    assert "13800138000" not in page
    client.force_login(make_staff(teams=[office.team]))
    assert "138****8000" not in client.get("/desk/calls/cards/").content.decode()


def test_an_answered_call_has_a_ticket_and_an_agent_who_is_busy(office: Office) -> None:
    call = office.ring()
    office.tell("answered", 10, extension="8001")
    call.refresh_from_db()
    ticket = call.ticket
    assert ticket is not None
    assert (ticket.channel, ticket.status, ticket.assignee, ticket.team) == ("phone", "open", office.agent, office.team)
    assert ticket.first_response_at is not None
    assert ticket.customer == call.customer
    assert Presence.objects.get(pk=office.agent.pk).status == "busy"
    office.tell("ended", 70, result="answered")
    assert Presence.objects.get(pk=office.agent.pk).status == "busy", "until it is wrapped up"


def test_wrapping_up_writes_the_note_and_frees_the_agent(office: Office) -> None:
    call = office.whole_call()
    now = timezone.now()
    told_ = WrapUp(
        disposition="follow_up", note="客户要换新杯子", status="waiting_customer",
        call_back_at=now + timedelta(hours=2), promise_kind="replacement", promise_words="补发杯子",
        promise_due_at=now + timedelta(days=1),
    )  # fmt: skip
    actor = Actor.staff(office.agent)
    for _twice in range(2):
        wrap_up_call(call_id=call.pk, wrap_up=told_, actor=actor, at=now)
    notes = Message.objects.filter(ticket=call.ticket, text="客户要换新杯子")
    assert [note.kind for note in notes] == ["note"]
    assert Presence.objects.get(pk=office.agent.pk).status == "online"
    assert Commitment.objects.get().words == "补发杯子"
    assert CallBack.objects.get().reason == "asked"
    fact = Event.objects.get(kind="call.wrapped_up").data
    assert (fact["disposition"], fact["talked"], fact["waited"]) == ("follow_up", 60, 10)
    assert fact["wrapped"] >= 0
    with pytest.raises(NotAllowed):
        wrap_up_call(call_id=call.pk, wrap_up=told_, actor=Actor.staff(make_staff()), at=now)


def test_a_wrap_up_that_says_nothing_is_shown_again(office: Office) -> None:
    call = office.whole_call()
    client = Client()
    client.force_login(office.agent)
    answer = client.post(f"/desk/calls/{call.pk}/wrap-up/", {"note": "半句话", "promise_words": "x"})
    assert answer.status_code == 422
    assert "半句话" in answer.content.decode()
    client.force_login(make_staff(teams=[office.team]))
    assert client.get(f"/desk/calls/{call.pk}/wrap-up/").status_code == 403


def test_a_second_call_about_the_same_goes_into_the_same_ticket(office: Office) -> None:
    first = office.whole_call(call="c1")
    second = office.whole_call(call="c2")
    assert first.ticket_id == second.ticket_id
    assert Ticket.objects.count() == 1


def test_an_agent_joins_the_ticket_the_call_is_about(office: Office) -> None:
    customer = find_or_add_customer(phone="13800138000", source="form", actor=SYSTEM, at=timezone.now(), name="陈静怡")
    mail = make_ticket(customer=customer, channel="email", team_id=office.team.pk)
    others = make_ticket(team_id=office.team.pk)
    call = office.ring()
    client = Client()
    client.force_login(office.agent)
    assert client.post(f"/desk/calls/{call.pk}/join/", {"ticket": others.pk}).status_code == 403
    assert client.post(f"/desk/calls/{call.pk}/join/", {"ticket": mail.pk}).status_code == 302
    office.tell("answered", 10, extension="8001")
    call.refresh_from_db()
    mail.refresh_from_db()
    assert call.ticket == mail
    assert (mail.status, mail.assignee) == ("open", office.agent)
    assert client.post(f"/desk/calls/{call.pk}/join/", {}).status_code == 302  # about something else after all
    call.refresh_from_db()
    assert call.ticket_id not in {None, mail.pk, others.pk}


def test_a_call_reads_as_one_line_with_its_way_and_recording(office: Office) -> None:
    save_plan(line_id=office.line.pk, version=0, tree=_tree(office.team.pk), actor=SYSTEM, at=timezone.now())
    office.tell("ivr", 1, keys=["1"], plan=1)
    call = office.whole_call()
    office.tell("recording", 75, url="https://tapes.example.com/a.mp3", seconds=60)
    events = list(Event.objects.filter(ticket_id=call.ticket_id, kind__startswith="call.").order_by("pk"))
    lines = [line.html for _event, line in render_story(events, office.agent)]
    assert len(lines) == 1
    assert "售前咨询" in lines[0]
    assert f"/desk/calls/{call.pk}/recording/" in lines[0]
    junior = make_staff(roles=["agent_junior"], teams=[office.team])
    assert "recording" not in render_story(events, junior)[0][1].html
    client = Client()
    client.force_login(junior)
    assert client.get(f"/desk/calls/{call.pk}/recording/").status_code == 403
    client.force_login(office.agent)
    answer = client.get(f"/desk/calls/{call.pk}/recording/")
    assert (answer.status_code, answer["Location"]) == (302, "https://tapes.example.com/a.mp3")
    client.force_login(make_staff(teams=[make_team()]))
    assert client.get(f"/desk/calls/{call.pk}/recording/").status_code == 404


# ---- call-backs ---------------------------------------------------------------------------------------------------


def test_a_missed_call_is_owed_once_a_number_and_done_when_they_are_spoken_to(office: Office) -> None:
    entry = office.missed(call="m1")
    assert (entry.reason, entry.waited_seconds, entry.state) == ("abandoned", 30, "open")
    assert entry.due_at >= entry.owed_at + timedelta(minutes=60)
    again = office.missed(call="m2")
    assert (again.pk, again.missed_count) == (entry.pk, 2)
    office.start += timedelta(seconds=5)
    call = office.whole_call(call="m3")
    entry.refresh_from_db()
    assert (entry.state, entry.end, entry.solving_call) == ("solved", "reached", call)
    office.start -= timedelta(seconds=60)
    office.tell("ended", 8, call="m0", result="missed")  # told late, about a call before they were spoken to
    assert CallBack.objects.count() == 1


def test_a_withheld_number_is_missed_and_cannot_be_called_back(office: Office) -> None:
    office.tell("ended", 30, number=None, result="missed")
    assert not CallBack.objects.exists()
    assert Event.objects.filter(kind="call.missed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_agents_one_gets_the_call_back() -> None:
    office = Office()
    entry = office.missed()
    people = [make_staff(teams=[office.team]) for _n in range(4)]

    def claim(person: Staff) -> str:
        try:
            claim_call_back(call_back_id=entry.pk, staff_id=person.pk, at=timezone.now())
        except CallBackTaken:
            return "taken"
        return "mine"

    assert sorted(at_once(*[lambda person=person: claim(person) for person in people])) == ["mine"] + ["taken"] * 3


def test_a_call_back_in_hand_is_tried_released_and_solved_by_its_holder(office: Office) -> None:
    entry, now = office.missed(), timezone.now()
    mine = {"call_back_id": entry.pk, "staff_id": office.agent.pk, "at": now}
    theirs = {**mine, "staff_id": make_staff().pk}
    claim_call_back(**mine)
    for act in (note_try, release_call_back):
        with pytest.raises(CallBackTaken):
            act(**theirs)
    assert note_try(**mine).tries == 1
    late = now + timedelta(minutes=31)
    assert claim_call_back(**{**theirs, "at": late}).claimed_by_id == theirs["staff_id"], "a claim lapses"
    with pytest.raises(InvalidInput):
        solve_call_back(**{**theirs, "at": late}, end="nonsense")
    solve_call_back(**{**theirs, "at": late}, end="unreachable")
    with pytest.raises(TransitionNotAllowed):
        claim_call_back(**mine)


# ---- privacy ------------------------------------------------------------------------------------------------------


def test_an_erased_customer_is_gone_from_calls(office: Office) -> None:
    call = office.whole_call()
    office.tell("recording", 75, url="https://tapes.example.com/a.mp3")
    office.start += timedelta(seconds=20)
    office.missed(call="m9")
    assert call.customer_id is not None
    erase_customer(customer_id=call.customer_id, reason="asked", actor=SYSTEM, at=timezone.now())
    for row in Call.objects.all():
        assert (row.number_enc, row.number_index, row.last4_index, row.recording_enc) == (None, None, None, None)
    assert not PhoneEvent.objects.filter(body_enc__isnull=False).exists()
    assert set(CallBack.objects.values_list("state", flat=True)) <= {"solved"}


# ---- the menu -----------------------------------------------------------------------------------------------------


def _tree(team: int, **changes: Any) -> dict[str, Any]:
    menu = {"id": "m1", "zh": "您好，请选择", "en": "Hello, please choose", "options": [
        {"key": "1", "zh": "售前咨询", "en": "Before buying", "kind": "team", "team": team},
        {"key": "2", "zh": "售后", "en": "After buying", "kind": "menu", "menu": "m2"},
        {"key": "0", "zh": "回电", "en": "Call me back", "kind": "call_back"},
    ]}  # fmt: skip
    sub = {"id": "m2", "zh": "售后服务", "en": "After-sales", "options": [
        {"key": "1", "zh": "退货", "en": "Returns", "kind": "team", "team": team},
        {"key": "2", "zh": "地址", "en": "Address", "kind": "message", "say_zh": "杭州市", "say_en": "Hangzhou"},
    ]}  # fmt: skip
    return {"menus": [menu, sub], "queues": [], "closed": {"zh": "关", "en": "closed"}, **changes}


def _is_refused(tree: dict[str, Any], teams: dict[int, str]) -> bool:
    try:
        check_tree(tree, teams)
    except InvalidInput as refused:
        return bool(refused.fields["plan"])
    return False


def test_a_menu_must_lead_everyone_somewhere() -> None:
    teams = {3: "售前", 5: "售后"}
    assert check_tree(_tree(3), teams)["root"] == "m1"
    bad: list[tuple[str, dict[str, Any]]] = []
    for path, value in [
        (("menus", 0, "options", 0, "team"), 99), (("menus", 0, "options", 1, "menu"), "m9"),
        (("menus", 0, "options", 1, "key"), "1"), (("menus", 0, "options", 1, "key"), "x"),
        (("menus", 0, "options", 1), {"key": "2", "zh": "a", "en": "b", "kind": "call_back"}),  # m2 unreachable
        (("menus", 1, "options", 0), {"key": "1", "zh": "a", "en": "b", "kind": "menu", "menu": "m1"}),  # a circle
        (("menus", 1, "options", 0), {"key": "1", "zh": "a", "en": "b", "kind": "menu", "menu": "m2"}),
        (("menus", 1, "options", 1, "say_en"), ""), (("menus", 1, "options"), []), (("menus", 1, "en"), ""),
        (("menus", 1, "id"), "m1"),
    ]:  # fmt: skip
        tree: Any = _tree(3)
        place = tree
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        bad.append((str(path), tree))
    around = [
        {"team": 3, "strategy": "ring_all", "overflow_after": 30, "overflow": "team", "overflow_team": 5},
        {"team": 5, "strategy": "ring_all", "overflow_after": 30, "overflow": "team", "overflow_team": 3},
    ]
    bad += [("overflow circle", _tree(3, queues=around)), ("twice", _tree(3, queues=[{"team": 3}, {"team": 3}]))]
    bad += [("at once", _tree(3, queues=[{"team": 3, "overflow": "call_back", "overflow_after": 1}]))]
    for name, tree in bad:
        assert _is_refused(tree, teams), name


def test_the_plan_is_served_signed_with_a_tag(office: Office) -> None:
    tree = _tree(office.team.pk, queues=[
        {"team": office.team.pk, "strategy": "ring_all", "overflow": "call_back", "overflow_after": 45}
    ])  # fmt: skip
    save_plan(line_id=office.line.pk, version=0, tree=tree, actor=SYSTEM, at=timezone.now())
    with pytest.raises(StaleEdit):
        save_plan(line_id=office.line.pk, version=0, tree=_tree(office.team.pk), actor=SYSTEM, at=timezone.now())
    path = f"/hooks/phone/{office.line.key}/plan/"
    stamp = str(int(timezone.now().timestamp()))
    headers = {TIMESTAMP: stamp, SIGNATURE: signature_of(office.secret, stamp, b"")}
    assert Client().get(path).status_code == 401
    answer = Client().get(path, headers=headers)
    plan = answer.json()
    assert plan["menu"]["options"][1]["menu"]["options"][1]["say"] == {"zh": "杭州市", "en": "Hangzhou"}
    (queue,) = plan["queues"]
    assert queue["seats"] == [{"extension": "8001", "free": True}]
    assert (queue["overflow_after"], queue["overflow"]) == (45, {"do": "call_back"})
    assert Client().get(path, headers={**headers, "If-None-Match": answer["ETag"]}).status_code == 304
    office.ring()
    office.tell("answered", 10, extension="8001")
    assert Client().get(path, headers=headers).json()["queues"][0]["seats"][0]["free"] is False


def test_the_menu_is_edited_on_its_page(office: Office) -> None:
    client = Client()
    client.force_login(make_staff(roles=["supervisor"], teams=[office.team]))
    path = f"/settings/phone/{office.line.pk}/menu/"
    fields = {
        "version": "0", "menu-0-id": "m1", "menu-0-zh": "您好", "menu-0-en": "Hello", "menu-0-0-key": "1",
        "menu-0-0-zh": "售后", "menu-0-0-en": "Service", "menu-0-0-to": f"team:{office.team.pk}",
        "closed-zh": "关", "closed-en": "closed", f"queue-{office.team.pk}-strategy": "ring_all",
        f"queue-{office.team.pk}-after": "", f"queue-{office.team.pk}-overflow": "",
    }  # fmt: skip
    assert 'value="m2"' in client.post(path, {**fields, "add": "1"}).content.decode()
    assert client.post(path, {**fields, "menu-0-0-to": "menu:m9"}).status_code == 422
    assert client.post(path, fields).status_code == 302
    assert client.post(path, {**fields, "menu-0-zh": "别的"}).status_code == 409
    assert PhonePlan.objects.get().version == 1


# ---- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tab", ["log", "backs"])
def test_the_live_page_takes_as_many_statements_with_one_row_as_with_three(office: Office, tab: str) -> None:
    client = Client()
    client.force_login(office.agent)
    client.get(f"/desk/calls/?tab={tab}")
    counts = []
    for n in itertools.count(1):
        office.whole_call(call=f"t{n}", number=f"1390013900{n}")
        office.missed(call=f"x{n}", number=f"1380013800{n}")
        if n in {1, 3}:
            with CaptureQueriesContext(connection) as seen:
                assert client.get(f"/desk/calls/?tab={tab}").status_code == 200
            counts.append(len(seen))
        if n == 3:
            break
    assert counts[0] == counts[1]
    assert counts[0] <= 18


def test_the_log_is_searched_by_number_and_paged(office: Office) -> None:
    first = office.whole_call(call="a", number="13900139000")
    second = office.whole_call(call="b", number="13800138001")
    log = lambda **wanted: call_log(office.agent, LogFilter(**wanted), since=office.start - timedelta(days=1))[0]  # noqa: E731
    assert log(number="139 0013 9000") == [first]
    assert log(number="8001") == [second]
    assert log(number="00") == []
    assert log(before=(second.started_at, second.pk)) == [first]
    assert log(result="missed") == []
    figures = today_in_figures(office.agent, since=office.start - timedelta(days=1))
    assert (figures["total"], figures["answered_share"], figures["longest"]) == (2, 1.0, timedelta(seconds=10))


def test_a_team_sees_its_own_calls_only(office: Office) -> None:
    call, entry = office.whole_call(), None
    entry = office.missed(call="m1", number="13900139001")
    client = Client()
    client.force_login(make_staff(teams=[make_team()]))
    assert call.masked not in client.get("/desk/calls/").content.decode()
    for path in (f"/desk/calls/{call.pk}/join/", f"/desk/calls/back/{entry.pk}/claim/"):
        assert client.post(path).status_code == 404
    assert client.post("/desk/calls/dial/", {"call": call.pk}).status_code == 404


def test_nobody_without_a_phone_calls_by_click(office: Office) -> None:
    call = office.whole_call()
    with pytest.raises(CannotDial) as refused:
        dial(target=Target(call_id=call.pk), staff_id=make_staff().pk, at=timezone.now())
    assert refused.value.code == "no_seat"
    with pytest.raises(CannotDial) as refused:
        dial(target=Target(call_id=call.pk), staff_id=office.agent.pk, at=timezone.now())
    assert refused.value.code == "no_line"
