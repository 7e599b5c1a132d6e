"""One size of the company and what was measured there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from bench.harness import Case, Client, Site, Visit
from bench.report import percentile

FREE_MS = 5.0  # database time that needs no comparison
ALIKE, FEW_ALIKE = 0.1, 30  # pages whose lengths differ by no more show as much; fewer of them say nothing
Row = dict[str, Any]
Connection = psycopg.Connection[Any]


@dataclass
class Place:
    """One size: its running site, a connection for raw statements, and who is signed in."""

    size: int
    running: Site
    connection: Connection
    clients: dict[str, Client]
    cases: dict[str, tuple[str, Case]] = field(default_factory=dict)

    def rows(self, statement: str, params: Row | None = None) -> list[Row]:
        """Return the rows of a statement as dicts."""
        return rows_of(self.connection, statement, params or {})


def rows_of(connection: Connection, statement: str, params: Row) -> list[Row]:
    """Return the rows of a statement as dicts."""
    return connection.cursor(row_factory=dict_row).execute(statement.encode(), params).fetchall()


@dataclass
class Samples:
    """What the visits of one page took."""

    app: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    client: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    length: list[int] = field(default_factory=list)
    queries: int = 0
    fragments: int = 0

    def add(self, visit: Visit, raw: float | None) -> None:
        """Take one visit and the raw statement beside it, if it was run."""
        self.app.append(visit.app_ms)
        self.database.append(visit.db_ms)
        self.client.append(visit.client_ms)
        self.length.append(len(visit.body))
        if raw is not None:
            self.raw.append(raw)
        self.queries = max(self.queries, visit.queries)
        self.fragments = max(self.fragments, visit.fragments)


def figures(at: Samples, beside: Samples) -> dict[str, Any]:
    """Return a case's figures; `db_factor` is its database time over the raw statement's, 0 below five milliseconds.

    `growth` compares a page with the same page at the small size: the visits of a turn where both show as much (a view
    of a thousand tickets may have four rows where that of a hundred thousand has fifty). `alike` of `n` did; where
    hardly any did, and in `growth_all`, every visit is compared.
    """
    database, raw = middle(at.database), middle(at.raw)
    every = range(len(at.app))
    alike = [n for n in every if abs(at.length[n] - beside.length[n]) <= ALIKE * max(at.length[n], beside.length[n])]
    compared = alike if len(alike) >= FEW_ALIKE else every
    return {
        "n": len(at.app),
        "p50_ms": round(middle(at.app), 2),
        "p95_ms": round(percentile(at.app, 0.95), 2),
        "queries": at.queries,
        "db_ms": round(database, 2),
        "raw_ms": round(raw, 3),
        "db_factor": 0.0 if database <= FREE_MS else round(database / raw, 2),
        "client_p50_ms": round(middle(at.client), 2),
        "fragments": at.fragments,
        "small_p50_ms": round(middle(beside.app), 2),
        "small_queries": beside.queries,
        "more_queries": max(0, at.queries - beside.queries),
        "growth": round(middle([at.app[n] for n in compared]) / middle([beside.app[n] for n in compared]), 2),
        "growth_all": round(middle(at.app) / middle(beside.app), 2),
        "alike": len(alike),
        "growth_p95": round(percentile(at.app, 0.95) / percentile(beside.app, 0.95), 2),
    }


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return percentile(values, 0.5)
