"""Dismiss a finding, and close what hung on one together."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from core.actors import Actor
from core.errors import NotFound
from core.events import Code, Fact, record, record_many
from orders.exception_enums import EXCEPTION_OPEN, SILENT
from orders.incident_enums import IncidentState
from orders.incident_events import IncidentStep, OrderAffected
from orders.models import AffectedOrder, FoundCluster, ParcelException
from orders.services.exceptions import judge_parcel
from orders.services.incidents.declaring import lock_incident, save_incident
from orders.services.incidents.moving import SETTLE_JOB, move

RESTS_FOR = timedelta(days=3)
"""So long a dismissed standstill is not found again."""
BATCH = 200

__all__ = ["RESTS_FOR", "SETTLE_JOB", "dismiss_finding", "settle_exceptions"]


@transaction.atomic
def dismiss_finding(*, incident_id: int, actor: Actor, at: datetime, version: int) -> FoundCluster:
    """Say that a finding nobody was told of yet is none: its orders leave it, and it is not found again for a while.

    Raises NotFound, StaleEdit, TransitionNotAllowed.
    """
    incident = lock_incident(incident_id, version=version)
    cluster = FoundCluster.objects.select_for_update(no_key=True).filter(incident=incident).first()
    if cluster is None:
        raise NotFound
    before = move(incident, IncidentState.DISMISSED)
    incident.over_at = at
    save_incident(incident, "state", "over_at")
    cluster.ended_at, cluster.dismissed_until = at, at + RESTS_FOR
    cluster.save(update_fields=["ended_at", "dismissed_until"])
    rows = AffectedOrder.objects.select_for_update(no_key=True, of=("self",)).select_related("order")
    inside = list(rows.filter(incident=incident, removed_at=None).order_by("pk"))
    AffectedOrder.objects.filter(pk__in=[row.pk for row in inside]).update(removed_at=at)
    data = OrderAffected(incident.pk)
    record_many([Fact("incident.order_taken_out", row, actor, at, data) for row in inside], untrusted=False)
    seconds = max(0, int((at - incident.declared_at).total_seconds()))
    record("incident.dismissed", subject=incident, actor=actor, at=at, data=IncidentStep(Code(before), seconds))
    return cluster


def settle_exceptions(*, incident_id: int, after: int, at: datetime) -> int | None:
    """Judge the silence of an ended incident's orders together; return where to go on, None when that was all.

    Who was heard of again is closed; a parcel that is silent still keeps its exception and its owner.
    """
    inside = AffectedOrder.objects.filter(incident_id=incident_id, removed_at=None)
    rows = ParcelException.objects.filter(
        order__in=inside.values("order_id"), state__in=EXCEPTION_OPEN, kind__in=SILENT, pk__gt=after
    ).order_by("pk")
    found = list(rows.values_list("pk", "parcel_id")[:BATCH])
    for parcel_id in dict.fromkeys(parcel for _pk, parcel in found):
        judge_parcel(parcel_id=parcel_id, at=at)
    return found[-1][0] if len(found) == BATCH else None
