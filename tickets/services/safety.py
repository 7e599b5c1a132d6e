"""Reply safety: what happened to a ticket, its order and its parcels since a person looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from core.actors import Actor
from core.models import Event
from tickets.enums import HeldState
from tickets.errors import SeenTooLittle
from tickets.models import HeldMessage, Ticket

MATTERS = (
    "message.received", "message.sent", "message.noted", "ticket.assigned", "ticket.status_changed", "ticket.resolved",
    "ticket.reopened", "ticket.closed", "ticket.merged", "ticket.split",
)  # fmt: skip
# Of the order: whatever its owners record about money, goods and parcels; messages of other tickets do not count.
AROUND = ("order.", "parcel.", "refund.", "return.", "aftersales.", "exchange.", "repair.", "pickup.", "incident.")
LOOK_BACK = 60


@dataclass(frozen=True)
class Seen:
    """What a person had before her eyes: the ticket's version, and the database snapshot of the page.

    The snapshot is exact where numbers and times are not: an event recorded before the page was read may be committed
    after it. None = she knows everything, or is asked nothing.
    """

    version: int | None = None
    snapshot: str = ""


_SINCE = """
SELECT id FROM (
  (SELECT id, at, xid, kind FROM core_event WHERE ticket_id = %(ticket)s ORDER BY at DESC, id DESC LIMIT %(most)s)
  UNION ALL
  (SELECT id, at, xid, kind FROM core_event WHERE order_id = %(order)s AND ticket_id IS NULL
    ORDER BY at DESC, id DESC LIMIT %(most)s)
) e WHERE NOT pg_visible_in_snapshot(xid, %(snapshot)s::pg_snapshot) ORDER BY at, id
"""


def _unseen(ticket: Ticket, snapshot: str) -> list[Event]:
    """Return the events of ticket and order that were not committed when the page was read, oldest first."""
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "ticket": ticket.pk,
            "order": ticket.order_id or 0,
            "most": LOOK_BACK,
            "snapshot": snapshot,
        }
        cursor.execute(_SINCE, values)
        ids = [row[0] for row in cursor.fetchall()]
    return list(Event.objects.filter(pk__in=ids).order_by("at", "id")) if ids else []


def _newer(ticket: Ticket, version: int) -> list[Event]:
    rows = Event.objects.filter(ticket_id=ticket.pk, kind__in=MATTERS).order_by("-at", "-id")[:LOOK_BACK]
    return [event for event in rows if event.data.get("version", 0) > version][::-1]


def changes_since(ticket: Ticket, seen: Seen, actor: Actor) -> list[dict[str, Any]]:
    """Return what others did after a person looked, oldest first; an answer just being sent by a colleague counts.

    Each is {field, what, event_id, seq, status, assignee_id, actor_type, actor_id, at}.
    """
    events = _unseen(ticket, seen.snapshot) if seen.snapshot else _newer(ticket, seen.version or 0)
    changes = []
    for event in events:
        is_mine = actor.is_person and (event.actor_type, event.actor_id) == (actor.type, actor.id)
        if is_mine or not (event.kind in MATTERS or event.kind.startswith(AROUND)):
            continue
        changes.append(
            {
                "field": event.kind.split(".")[1],
                "what": event.kind,
                "event_id": event.pk,
                "seq": event.data.get("seq"),
                "status": event.data.get("after"),
                "assignee_id": event.data.get("agent_id") if event.kind == "ticket.assigned" else None,
                "actor_type": event.actor_type,
                "actor_id": event.actor_id,
                "at": event.at.isoformat(),
            }
        )
    return changes + _being_sent(ticket, seen, actor)


def _being_sent(ticket: Ticket, seen: Seen, actor: Actor) -> list[dict[str, Any]]:
    held = HeldMessage.objects.filter(ticket=ticket, state=HeldState.HELD, why="undo")
    held = held.filter(ticket_version__gt=seen.version or 0)
    if actor.is_person and actor.id is not None:
        held = held.exclude(staff_id=actor.id)
    return [
        {
            "field": "held", "what": "message.held", "event_id": None, "seq": None, "status": None, "assignee_id": None,
            "actor_type": "staff", "actor_id": one.staff_id, "at": one.pressed_at.isoformat(),
        }
        for one in held.order_by("pk")
    ]  # fmt: skip


def check_seen(ticket: Ticket, seen: Seen, actor: Actor, at: datetime) -> None:
    """Refuse an answer written without knowing what happened meanwhile. Raises SeenTooLittle with the changes.

    The ticket is locked: what is not seen here has not happened to it. The error carries version and snapshot of now,
    so that "send anyway" means what was shown and nothing newer.
    """
    knows_ticket = seen.version is not None and seen.version >= ticket.version
    if seen.version is None or (knows_ticket and not seen.snapshot):
        return
    now = current_snapshot()
    changes = changes_since(ticket, seen, actor)
    if changes:
        raise SeenTooLittle(changes=changes, version=ticket.version, snapshot=now)


def current_snapshot() -> str:
    """Return the snapshot of this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        row = cursor.fetchone()
    return row[0] if row else ""
