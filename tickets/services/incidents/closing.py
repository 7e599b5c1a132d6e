"""End an incident, and resolve together the tickets that waited only for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Staff
from core.actors import Actor
from orders.models import Incident
from orders.services.incidents import end_incident, lock_incident
from tickets.enums import BulkAction
from tickets.incident_enums import GOING_OUT, UpdateState
from tickets.incident_errors import UpdateGoingOut
from tickets.models import BulkRun, IncidentUpdate
from tickets.permissions import tickets_visible_to
from tickets.selectors.incidents import waiting_only
from tickets.services.bulk import start_bulk


@transaction.atomic
def close_incident(*, incident_id: int, reason: str, version: int, actor: Actor, at: datetime) -> Incident:
    """End an incident: after its last update, or for a reason in words.

    Raises UpdateGoingOut, InvalidInput, StaleEdit, NotFound, TransitionNotAllowed.
    """
    lock_incident(incident_id, version=version)
    rows = IncidentUpdate.objects.filter(incident_id=incident_id)
    if rows.filter(state__in=GOING_OUT).exists():
        raise UpdateGoingOut
    newest = rows.filter(number__isnull=False).order_by("-number").first()
    is_told = newest is not None and newest.is_final and newest.state == UpdateState.SENT
    return end_incident(incident_id=incident_id, is_told=is_told, reason=reason, actor=actor, at=at, version=version)


def resolve_waiting(*, incident: Incident, staff: Staff, client_id: UUID, at: datetime) -> BulkRun:
    """Resolve the linked tickets that wait for nothing else, as one bulk change that can be undone.

    Raises InvalidInput when there is none, NotAllowed.
    """
    tickets = waiting_only(incident.pk, tickets_visible_to(staff))
    return start_bulk(staff=staff, action=BulkAction.RESOLVE, value={}, tickets=tickets, at=at, client_id=client_id)
