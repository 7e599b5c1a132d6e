"""Whatever happens to a ticket, its clocks are those its events say; and calendars' arithmetic holds in eight zones."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.actors import SYSTEM, Actor
from core.calendar import BusinessCalendar, DayKind, DayRule, DeadlineUnreachable, Window, due, elapsed
from core.errors import DomainError
from core.models import Event, Job
from tests.factories.accounts import make_staff
from tests.factories.calendars import make_calendar
from tests.factories.tickets import make_ticket
from tickets import services
from tickets.enums import TicketStatus
from tickets.models import SlaClock, SlaPolicy
from tickets.services.clocks import DUE_JOB
from tickets.services.sla.acting import act_on_due
from tickets.services.sla.rebuilding import differences

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ZONES = (
    "Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata",
    "Pacific/Apia", "Africa/Casablanca",
)  # fmt: skip


@st.composite
def calendars(draw):
    """Draw a calendar with one or two windows a day, night shifts, closed dates and make-up days."""

    def day():
        start = draw(st.integers(0, 1300))
        first = Window(start, draw(st.integers(start + 1, min(start + 700, 1439))))
        if draw(st.booleans()) or first.end > 1400:
            return (first,)
        begins = draw(st.integers(first.end, 1438))
        return (first, Window(begins, draw(st.integers(begins + 1, begins + 500))))

    weekly = tuple(day() if draw(st.integers(0, 4)) else () for _ in range(7))
    assume(any(weekly))
    dates = draw(
        st.lists(st.dates(AT.date() - timedelta(days=20), AT.date() + timedelta(days=60)), unique=True, max_size=5)
    )
    rules = tuple(
        (
            on,
            DayRule(DayKind.CLOSED)
            if draw(st.booleans())
            else DayRule(DayKind.MAKEUP, follows=draw(st.integers(0, 6))),
        )
        for on in sorted(dates)
    )
    return BusinessCalendar(draw(st.sampled_from(ZONES)), weekly, rules)


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001


@settings(max_examples=300, deadline=None)
@given(calendar=calendars(), start=MOMENTS, seconds=st.integers(1, 60 * 60 * 120), data=st.data())
def test_elapsed_until_due_is_the_target_in_any_calendar(calendar, start, seconds, data):
    target = timedelta(seconds=seconds)
    pauses, at = [], start
    for _ in range(data.draw(st.integers(0, 3))):
        since = at + timedelta(minutes=data.draw(st.integers(0, 3000)))
        at = since + timedelta(minutes=data.draw(st.integers(0, 5000)))
        pauses.append((since, at))
    try:
        found = due(calendar, start, target, pauses)
    except DeadlineUnreachable:
        assume(False)
    assert elapsed(calendar, start, found, pauses) == target
    assert elapsed(calendar, start, found - timedelta(microseconds=1), pauses) < target


STEP = st.tuples(
    st.sampled_from(
        ["customer", "customer", "reply", "reply", "note", "status", "status", "priority", "spam", "close", "tick"]
    ),
    st.sampled_from(TicketStatus.values),
    st.integers(-600, 90_000),
)


def play(ticket, staff, steps):
    """Do one thing after the other; refusals are fine, times may run backwards, due rows are done or left."""
    at, actor = AT, Actor.staff(staff)
    for number, (what, status, seconds) in enumerate(steps):
        at += timedelta(seconds=seconds)
        same, client_id = {"ticket_id": ticket.pk, "at": at}, UUID(int=number)
        try:
            if what == "customer":
                customer = Actor.customer(ticket.customer_id)
                services.add_customer_message(text="还有", channel="form", client_id=client_id, actor=customer, **same)
            elif what == "reply":
                then = status if status != "new" else None
                services.reply_to_ticket(text="好的", client_id=client_id, then_status=then, actor=actor, **same)
            elif what == "note":
                services.add_note(text="内部", client_id=client_id, actor=actor, **same)
            elif what == "status":
                services.change_status(status=status, actor=actor, **same)
            elif what == "priority":
                services.set_priority(priority=40 if seconds % 2 else 20, actor=actor, **same)
            elif what == "spam":
                services.mark_spam(is_spam=bool(seconds % 2), actor=actor, **same)
            elif what == "tick":
                run_due(at)
            else:
                ticket.refresh_from_db()
                services.close_resolved_ticket(ticket_id=ticket.pk, round_=ticket.reopen_count, at=at)
        except DomainError:
            pass
    ticket.refresh_from_db()
    return at


def run_due(at):
    """Do what is owed by a moment, oldest first, as a worker would."""
    for job in Job.objects.filter(name=DUE_JOB, state="ready", due_at__lt=at).order_by("due_at", "id"):
        act_on_due(**job.payload, at=at)
        Job.objects.filter(pk=job.pk).update(state="done", done_at=at)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("terms", ["plain", "office", "night"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=16), spam=st.booleans())
def test_any_sequence_leaves_the_clocks_the_events_say(terms, steps, spam):
    staff = make_staff()
    if not SlaPolicy.objects.filter(name="急").exists():
        calendar = None
        if terms == "office":
            calendar = make_calendar(name="白班")
        if terms == "night":
            week = [[["22:00", "06:00"], ["12:00", "14:00"]]] * 7
            calendar = make_calendar(name="夜班", timezone="Europe/London", weekly=week)
        SlaPolicy.objects.update(
            is_business_time=calendar is not None,
            calendar_id=calendar.pk if calendar else None,
            pauses_for_department=terms != "plain",
        )
        SlaPolicy.objects.create(
            name="急", priorities=[40], first_response_minutes=30, next_response_minutes=45, resolution_minutes=600,
        )  # fmt: skip
    ticket = make_ticket(at=AT, is_spam=spam)
    at = play(ticket, staff, steps)
    assert differences(ticket, at=at) == []
    rows = list(SlaClock.objects.filter(ticket=ticket))
    running = [row for row in rows if row.state == "running"]
    assert ticket.next_due_at == min((row.due_at for row in running if row.due_at), default=None)
    owed = {
        job.payload["clock_id"] for job in Job.objects.filter(name=DUE_JOB, state="ready", payload__ticket_id=ticket.pk)
    }
    assert owed == {row.pk for row in running if row.breached_at is None}
    for row in rows:
        if row.state == "met":
            assert (row.breached_at is not None) == (row.met_at > row.due_at)
        assert row.breached_at in {None, row.due_at}
    missed = Event.objects.filter(ticket_id=ticket.pk, kind="clock.breached").values_list("subject_id", "at")
    assert len(set(missed)) == len(missed)
    assert {row.pk for row in rows if row.breached_at} <= {pk for pk, _at in missed}


@pytest.mark.django_db
def test_repeated_moves_at_one_moment_leave_sound_clocks():
    ticket = make_ticket(at=AT)
    for status in (
        "waiting_customer",
        "open",
        "waiting_customer",
        "waiting_department",
        "resolved",
        "open",
        "resolved",
    ):
        services.change_status(ticket_id=ticket.pk, status=status, actor=SYSTEM, at=AT + timedelta(hours=1))
    assert differences(ticket, at=AT + timedelta(hours=2)) == []
