"""Whose a ticket is when two joined customers are taken apart: that of the contact it came by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.actors import Actor
from core.crypto import decrypt
from customers.arrivals import Came
from customers.selectors import identity_index
from orders.services.same_person import orders_that_came
from tickets.models import Ticket
from tickets.services.locking import announce_ticket, lock_tickets

MOST_ARRIVALS = 5000


def tickets_that_came(came: Came) -> list[int]:
    """Return tickets opened meanwhile from a contact, or about an order, of the record that is taken out."""
    orders = set(orders_that_came(came))
    rows = Ticket.objects.filter(customer_id=came.customer_id, created_at__gte=came.since).order_by("pk")
    return [
        pk
        for pk, order_id, contact in rows.values_list("pk", "order_id", "contact_enc")[:MOST_ARRIVALS]
        if order_id in orders or (contact and identity_index("email", decrypt(bytes(contact))) in came.digests)
    ]


def give_tickets(ids: Sequence[int], customer_id: int, actor: Actor, at: datetime) -> int:
    """Hand tickets to the customer whose contact they came by; call inside the service's transaction."""
    locked = lock_tickets(ids)
    for ticket in locked.values():
        ticket.customer_id = customer_id
        ticket.version += 1
        ticket.save(update_fields=["customer", "version"])
        announce_ticket(ticket)
    return len(locked)
