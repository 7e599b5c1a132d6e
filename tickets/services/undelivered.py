"""An answer that did not arrive: put it before the agent."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.services import notify
from tickets.enums import MessageKind
from tickets.models import Message
from tickets.permissions import desk_url
from tickets.services.locking import lock_canonical, save_ticket


@transaction.atomic
def note_undelivered(*, delivery_id: int, at: datetime) -> bool:
    """Have the ticket looked at again when the mail of one of its messages failed; return whether one did.

    The state itself stands in the delivery's row; the assignee is told once, for answers only.
    """
    message = Message.objects.filter(delivery_id=delivery_id).only("pk", "ticket_id", "kind").first()
    if message is None:
        return False
    ticket = lock_canonical(message.ticket_id)
    ticket.version += 1
    save_ticket(ticket)
    if ticket.assignee_id is not None and message.kind == MessageKind.PUBLIC:
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=ticket.assignee_id, kind="ticket.undelivered", params=params, url=desk_url(ticket.pk), at=at)
    return True
