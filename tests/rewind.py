"""Put a worker's database back to the state after the migrations, in milliseconds.

Truncating every table or copying the database again costs half a second and more, most of it for tables nobody
touched. So: delete from the tables that hold rows, put back the rows migrations wrote, reset the sequences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

TABLES = """
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by 1, 2
"""
SEQUENCES = "select schemaname, sequencename, last_value from pg_sequences order by 1, 2"
OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""

Name = tuple[str, str]


def _tables(connection: psycopg.Connection[Any]) -> list[Name]:
    return [(row[0], row[1]) for row in connection.execute(TABLES)]


def _filled(connection: psycopg.Connection[Any], tables: list[Name]) -> list[Name]:
    """Return the tables that hold at least one row, in one question."""
    parts = [
        sql.SQL("select {} where exists (select from {})").format(sql.Literal(number), sql.Identifier(*name))
        for number, name in enumerate(tables)
    ]
    return [tables[row[0]] for row in connection.execute(sql.SQL(" union all ").join(parts))] if parts else []


@dataclass
class Snapshot:
    """The tables, their rows and the sequences after the migrations."""

    url: str
    tables: list[Name] = field(default_factory=list)
    rows: dict[Name, bytes] = field(default_factory=dict)
    sequences: dict[Name, int | None] = field(default_factory=dict)

    def take(self) -> None:
        """Remember the present state."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            self.tables = _tables(connection)
            for name in _filled(connection, self.tables):
                with connection.cursor().copy(sql.SQL("copy {} to stdout").format(sql.Identifier(*name))) as copy:
                    self.rows[name] = b"".join(bytes(part) for part in copy)
            self.sequences = {(row[0], row[1]): row[2] for row in connection.execute(SEQUENCES)}

    def restore(self) -> bool:
        """Bring that state back, ending stray connections; False when tables came or went and only a copy helps."""
        with psycopg.connect(self.url) as connection:
            connection.execute(OTHERS)
            connection.execute("set local lock_timeout = '10s'")
            connection.execute("set local session_replication_role = replica")  # no triggers, no foreign keys
            if _tables(connection) != self.tables:
                return False
            for name in _filled(connection, self.tables):
                connection.execute(sql.SQL("delete from only {}").format(sql.Identifier(*name)))
            for name, content in self.rows.items():
                with connection.cursor().copy(sql.SQL("copy {} from stdin").format(sql.Identifier(*name))) as copy:
                    copy.write(content)
            for schema, sequence, value in connection.execute(SEQUENCES).fetchall():
                before = self.sequences.get((schema, sequence))
                if before != value:
                    place = sql.Literal(sql.Identifier(schema, sequence).as_string(connection))
                    connection.execute(
                        sql.SQL("select setval({}, {}, {})").format(
                            place, sql.Literal(before or 1), sql.Literal(before is not None)
                        )
                    )
        return True
