"""Reply safety: what happened to a ticket, its order and its parcels since a person looked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.actors import Actor
from core.kept import run_prepared
from core.models import Event
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


# The snapshot of now, the events of ticket and order that were not committed when the page was read (none when no page
# is named), and what colleagues are just sending.
_SINCE = f"""
SELECT pg_current_snapshot()::text,
  ARRAY(SELECT id FROM (
    (SELECT id, xid FROM core_event WHERE ticket_id = %(ticket)s::bigint ORDER BY at DESC, id DESC LIMIT {LOOK_BACK})
    UNION ALL
    (SELECT id, xid FROM core_event WHERE order_id = %(order)s::bigint AND ticket_id IS NULL
      ORDER BY at DESC, id DESC LIMIT {LOOK_BACK})
  ) e WHERE NOT pg_visible_in_snapshot(xid, nullif(%(snapshot)s::text, '')::pg_snapshot)),
  ARRAY(SELECT id FROM tickets_held_message
    WHERE ticket_id = %(ticket)s::bigint AND state = 'held' AND why = 'undo' AND ticket_version > %(version)s::bigint
      AND staff_id IS DISTINCT FROM %(me)s::bigint)
"""


def _newer(ticket: Ticket, version: int) -> list[Event]:
    rows = Event.objects.filter(ticket_id=ticket.pk, kind__in=MATTERS).order_by("-at", "-id")[:LOOK_BACK]
    return [event for event in rows if event.data.get("version", 0) > version][::-1]


def _changes(events: list[Event], actor: Actor) -> list[dict[str, Any]]:
    """Return what others did that matters, as {field, what, event_id, seq, status, assignee_id, actor_type, …, at}."""
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
    return changes


def _being_sent(held: list[int]) -> list[dict[str, Any]]:
    return [
        {
            "field": "held", "what": "message.held", "event_id": None, "seq": None, "status": None, "assignee_id": None,
            "actor_type": "staff", "actor_id": one.staff_id, "at": one.pressed_at.isoformat(),
        }
        for one in HeldMessage.objects.filter(pk__in=held).order_by("pk")
    ]  # fmt: skip


def check_seen(ticket: Ticket, seen: Seen, actor: Actor, at: datetime) -> None:
    """Refuse an answer written without knowing what happened meanwhile. Raises SeenTooLittle with the changes.

    The ticket is locked: what is not seen here has not happened to it. The error carries version and snapshot of now,
    so that "send anyway" means what was shown and nothing newer.
    """
    knows_ticket = seen.version is not None and seen.version >= ticket.version
    if seen.version is None or (knows_ticket and not seen.snapshot):
        return
    me = actor.id if actor.is_person else None
    values = {"ticket": ticket.pk, "order": ticket.order_id or 0, "version": seen.version, "me": me}
    now, unseen, held = run_prepared(_SINCE, {**values, "snapshot": seen.snapshot})[0]
    if not seen.snapshot:
        events = _newer(ticket, seen.version)
    else:
        events = list(Event.objects.filter(pk__in=unseen).order_by("at", "id")) if unseen else []
    changes = _changes(events, actor) + (_being_sent(held) if held else [])  # an answer on its way counts
    if changes:
        raise SeenTooLittle(changes=changes, version=ticket.version, snapshot=now)
