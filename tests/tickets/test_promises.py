"""Promises: due times read from words, one clock, kept or broken once, every illegal step refused."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Notification
from core.actors import SYSTEM, Actor
from core.calendar import ALL_DAY, BusinessCalendar, DayKind, DayRule, Window
from core.errors import InvalidInput, StaleEdit, TransitionNotAllowed
from core.jobs import drain
from core.models import Event, Job
from tests.factories.accounts import make_staff, make_team
from tests.factories.tickets import make_reply, make_ticket
from tests.factories.work import make_commitment
from tests.tickets.test_races import at_once
from tickets.models import Commitment, HeldMessage, Message
from tickets.promise_words import end_of_day, find_promise, working_day
from tickets.selectors.promises import propose_promise
from tickets.services import promises as services
from tickets.work_enums import PROMISE_TRANSITIONS, PromiseState

pytestmark = pytest.mark.django_db
SHOP_HOURS = BusinessCalendar("Asia/Shanghai", ((Window(9 * 60, 18 * 60),),) * 5 + ((), ()))
# 2026-11-18 is a Wednesday; 10:00 in Shanghai
WEDNESDAY = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHOP_HOURS.zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("words", "kind", "due"),
    [
        ("您好，我们周五前给您退款。", "refund", "2026-11-20T18:00"),
        ("周五之前补发一个新的", "replacement", "2026-11-20T18:00"),
        ("下周三给您回电", "call", "2026-11-25T18:00"),
        ("24小时内给您答复", "answer", "2026-11-19T10:00"),
        ("两小时内回复您", "answer", "2026-11-18T12:00"),
        ("3个工作日内退款到账", "refund", "2026-11-23T18:00"),
        ("三天内发货", "shipping", "2026-11-20T18:00"),
        ("明天下午3点前给您回电", "call", "2026-11-19T15:00"),
        ("今天下班前给您结果", "answer", "2026-11-18T18:00"),
        ("12月3日前完成赔付", "compensation", "2026-12-03T18:00"),
        ("25号前发货", "shipping", "2026-11-25T18:00"),
        ("周六前给您退款", "refund", "2026-11-20T18:00"),
        ("We will refund you by Friday.", "refund", "2026-11-20T18:00"),
        ("You will get a replacement by next Monday.", "replacement", "2026-11-23T18:00"),
        ("I will get back to you within 24 hours.", "answer", "2026-11-19T10:00"),
        ("We ship in two business days", "shipping", "2026-11-20T18:00"),
        ("The refund is done by 3 December", "refund", "2026-12-03T18:00"),
        ("I call you tomorrow at 3 pm", "call", "2026-11-19T15:00"),
        ("This is done by tomorrow.", "other", "2026-11-19T18:00"),
        ("四十八小时内给您答复", "answer", "2026-11-20T10:00"),
        ("48h内回复", "answer", "2026-11-20T10:00"),
        ("半小时内给您回电", "call", "2026-11-18T10:30"),
        ("十五天内退款", "refund", "2026-12-03T18:00"),
        ("一周内补发", "replacement", "2026-11-25T18:00"),
        ("本周内给您结果", "answer", "2026-11-20T18:00"),
        ("下周内退款", "refund", "2026-11-27T18:00"),
        ("月底前退款", "refund", "2026-11-30T18:00"),
        ("We refund within a week", "refund", "2026-11-25T18:00"),
        ("By end of day I will call you", "call", "2026-11-18T18:00"),
        ("The refund is there by the end of the week", "refund", "2026-11-20T18:00"),
        ("It ships by the end of this month", "shipping", "2026-11-30T18:00"),
    ],
)
def test_dates_in_words_are_read(words: str, kind: str, due: str) -> None:
    found = find_promise(words, at=WEDNESDAY, calendar=SHOP_HOURS)
    assert found is not None
    assert (found.kind, found.due_at) == (kind, local(due))


@pytest.mark.parametrize(
    "words",
    [
        "谢谢您的耐心。",
        "您周五下的订单已经签收。",
        "Your order of Monday has arrived.",
        "13月45日前退款",
        "",
        "请看 2026 年款式",
        "您上月底买的杯子",
    ],
)
def test_other_words_promise_nothing(words: str) -> None:
    assert find_promise(words, at=WEDNESDAY, calendar=SHOP_HOURS) is None


@pytest.mark.parametrize(
    ("words", "kind", "due", "kept"),
    [
        ("您好！明天。谢谢", "other", "2026-11-19T18:00", "明天"),
        ("收到了。我们周五前给您退款，请放心。再见", "refund", "2026-11-20T18:00", "我们周五前给您退款，请放心"),
        ("Sorry. We refund you by Friday. Bye.", "refund", "2026-11-20T18:00", "We refund you by Friday"),
        ("We call you tomorrow at 3 pm", "call", "2026-11-19T15:00", "We call you tomorrow at 3 pm"),
        ("我们给您退款", "refund", "2026-11-19T18:00", "我们给您退款"),
        ("好的", "answer", "2026-11-19T18:00", "好的"),
    ],
)
def test_what_somebody_calls_a_promise_gets_a_date(words: str, kind: str, due: str, kept: str) -> None:
    found = propose_promise(words, said_at=WEDNESDAY, now=WEDNESDAY, calendar=SHOP_HOURS)
    assert (found.kind, found.due_at, found.words) == (kind, local(due), kept)


def test_a_date_said_and_gone_is_not_proposed() -> None:
    later = WEDNESDAY + timedelta(days=5)  # Monday, long after that Friday
    found = propose_promise("周五前退款", said_at=WEDNESDAY, now=later, calendar=SHOP_HOURS)
    assert (found.due_at, found.phrase) == (local("2026-11-24T18:00"), "")


ZONES = ["UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "America/Santiago", "Australia/Lord_Howe",
         "Asia/Kathmandu", "Pacific/Chatham"]  # fmt: skip
windows = st.lists(st.tuples(st.integers(0, 1439), st.integers(1, 1440)), max_size=1).map(
    lambda pairs: tuple(Window(start, start + length) for start, length in pairs)
)
calendars = st.builds(
    lambda tz, week, closed: BusinessCalendar(
        tz, tuple(week), tuple((date(2026, 10, day), DayRule(DayKind.CLOSED)) for day in sorted(closed))
    ),
    st.sampled_from(ZONES),
    st.lists(st.one_of(windows, st.just(ALL_DAY)), min_size=7, max_size=7),
    st.sets(st.integers(1, 31), max_size=6),
)
moments = st.integers(0, 57_000_000).map(lambda seconds: datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=seconds))


@given(calendar=calendars, at=moments, ahead=st.integers(0, 40))
def test_the_end_of_a_day_lies_ahead_and_not_after_that_day(calendar: Any, at: datetime, ahead: int) -> None:
    day = at.astimezone(calendar.zone).date() + timedelta(days=ahead)
    due_at = end_of_day(calendar, day, at)
    assert due_at > at
    assert due_at.astimezone(calendar.zone).date() <= day or due_at <= at + timedelta(minutes=1)
    spans = calendar.open_spans(day)
    if ahead and spans and due_at.astimezone(calendar.zone).date() == day:
        assert due_at.astimezone(calendar.zone).hour <= 23


@given(calendar=calendars, at=moments, count=st.integers(1, 10))
def test_working_days_are_counted_forward(calendar: Any, at: datetime, count: int) -> None:
    day = at.astimezone(calendar.zone).date()
    found = working_day(calendar, day, count)
    between = [day + timedelta(days=n) for n in range(1, (found - day).days + 1)]
    if any(calendar.rule_on(one).windows for one in between):
        assert sum(bool(calendar.rule_on(one).windows) for one in between) == count
        assert calendar.rule_on(found).windows
    else:
        assert found == day + timedelta(days=count)


PHRASES = st.sampled_from(
    ["周五前退款", "今天给您回复", "明天下午3点前回电", "24小时内答复", "3个工作日内退款", "by Friday we refund",
     "within 2 days", "refund by tomorrow", "下周日前补发", "30号前退款"]
)  # fmt: skip


@given(calendar=calendars, at=moments, words=PHRASES)
def test_a_promise_found_is_always_due_ahead(calendar: Any, at: datetime, words: str) -> None:
    found = find_promise(words, at=at, calendar=calendar)
    assert found is not None
    assert at < found.due_at <= at + timedelta(days=120)
    assert at <= services.warning_time(at, found.due_at) <= found.due_at


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
