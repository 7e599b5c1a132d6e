"""Phone calls at the desk: cards, tickets, wrap-up, call-backs, pages, privacy."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Presence, Staff
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotAllowed, TransitionNotAllowed
from core.models import Event
from core.registry import render_story
from customers.services import find_or_add_customer
from customers.services.erasing import erase_customer
from tests.factories.accounts import make_staff, make_team
from tests.factories.calls import Office, deliver, make_tree, told
from tests.factories.orders import make_order, make_parcel, make_shop
from tests.factories.tickets import make_ticket
from tests.tickets.test_races import at_once
from tickets.calls_errors import CallBackTaken, CannotDial
from tickets.models import Call, CallBack, Commitment, Message, PhoneEvent, Ticket
from tickets.selectors.calls import LogFilter, call_log, cards_of, number_key, today_in_figures
from tickets.services.calls.call_backs import claim_call_back, note_try, release_call_back, solve_call_back
from tickets.services.calls.dialing import Target, dial
from tickets.services.calls.plans import save_plan
from tickets.services.calls.wrapping import WrapUp, wrap_up_call


@pytest.fixture
def office(db: None) -> Office:
    return Office()


# ---- the agent's work ----------------------------------------------------------------------------------------------


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
    save_plan(line_id=office.line.pk, version=0, tree=make_tree(office.team.pk), actor=SYSTEM, at=timezone.now())
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


# ---- call-backs ----------------------------------------------------------------------------------------------------


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


# ---- privacy -------------------------------------------------------------------------------------------------------


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
    before = Call.objects.values().get(pk=call.pk)
    office.tell("recording", 90, url="https://tapes.example.com/late.mp3", number="13800138000")
    assert Call.objects.values().get(pk=call.pk) == before
    assert not PhoneEvent.objects.filter(body_enc__isnull=False).exists()
    assert set(CallBack.objects.values_list("state", flat=True)) <= {"solved"}


# ---- pages ---------------------------------------------------------------------------------------------------------


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
    assert log(key=number_key("139 0013 9000")) == [first]
    assert log(key=number_key("8001")) == [second]
    assert log(key=number_key("这不是")) == []
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


def test_a_number_no_public_phone_has_is_kept_as_it_is(office: Office) -> None:
    call = office.whole_call(number="10086")
    assert (call.number, call.masked, call.customer) == ("10086", "***86", None)
    assert call.ticket is not None
