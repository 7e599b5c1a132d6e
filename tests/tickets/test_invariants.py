"""Whatever people do in whatever order, a ticket stays sound and its times are those of the log."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.actors import Actor
from core.errors import DomainError
from core.models import Event
from tests.factories.accounts import make_staff
from tests.factories.tickets import make_ticket
from tickets import services
from tickets.enums import TicketStatus

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
STEP = st.tuples(
    st.sampled_from(["customer", "reply", "note", "status", "assign", "priority", "spam", "close", "again"]),
    st.sampled_from(TicketStatus.values),
    st.integers(-600, 90_000),
)


def play(ticket, staff, steps):
    """Do one thing after the other; refusals are fine, times may even run backwards."""
    at, actor, round_ = AT, Actor.staff(staff), 0
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
            elif what == "again":
                services.reply_to_ticket(text="好的", client_id=UUID(int=max(number - 1, 0)), actor=actor, **same)
            elif what == "note":
                services.add_note(text="内部", client_id=client_id, actor=actor, **same)
            elif what == "status":
                services.change_status(status=status, actor=actor, **same)
            elif what == "assign":
                services.assign_ticket(assignee_id=staff.pk if seconds % 2 else None, actor=actor, **same)
            elif what == "priority":
                services.set_priority(priority=40 if seconds % 2 else 20, actor=actor, **same)
            elif what == "spam":
                services.mark_spam(is_spam=bool(seconds % 2), actor=actor, **same)
            else:
                services.close_resolved_ticket(ticket_id=ticket.pk, round_=round_, at=at)
        except DomainError:
            pass
        ticket.refresh_from_db()
        round_ = ticket.reopen_count


def waited_by_the_log(ticket):
    """Recount the time waited for the customer from the events alone."""
    waited, since, resolved_at = 0, None, None
    for event in Event.objects.filter(ticket_id=ticket.pk, subject_type="ticket").order_by("id"):
        if event.kind in {"ticket.status_changed", "ticket.resolved", "ticket.reopened"}:
            begun = since or (resolved_at if event.kind == "ticket.reopened" else None)
            if begun is not None:
                waited += int((event.at - begun).total_seconds())
            since = resolved_at = None
            if event.data.get("after") == "waiting_customer":
                since = event.at
            if event.kind == "ticket.resolved":
                resolved_at = event.at
    return waited


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=14))
def test_any_sequence_keeps_a_ticket_sound(steps):
    staff, ticket = make_staff(), make_ticket(at=AT)
    play(ticket, staff, steps)
    rows = list(ticket.messages.order_by("seq"))
    assert [row.seq for row in rows] == list(range(1, ticket.last_seq + 1))
    public = [row.public_seq for row in rows if row.kind != "note"]
    assert public == list(range(1, ticket.last_public_seq + 1))
    times = [row.at for row in rows if row.kind != "note"]
    assert times == sorted(times)
    assert (ticket.resolved_at is not None) == (ticket.status in {"resolved", "closed"})
    assert (ticket.waiting_since is not None) == (ticket.status == "waiting_customer")
    assert ticket.waiting_seconds == waited_by_the_log(ticket)
    assert ticket.resolution_due_at >= AT + timedelta(hours=48)
    first = next((row for row in rows if row.author_type == "staff" and row.kind == "public"), None)
    assert ticket.first_response_at == (first.at if first else None)
    versions = [event.data["version"] for event in Event.objects.filter(ticket_id=ticket.pk).order_by("id")]
    assert versions == sorted(versions)
    assert ticket.version >= max(versions)
