"""What this app does on news of its own."""

from __future__ import annotations

from django.utils import timezone

from core.models import Event
from core.reactions import reacts_to
from notifications.services import apply_bounce


@reacts_to("mail.bounced", name="notifications.apply_bounce")
def on_bounce(event: Event) -> None:
    """Mark the message a delivery report is about."""
    apply_bounce(inbound_id=event.subject_id, at=timezone.now())
