"""Attach the orders a search finds to an incident: in batches of one transaction each, each order once.

What is attached stands in rows that are unique per incident and order, and the run's cursor says where it stands: a
run that is killed, repeated or crossed by another one attaches nothing twice and forgets nothing.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound, TransitionNotAllowed
from core.events import Fact, record, record_many
from core.events.log import current_origin
from core.jobs import schedule
from core.live import announce
from orders.incident_enums import INCIDENT_CLOSED, AttachState
from orders.incident_events import OrderAffected, OrdersAttached
from orders.models import AffectedOrder, AttachRun, Incident
from orders.selectors.affected import MOST, affected_by
from orders.services.incidents.declaring import announce_incident, lock_incident

ATTACH_JOB = "orders.attach_affected"
BATCH = 500
_INSERT = """
INSERT INTO orders_affected_order (incident_id, order_id, customer_id, attached_at)
SELECT %s, o.id, o.customer_id, %s FROM orders_order o WHERE o.id = ANY (%s) ORDER BY o.id
ON CONFLICT (incident_id, order_id) DO NOTHING RETURNING id
"""


@transaction.atomic
def start_attaching(
    *, incident_id: int, conditions: dict[str, Any], client_id: UUID, actor: Actor, at: datetime, version: int | None
) -> AttachRun:
    """Begin to attach what a search finds; the same `client_id` gives the run there is.

    Raises NotFound, StaleEdit, InvalidInput for a search without conditions or hits, TransitionNotAllowed.
    """
    known = AttachRun.objects.filter(client_id=client_id, incident_id=incident_id).first()
    if known is not None:
        return known
    incident = lock_incident(incident_id, version=version)
    if incident.state in INCIDENT_CLOSED:
        raise TransitionNotAllowed(before=incident.state)
    if not conditions:
        words = _("Set at least one condition: without any, every order would be affected.")
        raise InvalidInput(words, fields={"": [words]})
    total = affected_by(incident, conditions).order_by()[: MOST + 1].count()
    if not 0 < total <= MOST:
        words = _("Nothing fits.") if not total else _("These are more than 50,000 orders. Narrow the search.")
        raise InvalidInput(words, fields={"": [words]})
    run = AttachRun.objects.create(
        incident=incident, conditions=conditions, total=total, client_id=client_id, started_at=at,
        started_by_id=actor.id if actor.is_person else None,
    )  # fmt: skip
    _owe(run.pk, 1, at)
    announce_incident(incident)
    return run


def _owe(run_id: int, part: int, at: datetime) -> None:
    schedule(ATTACH_JOB, key=f"{run_id}:{part}", due_at=at, payload={"run_id": run_id, "part": part})


def attach_by_job(*, run_id: int, part: int) -> None:
    """Attach for part of a lease, then owe the rest."""
    if attach_all(run_id=run_id, seconds=40):
        with transaction.atomic():
            _owe(run_id, part + 1, timezone.now())


def attach_all(*, run_id: int, seconds: float = 20) -> bool:
    """Attach batch after batch for so long; return whether anything is left."""
    end = time.monotonic() + seconds
    while attach_batch(run_id=run_id, at=timezone.now()):
        if time.monotonic() > end:
            return True
    return False


@transaction.atomic
def attach_batch(*, run_id: int, at: datetime) -> bool:
    """Attach the next five hundred orders; return whether there may be more.

    A second worker waits for the run's row and goes on behind the first one's batch.
    """
    run = AttachRun.objects.select_for_update(no_key=True, of=("self",)).filter(pk=run_id).first()
    if run is None or run.state != AttachState.RUNNING:
        return False
    incident = Incident.objects.get(pk=run.incident_id)
    rows = affected_by(incident, run.conditions).filter(pk__gt=run.cursor).order_by("pk")
    ids = list(rows.values_list("pk", flat=True)[:BATCH])
    actor = Actor.staff(run.started_by_id) if run.started_by_id else SYSTEM
    added = _attach(incident, run, ids, actor, at) if ids else 0
    run.found, run.added = run.found + len(ids), run.added + added
    run.cursor = ids[-1] if ids else run.cursor
    is_last = len(ids) < BATCH or run.found >= MOST
    if is_last:
        run.state, run.finished_at = AttachState.DONE, at
    run.save(update_fields=["found", "added", "cursor", "state", "finished_at"])
    announce(f"incident.{incident.pk}", "attach", run.pk, run.found)
    return not is_last


def _attach(incident: Incident, run: AttachRun, ids: list[int], actor: Actor, at: datetime) -> int:
    """Insert what is not attached yet, and write each down in its order's story; return how many there were."""
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [incident.pk, at, ids])
        fresh = [row[0] for row in cursor.fetchall()]
    if not fresh:
        return 0
    rows = AffectedOrder.objects.filter(pk__in=fresh).select_related("order").order_by("pk")
    data = OrderAffected(incident.pk)
    record_many(
        [Fact("incident.order_affected", row, actor, at, data) for row in rows],
        origin=current_origin(),
        untrusted=False,
    )
    fact = OrdersAttached(run.pk, len(fresh), ids[-1])
    record("incident.orders_attached", subject=incident, actor=actor, at=at, data=fact)
    return len(fresh)


@transaction.atomic
def stop_attaching(*, run_id: int, incident_id: int, at: datetime) -> AttachRun:
    """Stop a search; what is attached stays. Raises NotFound."""
    run = AttachRun.objects.select_for_update(no_key=True).filter(pk=run_id, incident_id=incident_id).first()
    if run is None:
        raise NotFound
    if run.state == AttachState.RUNNING:
        run.state, run.finished_at = AttachState.CANCELLED, at
        run.save(update_fields=["state", "finished_at"])
        announce(f"incident.{incident_id}", "attach", run.pk, run.found)
    return run


@transaction.atomic
def take_out_orders(*, incident_id: int, order_ids: Iterable[int], actor: Actor, at: datetime, version: int) -> int:
    """Take orders out of an incident; later searches leave them out. Returns how many were inside.

    Raises NotFound, StaleEdit, TransitionNotAllowed.
    """
    incident = _lock_open(incident_id, version)
    rows = _rows(incident, order_ids, removed_at__isnull=True)
    _mark(incident, rows, at, "incident.order_taken_out", actor, at)
    return len(rows)


@transaction.atomic
def put_back_order(*, incident_id: int, order_id: int, actor: Actor, at: datetime, version: int) -> bool:
    """Put an order back that was taken out; return whether it was out. Raises NotFound, StaleEdit."""
    incident = _lock_open(incident_id, version)
    rows = _rows(incident, [order_id], removed_at__isnull=False)
    _mark(incident, rows, None, "incident.order_put_back", actor, at)
    return bool(rows)


def _lock_open(incident_id: int, version: int) -> Incident:
    incident = lock_incident(incident_id, version=version)
    if incident.state in INCIDENT_CLOSED:
        raise TransitionNotAllowed(before=incident.state)
    return incident


def _rows(incident: Incident, order_ids: Iterable[int], **fits: bool) -> list[AffectedOrder]:
    rows = AffectedOrder.objects.select_for_update(no_key=True, of=("self",)).select_related("order")
    return list(rows.filter(incident=incident, order_id__in=set(order_ids), **fits).order_by("pk"))


def _mark(
    incident: Incident, rows: list[AffectedOrder], removed_at: datetime | None, kind: str, actor: Actor, at: datetime
) -> None:
    if not rows:
        return
    AffectedOrder.objects.filter(pk__in=[row.pk for row in rows]).update(removed_at=removed_at)
    data = OrderAffected(incident.pk)
    record_many([Fact(kind, row, actor, at, data) for row in rows], origin=current_origin(), untrusted=False)
    incident.version += 1
    Incident.objects.filter(pk=incident.pk).update(version=incident.version)
    announce_incident(incident)
