"""Messages that hold some words, newest first, however many were ever written.

The newest few hundred are read as they come: a common word is found there at once. Then the index is asked one bucket
of message ids at a time, so that what is read and sorted is what a bucket holds. What is older than those buckets is
asked for at last: a word that got so far is rare. So the cost follows from what is wanted, not from how much there is,
and hangs on no planner's guess. A ticket's subject stands beside its first message (a trigger keeps it there), so one
stream finds both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from tickets.models import Ticket

NEWEST = 500
BUCKETS = 8
LARGEST = 1500


class Said(NamedTuple):
    """A message that holds the words: its id, the ticket that shows it (the one joined into), its text."""

    id: int
    ticket_id: int
    text: str


NEWEST_ONES = """
WITH newest AS MATERIALIZED (SELECT id, ticket_id, text, search FROM tickets_message ORDER BY id DESC LIMIT %(size)s)
SELECT n.id, coalesce(t.merged_into_id, t.id), n.text, (SELECT min(id) FROM newest)
  FROM (SELECT 1) one LEFT JOIN newest n ON n.search @@ cs_query(%(words)s)
  LEFT JOIN tickets_ticket t ON t.id = n.ticket_id
 ORDER BY n.id DESC
"""
IN_BUCKETS = """
SELECT f.id, coalesce(t.merged_into_id, t.id), f.text
  FROM (SELECT m.* FROM generate_series(%(top)s::bigint, %(bottom)s::bigint, -1) bucket,
               LATERAL (SELECT id, ticket_id, text FROM tickets_message
                         WHERE (id >> 14) = bucket AND search @@ cs_query(%(words)s) AND id < %(below)s
                         ORDER BY id DESC LIMIT %(size)s) m
         LIMIT %(size)s) f
  JOIN tickets_ticket t ON t.id = f.ticket_id
 ORDER BY f.id DESC
"""
OLDER_ONES = """
SELECT f.id, coalesce(t.merged_into_id, t.id), f.text
  FROM (SELECT id, ticket_id, text FROM tickets_message
         WHERE search @@ cs_query(%(words)s) AND id < %(below)s
         ORDER BY id DESC LIMIT %(size)s) f
  JOIN tickets_ticket t ON t.id = f.ticket_id
 ORDER BY f.id DESC
"""


def messages_with(words: str, *, size: int) -> Iterator[list[Said]]:
    """Yield the messages that hold the words in batches, the first about `size` long, until there are no more."""
    found = _ask(NEWEST_ONES, words=words, size=NEWEST)
    below = found[0][3]
    yield [Said(*row[:3]) for row in found if row[0] is not None]
    if below is None:
        return
    top = (below - 1) >> 14
    bottom = max(top - BUCKETS + 1, 0)
    for statement, floor in ((IN_BUCKETS, bottom << 14), (OLDER_ONES, 0)):
        while below > floor:
            rows = _ask(statement, words=words, below=below, size=size, top=(below - 1) >> 14, bottom=bottom)
            yield [Said(*row) for row in rows]
            below = rows[-1][0] if len(rows) == size else floor
            size = min(size * 5, LARGEST)


EVERY_ONE = """
WITH fitting AS MATERIALIZED ({fitting}),
     shown AS (SELECT id, id AS ticket FROM fitting
               UNION ALL SELECT t.id, t.merged_into_id FROM tickets_ticket t JOIN fitting f ON f.id = t.merged_into_id)
SELECT max(m.id), s.ticket FROM shown s JOIN tickets_message m ON m.ticket_id = s.id
 WHERE m.search @@ cs_query(%s)
 GROUP BY s.ticket ORDER BY 1 DESC LIMIT %s
"""


def tickets_with(words: str, fitting: QuerySet[Ticket], *, most: int) -> dict[int, int]:
    """Return ticket id → newest message with the words, for the newest of the fitting tickets: all of them are read."""
    statement, values = fitting.order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(EVERY_ONE.format(fitting=statement), [*values, words, most])
        return {ticket: message for message, ticket in cursor.fetchall()}


def _ask(statement: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
