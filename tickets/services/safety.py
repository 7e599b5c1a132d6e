"""Reply safety: what others did in a ticket since a person looked."""

from __future__ import annotations

from typing import Any

from core.actors import Actor
from core.models import Event
from tickets.errors import SeenTooLittle
from tickets.models import Ticket

MATTERS = (
    "message.received", "message.sent", "message.noted", "ticket.assigned", "ticket.status_changed", "ticket.resolved",
    "ticket.reopened", "ticket.closed",
)  # fmt: skip
LOOK_BACK = 60


def changes_since(ticket: Ticket, seen_version: int, actor: Actor) -> list[dict[str, Any]]:
    """Return what others did after a version, oldest first.

    Each is {what, seq, status, assignee_id, actor_type, actor_id, at}.
    """
    rows = Event.objects.filter(ticket_id=ticket.pk, kind__in=MATTERS).order_by("-at", "-id")[:LOOK_BACK]
    changes = []
    for event in rows:
        mine = actor.is_person and (event.actor_type, event.actor_id) == (actor.type, actor.id)
        if mine or event.data.get("version", 0) <= seen_version:
            continue
        changes.append(
            {
                "field": event.kind.split(".")[1],
                "what": event.kind,
                "seq": event.data.get("seq"),
                "status": event.data.get("after"),
                "assignee_id": event.data.get("agent_id") if event.kind == "ticket.assigned" else None,
                "actor_type": event.actor_type,
                "actor_id": event.actor_id,
                "at": event.at.isoformat(),
            }
        )
    return changes[::-1]


def check_seen(ticket: Ticket, seen_version: int | None, actor: Actor) -> None:
    """Refuse an answer written without knowing what others did meanwhile. Raises SeenTooLittle with the changes."""
    if seen_version is None or seen_version >= ticket.version:
        return
    changes = changes_since(ticket, seen_version, actor)
    if changes:
        raise SeenTooLittle(changes=changes, version=ticket.version)
