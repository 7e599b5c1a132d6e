"""One ticket as the desk shows it: its head, a page of messages, the events around them. One statement each."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import Exists, JSONField, OuterRef, Subquery, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import JSONObject

from accounts.models import Staff
from core.kept import run_prepared
from core.models import Event
from customers.selectors import addresses_of
from notifications.models import Delivery
from tickets.models import Draft, Ticket, TicketRead
from tickets.selectors.fields import field_marks
from tickets.selectors.snapshots import PageSnapshot

PAGE = 50
EVENTS = 60

MESSAGES = """
SELECT m.id, m.seq, m.kind, m.author_type, m.author_id, coalesce(s.display_name, CASE WHEN m.author_id < 0 THEN
         (SELECT f.name FROM tickets_former_agent f WHERE f.id = -m.author_id) END) AS display_name,
       m.channel, m.text, m.html, m.quoted,
       m.delivery_id, (SELECT d.state FROM notifications_delivery d WHERE d.id = m.delivery_id) AS delivery, m.at,
       (SELECT json_agg(json_build_object('id', a.id, 'key', a.key, 'name', a.name, 'mime', a.mime, 'size', a.size,
                        'thumb', a.thumbnail_key, 'cid', a.content_id, 'inline', a.is_inline) ORDER BY a.id)
          FROM tickets_attachment a WHERE a.message_id = m.id) AS files,
       CASE WHEN m.mentioned IS NOT NULL THEN (SELECT array_agg(n.display_name ORDER BY n.display_name)
          FROM accounts_staff n WHERE n.id = ANY (m.mentioned)) END AS mentioned,
       m.ticket_id, (SELECT v.ticket_id FROM tickets_moved_message v WHERE v.original_id = m.id) AS moved_to
  FROM tickets_message m
  LEFT JOIN accounts_staff s ON s.id = m.author_id AND m.author_type = 'staff'
 WHERE {which} LIMIT {limit}
"""
BY_SEQ = "m.ticket_id = %(ticket)s AND m.seq > %(after)s AND m.seq < %(before)s ORDER BY m.seq"
# Of a ticket that others were joined into: all of them in one order of time; seqs stay their own.
BY_TIME = "m.ticket_id = ANY (%(tickets)s::bigint[]) AND (m.at, m.id) < (%(at)s, %(id)s) ORDER BY m.at DESC, m.id DESC"
LATEST = (datetime(9999, 12, 31, tzinfo=UTC), 0)
END = 2_147_483_647
# What is pressed and not gone in a ticket, the next to go first.
WATCHERS = """
(SELECT coalesce(array_agg(w.display_name ORDER BY w.display_name), '{}') FROM accounts_staff w
  WHERE w.id = ANY(tickets_ticket.watchers))
"""
WAITING = """
(SELECT coalesce(jsonb_agg(jsonb_build_object('id', h.id, 'kind', h.kind, 'why', h.why, 'state', h.state,
          'source', h.source, 'due_at', h.due_at, 'then', h.then_status, 'by', h.staff_id, 'version', h.version,
          'stop', h.stop_code, 'name', (SELECT display_name FROM accounts_staff WHERE id = h.staff_id),
          'promise', h.promise, 'macro', (SELECT title FROM tickets_macro WHERE id = h.macro_id),
          'files', (SELECT jsonb_agg(jsonb_build_object('id', a.id, 'name', a.name) ORDER BY a.id)
                      FROM tickets_attachment a WHERE a.held_id = h.id)) ORDER BY h.due_at, h.id), '[]')
   FROM tickets_held_message h WHERE h.ticket_id = tickets_ticket.id AND h.state IN ('held', 'stopped'))
"""


class MessageRow(NamedTuple):
    """One message with its author's name and files (dicts of id, key, name, mime, size, thumb, cid, inline).

    `ticket_id` is its owner's: a ticket that was joined in, or the open one. `moved_to` is the ticket it was split to.
    """

    id: int
    seq: int
    kind: str
    author_type: str
    author_id: int | None
    author_name: str | None
    channel: str
    text: str
    html: str
    quoted: str
    delivery_id: int | None
    delivery: str | None
    at: datetime
    files: list[dict[str, Any]] | None
    mentioned: list[str] | None = None
    ticket_id: int = 0
    moved_to: int | None = None


def last_messages(ticket_id: int, *, before: int = END, limit: int = PAGE) -> tuple[list[MessageRow], bool]:
    """Return the newest messages before a seq, oldest first, and whether there are earlier ones."""
    rows = _messages(f"{BY_SEQ} DESC", limit + 1, ticket=ticket_id, after=0, before=before)
    return rows[:limit][::-1], len(rows) > limit


def last_messages_of_all(
    ticket_ids: list[int], *, before: tuple[datetime, int] = LATEST, limit: int = PAGE
) -> tuple[list[MessageRow], bool]:
    """Return the newest messages of joined tickets before a moment and id, oldest first, and whether there are more."""
    rows = _messages(BY_TIME, limit + 1, tickets=ticket_ids, at=before[0], id=before[1])
    return rows[:limit][::-1], len(rows) > limit


def messages_after(ticket_id: int, after: int, *, limit: int = 200) -> list[MessageRow]:
    """Return the messages after a seq, oldest first."""
    return _messages(f"{BY_SEQ} ASC", limit, ticket=ticket_id, after=after, before=END)


def _messages(which: str, limit: int, **values: Any) -> list[MessageRow]:
    return [MessageRow(*row) for row in run_prepared(MESSAGES.format(which=which, limit=limit), values)]


# All but the transaction's number, which no page asks for; the data is JSON, read last.
EVENT_COLUMNS = [
    "id", "schema_v", "kind", "at", "recorded_at", "origin", "actor_type", "actor_id", "subject_type", "subject_id",
    "shop_id", "customer_id", "order_id", "ticket_id", "reason", "cause_id", "depth", "data",
]  # fmt: skip
AROUND = f"""
SELECT {", ".join(f"e.{name}" for name in EVENT_COLUMNS)},
       CASE WHEN e.actor_type = 'staff' THEN (SELECT display_name FROM accounts_staff WHERE id = e.actor_id) END
         AS actor_name,
       CASE WHEN e.actor_type = 'rule' THEN (SELECT name FROM tickets_rule WHERE id = e.actor_id) END AS rule_name,
       (SELECT display_name FROM accounts_staff WHERE id = (e.data ->> 'agent_id')::bigint) AS agent_name
  FROM core_event e WHERE e.id IN (
  (SELECT id FROM core_event WHERE ticket_id = %(ticket)s AND at >= %(since)s AND id > %(after)s
      AND kind NOT LIKE 'message.%%' AND kind <> 'ticket.worked' ORDER BY at DESC, id DESC LIMIT {EVENTS})
  UNION ALL
  (SELECT id FROM core_event WHERE ticket_id = ANY (%(parts)s::bigint[]) AND at >= %(since)s AND id > %(after)s
      AND kind NOT LIKE 'message.%%' AND kind <> 'ticket.worked' ORDER BY at DESC, id DESC LIMIT {EVENTS})
  UNION ALL
  (SELECT id FROM core_event WHERE order_id = %(order)s AND at >= %(since)s AND id > %(after)s
      AND ticket_id IS NULL ORDER BY at DESC, id DESC LIMIT {EVENTS})
  UNION ALL
  (SELECT id FROM core_event WHERE customer_id = ANY (ARRAY(
      SELECT f.id FROM customers_customer o JOIN customers_customer f
          ON f.id = coalesce(o.merged_into_id, o.id) OR f.merged_into_id = coalesce(o.merged_into_id, o.id)
       WHERE o.id = %(customer)s)) AND at >= %(met)s AND at >= %(since)s AND id > %(after)s
      AND ticket_id IS NULL AND order_id IS NULL ORDER BY at DESC, id DESC LIMIT 20)
) ORDER BY e.at, e.id
"""


TOLD_BY_THE_WHOLE = ("ticket.merged", "ticket.unmerged")


def events_around(ticket: Ticket, *, since: datetime, after_id: int = 0) -> list[Event]:
    """Return what happened to the ticket, its order and (while open) its customer since a moment, oldest first."""
    params = {
        "ticket": ticket.pk,
        "parts": getattr(ticket, "parts", None) or [],
        "order": ticket.order_id or 0,
        "customer": ticket.customer_id or 0,
        "met": ticket.opened_at,
        "since": since,
        "after": after_id,
    }
    events = []
    for *values, actor_name, rule_name, agent_name in run_prepared(AROUND, params):
        event = Event.from_db("default", EVENT_COLUMNS, [*values[:-1], json.loads(values[-1])])
        event.actor_name, event.rule_name, event.agent_name = actor_name, rule_name, agent_name  # type: ignore[attr-defined]
        events.append(event)
    # of a joining the stream tells its own side: what a part says of it is the same thing once more
    return [event for event in events if event.kind not in TOLD_BY_THE_WHOLE or event.data["other_id"] != ticket.pk]


def own_marks(staff: Staff) -> dict[str, Any]:
    """Return annotations for get_ticket_for, all in its one statement.

    `read_seq` and `own_drafts` ({kind: text}) of this person, `waiting` (answers that have not gone), `own_fields`,
    `watcher_names`, `snapshot` (what of the past the page shows), `has_address` (a mail address of the customer's own,
    see customers.selectors.primary_address).
    """
    drafts = Draft.objects.filter(ticket_id=OuterRef("pk"), staff=staff).order_by("updated_at")
    reads = TicketRead.objects.filter(ticket_id=OuterRef("pk"), staff=staff).values("seq")[:1]
    return {
        "read_seq": Subquery(reads),
        "own_drafts": ArraySubquery(drafts.values(words=JSONObject(kind="kind", text="text"))),
        "waiting": RawSQL(WAITING, [], output_field=JSONField()),
        "snapshot": PageSnapshot(),
        "watcher_names": RawSQL(WATCHERS, [], output_field=ArrayField(TextField())),
        "has_address": Exists(addresses_of(OuterRef(OuterRef("customer_id")))),
        **field_marks(),
    }


def delivery_states(ids: list[int]) -> dict[int, str]:
    """Return how far the deliveries of these answers came."""
    return dict(Delivery.objects.filter(pk__in=ids).values_list("pk", "state")) if ids else {}
