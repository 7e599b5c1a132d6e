"""How long people work on a ticket: what the console measured, kept in the log."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.events import record
from tickets.events import TicketWorked
from tickets.models import Ticket

MOST_SECONDS = 900
"""The console tells more often than this, so a longer stretch is none of its own."""


@transaction.atomic
def note_work(*, ticket: Ticket, seconds: int, actor: Actor, at: datetime) -> None:
    """Write down that a person worked on a ticket up to now; nothing for less than a second."""
    if actor.id is not None and seconds > 0:
        data = TicketWorked(seconds=min(seconds, MOST_SECONDS), agent_id=actor.id)
        record("ticket.worked", subject=ticket, actor=actor, at=at, data=data)
