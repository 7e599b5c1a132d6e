"""Drafts and read marks: an agent's own, no facts for the log."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from tickets.models import Draft
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


def mark_read(*, ticket_id: int, staff_id: int, seq: int) -> None:
    """Remember how far an agent has read; it never goes back. One statement: it runs with every opened ticket."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tickets_read (ticket_id, staff_id, seq) VALUES (%s, %s, %s)"
            " ON CONFLICT (ticket_id, staff_id) DO UPDATE SET seq = EXCLUDED.seq WHERE tickets_read.seq < EXCLUDED.seq",
            [ticket_id, staff_id, seq],
        )
