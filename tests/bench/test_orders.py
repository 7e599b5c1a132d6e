"""The orders of the benchmark are whole and skewed, and every case finds something to visit."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from bench.harness import raw_statement
from bench.orders import choose_cases
from bench.report import Report
from bench.trading.__main__ import seed
from tests import servers

SIZE = 600
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def seeded() -> Iterator[psycopg.Connection[Any]]:
    url = servers.database_url(servers.database_name())
    seed(SIZE, url, datetime.now(UTC))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_seed_is_skewed_and_every_case_has_a_raw_statement_that_finds_rows(
    seeded: psycopg.Connection[Any],
) -> None:
    def one(statement: str) -> Any:
        row = seeded.execute(statement.encode()).fetchone()
        assert row is not None
        return row[0]

    assert one("SELECT count(*) FROM orders_order") == SIZE
    assert one("SELECT max(n) FROM (SELECT count(*) n FROM orders_parcel GROUP BY order_id) p") >= 3
    assert one("SELECT max(n) FROM (SELECT count(*) n FROM orders_scan GROUP BY parcel_id) s") >= 12
    ranks = (
        "SELECT count(*) FROM orders_parcel p LEFT JOIN LATERAL (SELECT status, at FROM orders_scan s"
        " WHERE s.parcel_id = p.id ORDER BY at DESC LIMIT 1) s ON true"
        " WHERE (p.status, p.last_scan_at) IS DISTINCT FROM (s.status, s.at)"
    )
    assert one(ranks) == 0
    told = "SELECT count(*) FROM core_event WHERE kind = 'order.placed'"
    assert one(told) == SIZE
    steps = (
        "SELECT count(*) FROM orders_order o WHERE (shipped_at IS NULL) = EXISTS"
        " (SELECT FROM orders_parcel p WHERE p.order_id = o.id)"
    )
    assert one(steps) == 0
    cases = choose_cases(seeded, 5)
    assert set(cases) == set(Report("orders", {}).targets())
    for _who, case in cases.values():
        assert case.paths
        assert seeded.execute(raw_statement(case.raw), case.raw_params[0]).fetchall(), case.name
