"""The pre-check of every answer, after it is committed."""

from __future__ import annotations

from django.utils import timezone

from core.models import Event
from core.reactions import reacts_to
from tickets.services.quality.screening import screen_message


def _is_by_a_person(event: Event) -> bool:
    return event.actor_type == "staff" and event.actor_id is not None


@reacts_to("message.sent", name="tickets.screen_answer", when=_is_by_a_person)
def screen_answer(event: Event) -> None:
    """Check what somebody wrote to a customer."""
    screen_message(message_id=event.subject_id, at=timezone.now())
