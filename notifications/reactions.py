"""What this app does on news of its own."""

from __future__ import annotations

from django.utils import timezone

from core.models import Event
from core.reactions import reacts_to
from notifications.enums import Purpose
from notifications.services import apply_bounce, follow_delivery


@reacts_to("mail.bounced", name="notifications.apply_bounce")
def on_bounce(event: Event) -> None:
    """Mark the message a delivery report is about."""
    apply_bounce(inbound_id=event.subject_id, at=timezone.now())


def _is_of_a_notice(event: Event) -> bool:
    return bool(event.data.get("purpose") == Purpose.NOTICE)


@reacts_to(
    "delivery.sent",
    "delivery.delivered",
    "delivery.failed",
    "delivery.expired",
    name="notifications.follow_delivery",
    when=_is_of_a_notice,
)
def on_notice_moved(event: Event) -> None:
    """Have a notice follow its message, or try its next channel."""
    follow_delivery(delivery_id=event.subject_id, at=timezone.now())
