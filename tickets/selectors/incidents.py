"""What pages read of an incident's conversations: linked tickets, progress of updates, figures, the ticket's banner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from accounts.models import Staff
from orders.incident_enums import INCIDENT_OPEN, IncidentState
from orders.models import AffectedOrder, Incident, Parcel
from orders.selectors.incidents import AffectedCounts
from tickets.enums import ACTIVE_STATUSES
from tickets.incident_enums import PUBLISHED, UpdateState
from tickets.models import Commitment, DepartmentTask, IncidentNotice, IncidentTicket, IncidentUpdate, Ticket
from tickets.permissions import tickets_visible_to
from tickets.work_enums import PROMISE_OWED, TASK_RUNNING

ACTIVE = [status.value for status in ACTIVE_STATUSES]
LISTED = 50


def linked_tickets(staff: Staff, incident_id: int) -> QuerySet[Ticket]:
    """Return the tickets of an incident this person sees."""
    links = IncidentTicket.objects.filter(incident_id=incident_id, removed_at__isnull=True)
    rows = tickets_visible_to(staff).filter(Exists(links.filter(ticket_id=OuterRef("pk"))))
    return rows.filter(merged_into__isnull=True, is_spam=False)


def waiting_only(incident_id: int, tickets: QuerySet[Ticket]) -> QuerySet[Ticket]:
    """Return those of the tickets that wait for nothing but the incident.

    Open, linked, the customer's last words answered, no department at work, no promise owed.
    """
    links = IncidentTicket.objects.filter(incident_id=incident_id, removed_at__isnull=True, ticket_id=OuterRef("pk"))
    tasks = DepartmentTask.objects.filter(ticket_id=OuterRef("pk"), state__in=TASK_RUNNING)
    promises = Commitment.objects.filter(ticket_id=OuterRef("pk"), state__in=PROMISE_OWED)
    rows = tickets.filter(Exists(links), ~Exists(tasks), ~Exists(promises))
    return rows.filter(
        status__in=ACTIVE, customer_turn_at__isnull=True, is_spam=False, merged_into__isnull=True
    )  # fmt: skip


@dataclass(frozen=True)
class TicketCounts:
    """How many tickets are linked, still open, and only wait for the incident."""

    linked: int
    open: int
    waiting: int


def count_tickets(staff: Staff, incident_id: int) -> TicketCounts:
    """Count an incident's tickets this person sees."""
    rows = linked_tickets(staff, incident_id)
    linked = rows.count()
    still = rows.filter(status__in=ACTIVE).count() if linked else 0
    return TicketCounts(linked, still, waiting_only(incident_id, rows).count() if still else 0)


def ticket_rows(staff: Staff, incident_id: int) -> list[Ticket]:
    """Return the newest linked tickets with customer and assignee, open ones first."""
    rows = linked_tickets(staff, incident_id).select_related("customer", "assignee")
    return list(rows.order_by(F("resolved_at").desc(nulls_first=True), "-pk")[:LISTED])


@dataclass(frozen=True)
class Progress:
    """How far an update has come: of `audience` customers, `left` wait and the others are told or not reachable.

    `arrived` = a mail server or the customer's page has it, `failed` = it came back or could not be written.
    """

    update: IncidentUpdate
    audience: int = 0
    left: int = 0
    told: int = 0
    by_ticket: int = 0
    by_mail: int = 0
    on_the_way: int = 0
    arrived: int = 0
    failed: int = 0
    unreachable: int = 0
    dropped: int = 0

    @property
    def gone_through(self) -> int:
        """Return how many nobody waits for any more."""
        return self.audience - self.left


_PROGRESS = """
SELECT n.update_id, count(*), count(*) FILTER (WHERE n.state = 'waiting'), count(*) FILTER (WHERE n.state = 'told'),
       count(*) FILTER (WHERE n.state = 'told' AND n.channel = 'ticket'),
       count(*) FILTER (WHERE n.state = 'told' AND n.channel = 'email'),
       count(*) FILTER (WHERE n.state = 'told' AND d.state IN ('queued', 'sending')),
       count(*) FILTER (WHERE n.state = 'told' AND (d.id IS NULL OR d.state IN ('sent', 'delivered'))),
       count(*) FILTER (WHERE n.state = 'failed' OR (n.state = 'told' AND d.state IN ('failed', 'expired'))),
       count(*) FILTER (WHERE n.state = 'unreachable'), count(*) FILTER (WHERE n.state = 'dropped')
  FROM tickets_incident_notice n LEFT JOIN notifications_delivery d ON d.id = n.delivery_id
 WHERE n.update_id = ANY (%s) GROUP BY n.update_id
"""


def updates_of(incident_id: int) -> list[Progress]:
    """Return the updates that went out, the newest first, each with its progress; two statements."""
    rows = IncidentUpdate.objects.filter(incident_id=incident_id, number__isnull=False).select_related("sent_by")
    updates = list(rows.order_by("-number")[:200])
    with connection.cursor() as cursor:
        cursor.execute(_PROGRESS, [[update.pk for update in updates]])
        counts = {row[0]: row[1:] for row in cursor.fetchall()}
    return [Progress(update, *counts.get(update.pk, (0,) * 10)) for update in updates]


def draft_of(incident_id: int) -> IncidentUpdate | None:
    """Return the prepared answer that has not been sent."""
    return IncidentUpdate.objects.filter(incident_id=incident_id, state=UpdateState.DRAFT).first()


def untold_of(update_id: int) -> list[tuple[str, int]]:
    """Return why customers were not told, with counts."""
    rows = IncidentNotice.objects.filter(update_id=update_id).exclude(reason="").order_by()
    return list(rows.values_list("reason").annotate(n=Count("pk")).order_by("-n", "reason"))


@dataclass(frozen=True)
class Figures:
    """What an incident came to. `reach` is a share, None without customers; `first_after` declaring → first notice."""

    orders: int
    customers: int
    told: int
    failed: int
    reach: float | None
    first_after: timedelta | None
    linked: int
    spared: int
    updates: int


# A customer was spared when the news came by itself: told by mail, and never wrote about it.
_FIGURES = """
WITH told AS (
  SELECT n.customer_id, min(n.told_at) AS first_at, bool_or(n.channel = 'ticket') AS wrote,
         bool_or(d.id IS NULL OR d.state NOT IN ('failed', 'expired')) AS reached
    FROM tickets_incident_notice n JOIN tickets_incident_update u ON u.id = n.update_id
    LEFT JOIN notifications_delivery d ON d.id = n.delivery_id
   WHERE u.incident_id = %(incident)s AND n.state = 'told' GROUP BY n.customer_id),
linked AS (
  SELECT t.id, coalesce(c.merged_into_id, c.id) AS customer_id
    FROM tickets_incident_ticket l JOIN tickets_ticket t ON t.id = l.ticket_id
    LEFT JOIN customers_customer c ON c.id = t.customer_id
   WHERE l.incident_id = %(incident)s AND l.removed_at IS NULL)
SELECT count(*) FILTER (WHERE reached), count(*) FILTER (WHERE NOT reached), min(first_at),
       count(*) FILTER (WHERE reached AND NOT wrote AND customer_id NOT IN (
            SELECT customer_id FROM linked WHERE customer_id IS NOT NULL)),
       (SELECT count(*) FROM linked),
       (SELECT count(*) FROM tickets_incident_update WHERE incident_id = %(incident)s AND number IS NOT NULL)
  FROM told
"""


def figures_of(incident: Incident, counts: AffectedCounts) -> Figures:
    """Return an incident's figures in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"incident": incident.pk})
        told, failed, first_at, spared, linked, updates = cursor.fetchone()
    customers = max(counts.customers, told)
    return Figures(
        orders=counts.orders,
        customers=counts.customers,
        told=told,
        failed=failed,
        reach=told / customers if customers else None,
        first_after=max(timedelta(0), first_at - incident.declared_at) if first_at else None,
        linked=linked,
        spared=spared,
        updates=updates,
    )


def _newest_texts() -> Subquery:
    """Return the texts a ticket's agent or customer is offered: those of the newest update, else none."""
    rows = IncidentUpdate.objects.filter(incident_id=OuterRef("incident_id"), state__in=PUBLISHED)
    return Subquery(rows.order_by("-number").values("texts")[:1])


def incident_marks() -> dict[str, Any]:
    """Return an annotation for get_ticket_for: `incidents`, the open ones this ticket is linked to."""
    links = IncidentTicket.objects.filter(
        ticket_id=OuterRef("pk"), removed_at__isnull=True, incident__state__in=INCIDENT_OPEN
    )
    draft = IncidentUpdate.objects.filter(incident_id=OuterRef("incident_id"), state=UpdateState.DRAFT)
    parcels = Parcel.objects.filter(order_id=OuterRef("ticket__order_id")).order_by(
        F("shipped_at").desc(nulls_last=True), "-pk"
    )
    told = JSONObject(
        id="incident_id",
        tracking=Subquery(parcels.values("tracking_number")[:1]),
        title="incident__title",
        severity="incident__severity",
        what="incident__what",
        texts=_newest_texts(),
        draft=Subquery(draft.values("texts")[:1]),
    )
    return {"incidents": ArraySubquery(links.order_by("-incident__severity", "pk").values(told=told)[:5])}


@dataclass(frozen=True)
class PublicUpdate:
    """What a customer may read of an incident: its newest update and when it went out."""

    incident: Incident
    texts: dict[str, str]
    sent_at: datetime
    is_final: bool


def public_update_for(ticket: Ticket) -> PublicUpdate | None:
    """Return the newest update of an incident that touches the ticket and is not reviewed yet; one statement."""
    links = IncidentTicket.objects.filter(
        incident_id=OuterRef("incident_id"), ticket_id=ticket.pk, removed_at__isnull=True
    )
    touched = Q(Exists(links))
    if ticket.order_id is not None:
        orders = AffectedOrder.objects.filter(
            incident_id=OuterRef("incident_id"), order_id=ticket.order_id, removed_at__isnull=True
        )
        touched |= Q(Exists(orders))
    shown = [*(state.value for state in INCIDENT_OPEN), IncidentState.OVER.value]
    rows = IncidentUpdate.objects.filter(touched, state__in=PUBLISHED, incident__state__in=shown)
    update = rows.select_related("incident").order_by("-sent_at", "-pk").first()
    if update is None or update.sent_at is None:
        return None
    return PublicUpdate(update.incident, update.texts, update.sent_at, update.is_final)
