"""Messages that hold some words, newest first, however many were ever written.

The newest few hundred are read as they come: a common word is found there at once. Then the index is asked one bucket
of message ids at a time, so that what is read and sorted is what a bucket holds. What is older than those buckets is
asked for at last: a word that got so far is rare. So the cost follows from what is wanted, not from how much there is,
and hangs on no planner's guess. A ticket's subject stands beside its first message (a trigger keeps it there), so one
stream finds both.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, QuerySet
from django.db.models.expressions import RawSQL

from tickets.models import Ticket

NEWEST = 500
BUCKETS = 8
BUCKET_BITS = 14
SMALLEST, SMALLEST_FILTERED, LARGEST = 100, 500, 1500
# For a word that also finds longer ones: each bucket collects all there is of them anew, so another bucket costs more
# than another question.
SMALLEST_OPEN = 45
MARGIN = 1.3


class Said(NamedTuple):
    """A message that holds the words: its id, the fitting ticket that shows it (the one joined into), its text."""

    id: int
    ticket_id: int
    text: str


# Each message is asked by itself whether its ticket fits: the primary key is the only way there, whatever is guessed.
SHOWN_BY = (
    "tickets_ticket.id = (SELECT coalesce(o.merged_into_id, o.id) FROM tickets_ticket o WHERE o.id = f.ticket_id)"
)
FITS = """LEFT JOIN LATERAL ({fitting}) s ON true
 ORDER BY f.id DESC"""
NEWEST_ONES = f"""
WITH newest AS MATERIALIZED (SELECT id, ticket_id, text, search FROM tickets_message ORDER BY id DESC LIMIT %s)
SELECT f.id, s.id, CASE WHEN s.id IS NOT NULL THEN f.text END, (SELECT min(id) FROM newest)
  FROM (SELECT 1) one LEFT JOIN newest f ON f.search @@ cs_query(%s)
  {FITS}"""  # allowed: a constant
IN_BUCKETS = f"""
SELECT f.id, s.id, CASE WHEN s.id IS NOT NULL THEN f.text END
  FROM (SELECT m.* FROM generate_series(%s::bigint, %s::bigint, -1) bucket,
               LATERAL (SELECT id, ticket_id, text FROM tickets_message
                         WHERE (id >> 14) = bucket AND search @@ cs_query(%s) AND id < %s
                         ORDER BY id DESC LIMIT %s) m
         LIMIT %s) f
  {FITS}"""  # allowed: a constant
# `id + 0`, so that no planner hopes to meet a rare word soon by walking down the primary key.
OLDER_ONES = f"""
SELECT f.id, s.id, CASE WHEN s.id IS NOT NULL THEN f.text END
  FROM (SELECT id, ticket_id, text FROM tickets_message
         WHERE search @@ cs_query(%s) AND id + 0 < %s ORDER BY id + 0 DESC LIMIT %s) f
  {FITS}"""  # allowed: a constant


def messages_with(
    words: str, fitting: QuerySet[Ticket], *, wanted: int, smallest: int = SMALLEST
) -> Iterator[tuple[list[Said], int]]:
    """Yield the messages of fitting tickets that hold the words, in batches until there are no more.

    Each batch comes with how many messages with the words were looked at for it: as many as are likely to hold the
    `wanted` tickets by the share of fitting ones so far, `smallest` where nothing is known yet.
    """
    one = fitting.filter(RawSQL(SHOWN_BY, [], output_field=BooleanField())).order_by().values("id")[:1]
    try:
        fits, values = one.query.sql_with_params()
    except EmptyResultSet:  # no ticket can fit
        return
    found = _ask(NEWEST_ONES, fits, NEWEST, words, *values)
    below = found[0][3]
    batch, looked_at = _said(found), sum(row[0] is not None for row in found)
    yield batch, looked_at
    if below is None:
        return
    tickets, span, walked, met = {said.ticket_id for said in batch}, BUCKETS, 0, 0
    while below > 0:
        size = max(_likely(wanted, len(tickets), looked_at), smallest)
        top = (below - 1) >> BUCKET_BITS
        bottom = max(top - span + 1, 0) if span else 0
        if span:
            rows = _ask(IN_BUCKETS, fits, top, bottom, words, below, size, size, *values)
        else:
            rows = _ask(OLDER_ONES, fits, words, below, size, *values)
        batch = _said(rows)
        yield batch, len(rows)
        tickets |= {said.ticket_id for said in batch}
        looked_at += len(rows)
        below = rows[-1][0] if len(rows) == size else bottom << BUCKET_BITS
        walked, met = walked + top - (below >> BUCKET_BITS) + 1, met + len(rows)
        span = _span(met / walked, below >> BUCKET_BITS, max(_likely(wanted, len(tickets), looked_at), smallest))


def _span(density: float, left: int, size: int) -> int:
    """Return how many buckets more to ask for `size` messages by how many a bucket held; 0: all that are left at once,
    as there are few messages in them."""
    return max(ceil(size / density), BUCKETS) if density * left > LARGEST else 0


def _likely(wanted: int, have: int, looked_at: int) -> int:
    return min(int(MARGIN * (wanted - have) * looked_at / max(have, 0.5)), LARGEST)


def _said(rows: list[tuple[Any, ...]]) -> list[Said]:
    return [Said(*row[:3]) for row in rows if row[1] is not None]


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


def _ask(statement: str, fits: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement.format(fitting=fits), values)
        return cursor.fetchall()
