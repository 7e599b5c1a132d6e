"""What tickets do when orders turn out to be affected by an incident, or a new ticket is about one."""

from __future__ import annotations

from django.utils import timezone

from core.events import payload_of
from core.models import Event
from core.reactions import reacts_to
from tickets.services.incidents import (
    link_found_tickets,
    link_opened_ticket,
    prepare_for_finding,
    tell_latecomers,
    unlink_tickets_of_order,
)


@reacts_to("incident.orders_attached", name="tickets.link_affected")
def link_affected(event: Event) -> None:
    """Link the open tickets of freshly attached orders, then owe their customers the newest update."""
    now = timezone.now()
    link_found_tickets(incident_id=event.subject_id, at=now)
    tell_latecomers(incident_id=event.subject_id, at=now)


@reacts_to("incident.found", name="tickets.prepare_found")
def prepare_found(event: Event) -> None:
    """Prepare the answer for the customers of a standstill."""
    prepare_for_finding(incident_id=event.subject_id, at=timezone.now())


@reacts_to("incident.order_put_back", name="tickets.link_put_back")
def link_put_back(event: Event) -> None:
    """The same for an order that was put back."""
    now, incident_id = timezone.now(), payload_of(event).incident_id
    link_found_tickets(incident_id=incident_id, at=now)
    tell_latecomers(incident_id=incident_id, at=now)


@reacts_to("incident.order_taken_out", name="tickets.unlink_taken_out")
def unlink_taken_out(event: Event) -> None:
    """Unlink the tickets that were there only for an order that was taken out."""
    incident_id = payload_of(event).incident_id
    if event.order_id is not None:
        unlink_tickets_of_order(incident_id=incident_id, order_id=event.order_id, at=timezone.now())


def _has_somebody(event: Event) -> bool:
    return event.customer_id is not None or event.order_id is not None


@reacts_to("ticket.opened", name="tickets.link_to_incident", when=_has_somebody)
def link_opened(event: Event) -> None:
    """Link a new ticket to the open incidents that touch its order or customer."""
    link_opened_ticket(ticket_id=event.subject_id, at=timezone.now())
