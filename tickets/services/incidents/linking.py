"""Link tickets to incidents: those about an affected order, and those of an affected customer that name no order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.actors import SYSTEM
from core.events import Fact, record_many
from core.events.log import current_origin
from core.live import announce
from tickets.enums import ACTIVE_STATUSES
from tickets.incident_enums import LinkedHow
from tickets.incident_events import TicketLinkedToIncident
from tickets.models import Ticket
from tickets.services.locking import announce_ticket, lock_tickets

_OPEN = [status.value for status in ACTIVE_STATUSES]
# A ticket belongs to an incident by its order; one that names none, by its customer (joined records are one person).
_TOUCHED = """
    CASE WHEN t.order_id IS NOT NULL THEN EXISTS (
        SELECT 1 FROM orders_affected_order a
         WHERE a.incident_id = {incident} AND a.order_id = t.order_id AND a.removed_at IS NULL)
    ELSE EXISTS (
        SELECT 1 FROM orders_affected_order a
          JOIN customers_customer ac ON ac.id = a.customer_id
          JOIN customers_customer tc ON tc.id = t.customer_id
         WHERE a.incident_id = {incident} AND a.removed_at IS NULL
           AND coalesce(ac.merged_into_id, ac.id) = coalesce(tc.merged_into_id, tc.id)) END
"""
_BY_ORDER = """
    SELECT t.id FROM orders_affected_order a JOIN tickets_ticket t ON t.order_id = a.order_id
     WHERE a.incident_id = %(incident)s AND a.removed_at IS NULL
"""
_BY_CUSTOMER = """
    SELECT t.id FROM orders_affected_order a
      JOIN customers_customer c ON c.id = a.customer_id
      JOIN customers_customer f ON f.id = coalesce(c.merged_into_id, c.id) OR f.merged_into_id = coalesce(c.merged_into_id, c.id)
      JOIN tickets_ticket t ON t.customer_id = f.id AND t.order_id IS NULL
     WHERE a.incident_id = %(incident)s AND a.removed_at IS NULL
"""  # noqa: E501 - SQL
_LINK = f"""
INSERT INTO tickets_incident_ticket AS link (incident_id, ticket_id, how, linked_at)
SELECT %(incident)s, t.id, %(how)s, %(at)s FROM tickets_ticket t
 WHERE t.id IN ({_BY_ORDER} UNION {_BY_CUSTOMER})
   AND t.status = ANY (%(open)s) AND NOT t.is_spam AND t.merged_into_id IS NULL
 ORDER BY t.id
ON CONFLICT (incident_id, ticket_id) DO UPDATE SET removed_at = NULL WHERE link.removed_at IS NOT NULL
RETURNING ticket_id
"""  # allowed: constants of this module
_LINK_OPENED = """
INSERT INTO tickets_incident_ticket AS link (incident_id, ticket_id, how, linked_at)
SELECT i.id, t.id, CASE WHEN t.opened_at < i.declared_at THEN %(found)s ELSE %(opened)s END, %(at)s
  FROM tickets_ticket t, orders_incident i
 WHERE t.id = %(ticket)s AND NOT t.is_spam AND i.state IN ('declared', 'under_way') AND {touched}
ON CONFLICT (incident_id, ticket_id) DO UPDATE SET removed_at = NULL WHERE link.removed_at IS NOT NULL
RETURNING incident_id
""".format(touched=_TOUCHED.format(incident="i.id"))
_UNLINK = """
UPDATE tickets_incident_ticket AS link SET removed_at = %(at)s
  FROM tickets_ticket t, orders_order o
 WHERE link.incident_id = %(incident)s AND link.removed_at IS NULL AND t.id = link.ticket_id
   AND o.id = %(order)s AND (t.order_id = o.id OR t.order_id IS NULL) AND NOT ({touched})
RETURNING link.ticket_id
""".format(touched=_TOUCHED.format(incident="link.incident_id"))


@transaction.atomic
def link_found_tickets(*, incident_id: int, at: datetime) -> int:
    """Link every open ticket of the incident's orders and customers that is not linked yet; return how many."""
    values = {"incident": incident_id, "how": LinkedHow.FOUND.value, "at": at, "open": _OPEN}
    ids = _run(_LINK, values)
    _tell(ids, incident_id, "incident_ticket.linked", at)
    return len(ids)


@transaction.atomic
def link_opened_ticket(*, ticket_id: int, at: datetime) -> list[int]:
    """Link a ticket to the open incidents its order or customer is touched by; return their ids."""
    values = {"ticket": ticket_id, "found": LinkedHow.FOUND.value, "opened": LinkedHow.OPENED.value, "at": at}
    found = _run(_LINK_OPENED, values)
    for incident_id in found:
        _tell([ticket_id], incident_id, "incident_ticket.linked", at)
    return found


@transaction.atomic
def unlink_tickets_of_order(*, incident_id: int, order_id: int, at: datetime) -> int:
    """Unlink the tickets that belonged to the incident only by an order that was taken out; return how many."""
    ids = _run(_UNLINK, {"incident": incident_id, "order": order_id, "at": at})
    _tell(ids, incident_id, "incident_ticket.unlinked", at)
    return len(ids)


def _run(sql: str, values: dict[str, Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return sorted(row[0] for row in cursor.fetchall())


def _tell(ids: list[int], incident_id: int, kind: str, at: datetime) -> None:
    """Write it down in each ticket and have its page look again. Tickets are locked in the order of their ids."""
    if not ids:
        return
    tickets = list(lock_tickets(ids).values())
    data = TicketLinkedToIncident(incident_id)
    record_many([Fact(kind, ticket, SYSTEM, at, data) for ticket in tickets], origin=current_origin(), untrusted=False)
    for ticket in tickets:
        ticket.version += 1
    Ticket.objects.bulk_update(tickets, ["version"], batch_size=500)
    for ticket in tickets:
        announce_ticket(ticket)
    announce(f"incident.{incident_id}", "tickets", incident_id, 0)
