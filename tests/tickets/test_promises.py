"""Promises: one clock, kept or broken once, every illegal step refused."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, StaleEdit, TransitionNotAllowed
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.tickets import make_reply, make_ticket
from tests.factories.work import make_commitment
from tests.tickets.test_promise_words import SHOP_HOURS
from tests.tickets.test_races import at_once
from tickets.models import Commitment, HeldMessage, Message
from tickets.services import promises as services
from tickets.work_enums import PROMISE_TRANSITIONS, PromiseState

pytestmark = pytest.mark.django_db


def kinds(promise: Commitment) -> list[str]:
    return list(
        Event.objects.filter(subject_type="promise", subject_id=promise.pk)
        .order_by("id")
        .values_list("kind", flat=True)
    )


def act(name: str, promise: Commitment, at: datetime) -> Any:
    acts: dict[str, Any] = {
        "settle": lambda: services.settle_promise(promise_id=promise.pk, actor=SYSTEM, at=at),
        "withdraw": lambda: services.withdraw_promise(promise_id=promise.pk, actor=SYSTEM, at=at),
        "move": lambda: services.move_due_time(
            promise_id=promise.pk, due_at=at + timedelta(days=2), actor=SYSTEM, at=at
        ),
    }
    return acts[name]()


def in_state(state: str) -> Commitment:
    now = timezone.now()
    promise = make_commitment(make_ticket(), make_staff(), at=now - timedelta(hours=3), due_at=now + timedelta(hours=3))
    if state in {"overdue", "broken"}:
        Commitment.objects.filter(pk=promise.pk).update(
            due_at=now - timedelta(hours=1), warn_at=now - timedelta(hours=2)
        )
        services.break_promise(promise_id=promise.pk, round_=1, at=now)
    if state in {"kept", "broken"}:
        services.settle_promise(promise_id=promise.pk, actor=SYSTEM, at=now)
    if state == "withdrawn":
        services.withdraw_promise(promise_id=promise.pk, actor=SYSTEM, at=now)
    promise.refresh_from_db()
    assert promise.state == state
    return promise


LEGAL = {("open", "settle"): "kept", ("open", "withdraw"): "withdrawn", ("open", "move"): "open",
         ("overdue", "settle"): "broken"}  # fmt: skip


@pytest.mark.parametrize("name", ["settle", "withdraw", "move"])
@pytest.mark.parametrize("state", PromiseState.values)
def test_every_step_is_legal_or_refused(state: str, name: str) -> None:
    promise = in_state(state)
    expected = LEGAL.get((state, name))
    if expected is None:
        before = kinds(promise)
        with pytest.raises(TransitionNotAllowed):
            act(name, promise, timezone.now())
        promise.refresh_from_db()
        assert (promise.state, kinds(promise)) == (state, before)
    else:
        act(name, promise, timezone.now())
        promise.refresh_from_db()
        assert promise.state == expected


def test_the_table_names_every_state() -> None:
    assert set(PROMISE_TRANSITIONS) == set(PromiseState)


def test_a_breach_is_told_once_to_owner_agent_and_supervisor() -> None:
    team = make_team()
    supervisor = make_staff(roles=["supervisor"], teams=[team])
    owner, agent = make_staff(teams=[team]), make_staff(teams=[team])
    ticket = make_ticket()
    type(ticket).objects.filter(pk=ticket.pk).update(team=team, assignee=agent)
    now = timezone.now()
    promise = make_commitment(ticket, owner, at=now - timedelta(hours=9), due_at=now - timedelta(seconds=1))
    assert drain(seconds=20) >= 2
    promise.refresh_from_db()
    assert (promise.state, promise.broken_at) == ("overdue", promise.due_at)
    told = Notification.objects.filter(kind="promise.broken").values_list("staff_id", flat=True)
    assert sorted(told) == sorted([owner.pk, agent.pk, supervisor.pk])
    assert not services.break_promise(promise_id=promise.pk, round_=1, at=now)
    assert kinds(promise) == ["promise.made", "promise.warned", "promise.broken"]


def test_who_ticks_off_late_breaks_the_promise_before_the_clock_does() -> None:
    now = timezone.now()
    promise = make_commitment(
        make_ticket(), make_staff(), at=now - timedelta(hours=2), due_at=now - timedelta(minutes=1)
    )
    services.settle_promise(promise_id=promise.pk, actor=SYSTEM, at=now)
    promise.refresh_from_db()
    assert (promise.state, promise.broken_at is not None) == ("broken", True)
    assert kinds(promise) == ["promise.made", "promise.broken", "promise.settled"]
    assert not services.break_promise(promise_id=promise.pk, round_=1, at=now)


def test_another_time_agreed_silences_the_old_clock() -> None:
    now = timezone.now()
    promise = make_commitment(make_ticket(), make_staff(), at=now, due_at=now + timedelta(hours=1))
    services.move_due_time(promise_id=promise.pk, due_at=now + timedelta(days=3), actor=SYSTEM, at=now)
    assert not services.break_promise(promise_id=promise.pk, round_=1, at=now + timedelta(hours=2))
    assert sorted(Job.objects.filter(name=services.DUE_JOB).values_list("key", "state")) == [
        (f"{promise.pk}:1", "cancelled"), (f"{promise.pk}:2", "ready"),
    ]  # fmt: skip
    with pytest.raises(StaleEdit):
        services.settle_promise(promise_id=promise.pk, actor=SYSTEM, at=now, version=1)


def test_the_customer_is_told_in_a_normal_answer_once() -> None:
    staff, ticket = make_staff(), make_ticket()
    promise = make_commitment(ticket, staff)
    telling = services.Telling("退款已经办好。", uuid4())
    services.settle_promise(promise_id=promise.pk, actor=Actor.staff(staff), at=timezone.now(), telling=telling)
    promise.refresh_from_db()
    answers = Message.objects.filter(ticket=ticket, author_type="staff")
    assert [message.text for message in answers] == ["退款已经办好。"]
    assert (promise.state, promise.told) == ("kept", answers.get())
    assert Event.objects.get(kind="promise.kept").data["is_told"] is True


def test_one_message_and_kind_is_one_promise() -> None:
    staff, ticket = make_staff(), make_ticket()
    said = make_reply(ticket, staff, "周五前给您退款")
    one, two = (make_commitment(ticket, staff, message_id=said.pk) for _n in range(2))
    assert one == two
    other = make_ticket()
    with pytest.raises(InvalidInput):
        make_commitment(other, staff, message_id=said.pk)


@pytest.mark.parametrize(
    "fields", [{"kind": "moon"}, {"words": "  "}, {"due_at": timezone.now() - timedelta(days=1)},
               {"due_at": timezone.now() + timedelta(days=400)}, {"owner_id": 987654}]
)  # fmt: skip
def test_what_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        make_commitment(make_ticket(), make_staff(), **fields)


@pytest.mark.django_db(transaction=True)
def test_two_workers_break_a_promise_once() -> None:
    now = timezone.now()
    promise = make_commitment(
        make_ticket(), make_staff(), at=now - timedelta(hours=9), due_at=now - timedelta(seconds=1)
    )
    at_once(*[lambda: drain(seconds=6)] * 2)
    said = kinds(promise)  # a reminder that comes after the breach is left out
    assert (said[0], said.count("promise.broken"), said.count("promise.warned") <= 1) == ("promise.made", 1, True)


@pytest.mark.django_db(transaction=True)
def test_kept_and_broken_at_once_is_one_of_them() -> None:
    now = timezone.now()
    promise = make_commitment(
        make_ticket(), make_staff(), at=now - timedelta(hours=9), due_at=now + timedelta(seconds=30)
    )
    due_at = promise.due_at
    at_once(
        lambda: services.settle_promise(promise_id=promise.pk, actor=SYSTEM, at=now),
        lambda: services.break_promise(promise_id=promise.pk, round_=1, at=due_at),
    )
    promise.refresh_from_db()
    ends = [kind for kind in kinds(promise) if kind in {"promise.kept", "promise.broken", "promise.settled"}]
    assert ends in (["promise.kept"], ["promise.broken", "promise.settled"])


def test_the_panel_offers_what_was_said_and_keeps_it_with_one_click(client: Client) -> None:
    staff = make_staff()
    ticket = make_ticket()
    said = make_reply(ticket, staff, "您好，我们24小时内给您退款。")
    client.force_login(staff)
    url = f"/desk/t/{ticket.pk}/promises/"
    page = client.get(url).content.decode()
    assert "24小时内" in page
    due_at = timezone.localtime(said.at + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    answer = client.post(url, {"kind": "refund", "words": "退款", "due_at": due_at, "message": said.pk})
    assert answer.status_code == 302
    promise = Commitment.objects.get()
    assert (promise.message, promise.kind, promise.owner) == (said, "refund", staff)
    assert "24小时内" not in client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert client.get(f"/desk/promises/{promise.pk}/").status_code == 200
    form = {"version": promise.version, "client_id": str(uuid4()), "tell": "on", "text": "办好了"}
    assert client.post(f"/desk/promises/{promise.pk}/settle/", form).status_code == 302
    promise.refresh_from_db()
    assert (promise.state, promise.told is not None) == ("kept", True)


def test_a_form_that_fails_keeps_what_was_typed(client: Client) -> None:
    client.force_login(make_staff())
    answer = client.post(f"/desk/t/{make_ticket().pk}/promises/", {"kind": "refund", "words": "退款", "due_at": ""})
    assert answer.status_code == 422
    assert 'value="退款"' in answer.content.decode()


def test_a_sent_answer_is_kept_as_a_promise_after_a_look(client: Client) -> None:
    staff, ticket = make_staff(), make_ticket()
    said = make_reply(ticket, staff, "您好。我们48小时内给您退款。")
    client.force_login(staff)
    page = client.get(f"/desk/t/{ticket.pk}/").content.decode()
    assert f'data-promise-said="{said.pk}"' in page
    url = f"/desk/t/{ticket.pk}/promises/"
    dialog = client.post(f"{url}ask/", {"message": said.pk}).content.decode()
    due_at = (said.at + timedelta(hours=48)).astimezone(SHOP_HOURS.zone).strftime("%Y-%m-%dT%H:%M")
    assert "我们48小时内给您退款" in dialog
    assert due_at in dialog
    assert not Commitment.objects.exists()
    typed = {"kind": "refund", "words": "退款", "due_at": "", "message": said.pk}
    refused = client.post(f"{url}keep/", typed)
    assert (refused.status_code, 'value="退款"' in refused.content.decode()) == (422, True)
    assert client.post(f"{url}keep/", {**typed, "due_at": due_at}).status_code == 204
    assert Commitment.objects.get().message == said
    other = client.post(f"{url}keep/", {**typed, "due_at": "2027-01-01T10:00"})
    assert (other.status_code, Commitment.objects.count()) == (422, 1)
    again = client.post(f"{url}ask/", {"message": said.pk}).content.decode()
    assert f"/desk/promises/{Commitment.objects.get().pk}/" in again


def test_a_promise_goes_with_its_answer_and_not_before(client: Client) -> None:
    staff, ticket = make_staff(), make_ticket()
    client.force_login(staff)
    due_at = timezone.localtime(timezone.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    confirmed = client.post(
        f"/desk/t/{ticket.pk}/promises/with-answer/", {"kind": "refund", "words": "退款", "due_at": due_at}
    )
    chip = json.loads(confirmed["HX-Trigger"])["promiseSaid"]
    assert (chip["words"], chip["due_at"], Commitment.objects.exists()) == ("退款", due_at, False)
    answer = {f"promise-{name}": chip[name] for name in ("kind", "words", "due_at")}
    answer |= {"kind": "public", "text": "周五前给您退款", "client_id": str(uuid4())}
    assert client.post(f"/desk/t/{ticket.pk}/reply/", answer).status_code == 302
    held = HeldMessage.objects.get()
    assert not Commitment.objects.exists()
    back = client.post(f"/desk/t/{ticket.pk}/waiting/{held.pk}/back/", headers={"HX-Request": "true"})
    assert json.loads(back["HX-Trigger"])["heldBack"]["promise"]["words"] == "退款"
    answer["client_id"] = str(uuid4())
    client.post(f"/desk/t/{ticket.pk}/reply/", answer)
    client.post(f"/desk/t/{ticket.pk}/waiting/{HeldMessage.objects.latest('id').pk}/now/")
    drain(seconds=20)
    promise = Commitment.objects.get()
    assert promise.message == Message.objects.get(ticket=ticket, author_type="staff")
    assert (promise.words, promise.owner) == ("退款", staff)


def test_a_promise_due_before_its_answer_goes_is_refused(client: Client) -> None:
    staff, ticket = make_staff(), make_ticket()
    client.force_login(staff)
    now = timezone.localtime()
    answer = {
        "kind": "public", "text": "今天给您退款", "client_id": str(uuid4()), "send_at": "chosen",
        "send_at_chosen": (now + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"), "promise-kind": "refund",
        "promise-words": "退款", "promise-due_at": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip
    refused = client.post(f"/desk/t/{ticket.pk}/reply/", answer)
    assert (refused.status_code, "今天给您退款" in refused.content.decode()) == (422, True)
    assert not HeldMessage.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_a_bounded_number_of_questions(
    client: Client, django_assert_num_queries: Any, count: int
) -> None:
    staff = make_staff()
    for _n in range(count):
        make_commitment(make_ticket(), staff)
    client.force_login(staff)
    client.get("/desk/promises/")
    with django_assert_num_queries(QUERIES):
        page = client.get("/desk/promises/")
    assert page.content.decode().count('<td class="is-lead">') == count


QUERIES = 5
