"""People who are here with room, teams that hand tickets out, and queues; for tests of routing."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Capacity, Presence, Staff, Team
from customers.models import Customer
from tests.factories.accounts import make_staff, make_team
from tests.factories.desk import make_desk_ticket, make_person
from tickets.models import DedicatedAgent, Message, TeamRouting, Ticket


def make_routed_team(name: str = "", *, widen: int = 15, release: int = 30, **fields: Any) -> Team:
    """Make a team whose tickets are handed out."""
    team = make_team(name, **fields)
    TeamRouting.objects.create(
        team=team, mode="automatic", widen_after_minutes=widen, release_after_minutes=release, version=1
    )
    return team


def make_agent(
    team: Team | None = None,
    *,
    status: str = "online",
    capacity: int | None = None,
    per_channel: dict[str, int] | None = None,
    given_at: datetime | None = None,
    **fields: Any,
) -> Staff:
    """Make an agent of the team with a status, seen just now."""
    staff = make_staff(teams=[team] if team else (), **fields)
    now = timezone.now()
    Presence.objects.create(staff=staff, status=status, since=now - timedelta(hours=1), seen_at=now, given_at=given_at)
    if capacity is not None:
        Capacity.objects.create(staff=staff, in_total=capacity, per_channel=per_channel or {})
    return staff


def make_queue(team: Team, count: int, *, customer: Customer | None = None, **fields: Any) -> list[int]:
    """Put many tickets into a team's queue at once, straight into the database; return their ids."""
    customer, now = customer or make_person(), timezone.now()
    values = {
        "channel": "form", "subject": "物流一直没有更新", "customer": customer, "team": team, "opened_at": now,
        "last_message_at": now, "last_message_by": "customer", "last_seq": 1, "last_public_seq": 1, **fields,
    }  # fmt: skip
    rows = Ticket.objects.bulk_create(
        [Ticket(next_due_at=now + timedelta(minutes=number), **values) for number in range(count)]
    )
    Message.objects.bulk_create(
        Message(
            ticket=row, seq=1, public_seq=1, kind="public", author_type="customer", channel="form", text="？", at=now
        )
        for row in rows
    )
    return [row.pk for row in rows]


def make_queued(team: Team, **fields: Any) -> Ticket:
    """Put one ticket into a team's queue."""
    return make_desk_ticket(team=team, **fields)


def make_dedicated(customer: Customer, staff: Staff) -> DedicatedAgent:
    """Have somebody look after a customer."""
    return DedicatedAgent.objects.create(customer=customer, staff=staff, since=timezone.now())
