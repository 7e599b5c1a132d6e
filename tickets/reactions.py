"""What tickets do about others' news: mail and texts that came in, mail that bounced, colleagues who left."""

from __future__ import annotations

from django.utils import timezone

from core.events import payload_of
from core.jobs import schedule
from core.models import Event
from core.reactions import reacts_to
from tickets import incident_reactions  # noqa: F401 - those of incidents
from tickets.jobs import APPLY_MAIL, HAND_OVER
from tickets.services.routing.coming import owe_for_person
from tickets.services.text_in import take_text_message
from tickets.services.undelivered import note_undelivered
from tickets.services.watching import stop_watching_all


@reacts_to("mail.received", name="tickets.take_mail")
def take_mail(event: Event) -> None:
    """Owe the mail's way into a ticket; its files are stored outside a transaction."""
    key = str(event.subject_id)
    schedule(APPLY_MAIL, key=key, due_at=timezone.now(), payload={"inbound_id": event.subject_id})


def _is_a_message(event: Event) -> bool:
    return not event.data.get("is_stop")


@reacts_to("text.received", name="tickets.take_text", when=_is_a_message)
def take_text(event: Event) -> None:
    """Put a customer's text message into its ticket."""
    take_text_message(text_id=event.subject_id, at=timezone.now())


def _is_about_a_ticket(event: Event) -> bool:
    return event.ticket_id is not None


@reacts_to("delivery.failed", name="tickets.note_undelivered", when=_is_about_a_ticket)
def mark_undelivered(event: Event) -> None:
    """Tell the agent that an answer did not arrive."""
    note_undelivered(delivery_id=event.subject_id, at=timezone.now())


@reacts_to("staff.deactivated", name="tickets.hand_over")
def hand_over(event: Event) -> None:
    """Owe the move of a leaver's open tickets, a hundred at a time."""
    data = payload_of(event)
    payload = {
        "staff_id": event.subject_id,
        "successor_id": data.successor_id,
        "team_id": data.successor_team_id,
        "part": 1,
    }
    schedule(HAND_OVER, key=f"{event.pk}:1", due_at=timezone.now(), payload=payload)


@reacts_to("staff.deactivated", name="tickets.stop_watching")
def stop_watching(event: Event) -> None:
    """Take a leaver off the tickets she watched."""
    stop_watching_all(staff_id=event.subject_id)


@reacts_to("staff.changed", name="tickets.route_for_changed")
def route_for_changed(event: Event) -> None:
    """Hand out what somebody may have now that her skills, teams or limits changed."""
    owe_for_person(staff_id=event.subject_id, key=f"event:{event.pk}", at=timezone.now())
