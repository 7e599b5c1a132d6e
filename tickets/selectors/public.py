"""What the customer may read of a ticket, and of those that were joined into it."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db.models import Q

from tickets.models import Message, Ticket


def public_messages(ticket: Ticket, before: str, *, limit: int) -> tuple[list[Message], str]:
    """Return the newest public messages before a place, oldest first, with their files, and the place before them.

    A place is a moment in microseconds and an id; "" for the end, and when nothing stands before.
    """
    own = Q(ticket=ticket) | Q(ticket__merged_into=ticket)
    rows = Message.objects.filter(own, public_seq__isnull=False, moved_to__isnull=True)
    micros, _dash, pk = before.partition("-")
    if micros.isdecimal() and pk.isdecimal() and len(micros) <= 17 and len(pk) <= 18:
        seconds, rest = divmod(int(micros), 1_000_000)
        at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
        rows = rows.filter(Q(at__lt=at) | Q(at=at, pk__lt=int(pk)))
    found = list(rows.prefetch_related("attachments").order_by("-at", "-pk")[: limit + 1])
    shown = found[:limit][::-1]
    if len(found) <= limit:
        return shown, ""
    first = shown[0]
    return shown, f"{int(first.at.timestamp()) * 1_000_000 + first.at.microsecond}-{first.pk}"
