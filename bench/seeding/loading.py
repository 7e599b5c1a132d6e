"""COPY into tables without their secondary indexes, which are put back at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
TABLES = (
    "customers_customer", "customers_identity", "orders_order", "orders_item", "orders_parcel", "orders_scan",
    "tickets_ticket", "tickets_message", "tickets_read", "core_event", "accounts_notification",
)  # fmt: skip

INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
  FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
 WHERE t.relname = ANY(%s) AND t.relnamespace = 'public'::regnamespace AND NOT i.indisunique
"""


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Write rows by COPY; returns how many."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = 0
    with connection.cursor().copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


@contextmanager
def without_indexes(connection: Connection) -> Iterator[None]:
    """Drop the plain indexes of the big tables and the checks of foreign keys for a while, then build them again."""
    found = connection.execute(INDEXES, [list(TABLES)]).fetchall()
    for name, _definition in found:
        connection.execute(f"DROP INDEX {name}".encode())
    connection.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        connection.execute("SET session_replication_role = DEFAULT")
        connection.execute("SET maintenance_work_mem = '512MB'")
        for _name, definition in found:
            connection.execute(definition.replace(" ON ONLY ", " ON ").encode())


def set_sequences(connection: Connection) -> None:
    """Let new rows get ids above the seeded ones."""
    for table in TABLES:
        if table == "core_event":
            continue
        connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
            f" (SELECT coalesce(max(id), 0) + 1 FROM {table}), false)".encode()
        )
