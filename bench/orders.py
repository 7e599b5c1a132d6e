"""bin/bench orders --orders N: what an agent looks up at N orders, beside the same at 10,000 and beside raw SQL.

Both sizes run at once and are visited in turn, as in the benchmark of the desk. Each order has its lines, payment,
parcels, scans and events; a tenth as many tickets hang on them. A case's figure is the page with every fragment that
it loads by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlencode

import psycopg

from bench.desk.places import Connection, Place, Row, rows_of
from bench.harness import TOPOLOGY, Case, Site, site
from bench.inbox import measure_both, scope_of
from bench.report import Report
from bench.seeding import BUSY, PASSWORD
from bench.seeding.words import phone_of
from cs_portal.runtime.faults import StartError
from cs_portal.runtime.stack import ROOT, schema_digest

SMALL = 10_000
MILLION = 1_000_000


def main(argv: Sequence[str]) -> int:
    """Measure every page at both sizes; returns 0 when no target is missed."""
    parser = argparse.ArgumentParser(prog="bin/bench orders")
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--samples", type=int, default=300, help="visits of each page")
    parser.add_argument("--only", default="", help="measure cases whose name begins with one of A,B")
    options = parser.parse_args(argv)
    params = {"orders": options.orders, "beside": SMALL, "samples": options.samples}
    report = Report("orders", params, TOPOLOGY)
    try:
        with ExitStack() as stack:
            small = open_place(stack, SMALL, options.samples)
            big = small if options.orders == SMALL else open_place(stack, options.orders, options.samples)
            report.params = {**params, "rows": counted(big)}
            measures = {name: partial(measure_both, name, big, small, options.samples) for name in big.cases}
            for name, measured in measures.items():
                if name.startswith(tuple(options.only.split(","))):
                    report.cases[name] = measured()
                    print(f"{name}: {report.cases[name]}", file=sys.stderr, flush=True)
    except StartError as error:
        print(error, file=sys.stderr)
    return report.finish()


def digest() -> str:
    """Name the data: the schema and how it is filled."""
    files = sorted(path for name in ("seeding", "trading") for path in (ROOT / "bench" / name).glob("*.*"))
    words = "".join(path.name + path.read_text(encoding="utf-8") for path in files if path.suffix in {".py", ".sql"})
    return hashlib.sha256((schema_digest() + words).encode()).hexdigest()[:16]


def open_place(stack: ExitStack, size: int, samples: int) -> Place:
    """Start the site of a size, filled when it is not yet, and choose what is visited there."""
    name, wanted = f"orders-{size}", digest()
    stamp = ROOT / "var" / "bench" / name / "filled-by"
    if stamp.parent.exists() and (not stamp.exists() or stamp.read_text() != wanted):
        shutil.rmtree(stamp.parent)  # another schema or half filled: cheaper to make anew than to mend

    def fill(running: Site) -> None:
        env = running.process_env(DB_STATEMENT_TIMEOUT_MS="0", PYTHONPATH=str(ROOT), PGOPTIONS="-c work_mem=128MB")
        done = subprocess.run([sys.executable, "-m", "bench.trading", str(size)], env=env, cwd=ROOT, check=False)
        if done.returncode:
            raise StartError(f"seeding {size} orders failed")
        stamp.write_text(wanted)

    running = stack.enter_context(site(name, seeded=wanted, seed=fill))
    connection = stack.enter_context(psycopg.connect(running.postgres.url(), autocommit=True))
    connection.execute("VACUUM (ANALYZE)")  # what autovacuum would have done by now
    client = running.client()
    client.sign_in(BUSY, PASSWORD)
    place = Place(size, running, connection, {BUSY: client})
    place.cases = choose_cases(connection, samples)
    return place


def counted(place: Place) -> Row:
    """Return how many rows the large tables hold, as PostgreSQL estimates after ANALYZE."""
    names = ["orders_order", "orders_item", "orders_parcel", "orders_scan", "orders_exception", "tickets_ticket"]
    rows = place.rows(
        "SELECT relname, reltuples::bigint AS n FROM pg_class WHERE relname = ANY(%(names)s)", {"names": names}
    )
    events = "SELECT coalesce(sum(reltuples), 0)::bigint AS n FROM pg_class WHERE relname ~ '^core_event_p'"
    return {row["relname"]: row["n"] for row in rows} | {"core_event": place.rows(events)[0]["n"]}


def choose_cases(connection: Connection, samples: int) -> dict[str, tuple[str, Case]]:
    """Choose what each case visits; returns name → (who is signed in, case)."""
    base = scope_of(connection, BUSY)
    cases: dict[str, tuple[str, Case]] = {}

    def add(name: str, paths: list[str], params: list[Row], raw: str = "") -> None:
        cases[name] = BUSY, Case(name, paths, f"orders_{raw or name}", [{**base, **row} for row in params])

    orders = rows_of(connection, CHOSEN, {**base, "n": samples})
    add("lookup_number", [f"/desk/orders/?q={row['number']}" for row in orders], orders)
    phones = [phone_of(row["customer"])[3:] for row in orders]
    add("lookup_phone", [f"/desk/orders/?q={phone}" for phone in phones], orders)
    add("lookup_tracking", [f"/desk/orders/?q={row['tracking']}" for row in orders], orders)
    add("order_page", [f"/desk/orders/{row['order']}/" for row in orders], orders)
    add("customer_page", [f"/desk/customers/{row['customer']}/" for row in orders], orders)
    add("exceptions_queue", ["/desk/exceptions/", "/desk/exceptions/?tab=open"], [{}])
    add("list_first", ["/desk/orders/"], [{}], "list")
    add("list_deep", [f"/desk/orders/?{urlencode({'before': cursor(row)})}" for row in orders], orders)
    return cases


def cursor(row: Row) -> str:
    """Return where the list goes on after an order."""
    return f"{row['placed_at'].timestamp():.6f}_{row['order']}"


CHOSEN = """
SELECT DISTINCT ON (md5(o.number)) o.id AS "order", o.number, p.tracking_number AS tracking, o.customer_id AS customer,
       o.phone_index AS phone, o.placed_at
  FROM orders_order o JOIN orders_parcel p ON p.order_id = o.id
 WHERE o.shop_id = ANY(%(shops)s) ORDER BY md5(o.number), p.id LIMIT %(n)s
"""
