"""Give the open tickets of somebody who left to those who stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import Staff
from core.actors import SYSTEM
from tickets.enums import ACTIVE_STATUSES
from tickets.models import Ticket
from tickets.services.work import assign_ticket

BATCH = 100


@transaction.atomic
def hand_over_tickets(*, staff_id: int, successor_id: int | None, successor_team_id: int | None, at: datetime) -> bool:
    """Move up to a hundred open tickets to the successor, the team's or the general queue; True when more are left.

    A successor who has left meanwhile is passed over.
    """
    if successor_id is not None and not Staff.objects.filter(pk=successor_id, is_active=True).exists():
        successor_id = None
    mine = Ticket.objects.filter(assignee_id=staff_id, status__in=ACTIVE_STATUSES).order_by("pk")
    ids = list(mine.values_list("pk", flat=True)[: BATCH + 1])
    for ticket_id in ids[:BATCH]:
        assign_ticket(
            ticket_id=ticket_id,
            assignee_id=successor_id,
            team_id=successor_team_id,
            actor=SYSTEM,
            at=at,
            reason="handed_over",
        )
    return len(ids) > BATCH
