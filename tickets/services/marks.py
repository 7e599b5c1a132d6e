"""Drafts and read marks: an agent's own, no facts for the log."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models.functions import Greatest
from django.db.models import F, Value

from tickets.models import Draft, TicketRead
from tickets.services.writing import MAX_TEXT


@transaction.atomic
def save_draft(
    *, ticket_id: int, staff_id: int, text: str, at: datetime, kind: str = "public", seen_version: int = 0
) -> Draft | None:
    """Keep what an agent has typed; empty text throws the draft away."""
    if not text.strip():
        Draft.objects.filter(ticket_id=ticket_id, staff_id=staff_id, kind=kind).delete()
        return None
    draft, _is_new = Draft.objects.update_or_create(
        ticket_id=ticket_id,
        staff_id=staff_id,
        kind="note" if kind == "note" else "public",
        defaults={"text": text[:MAX_TEXT], "seen_version": seen_version, "updated_at": at},
    )
    return draft


@transaction.atomic
def mark_read(*, ticket_id: int, staff_id: int, seq: int) -> None:
    """Remember how far an agent has read; it never goes back."""
    TicketRead.objects.bulk_create([TicketRead(ticket_id=ticket_id, staff_id=staff_id, seq=seq)], ignore_conflicts=True)
    rows = TicketRead.objects.filter(ticket_id=ticket_id, staff_id=staff_id, seq__lt=seq)
    rows.update(seq=Greatest(F("seq"), Value(seq)))
