"""bin/bench inbox --tickets N: the desk's pages at N tickets, beside the same pages at 1,000 and beside raw SQL.

Both sizes run at once and are visited in turn, so that a busy machine slows both alike. `growth` is the median of a
page at N over its median at the small size, where both show as much; `spread` is how many more statements a full list
costs than one of one row. Pages and searches come first, then what changes something, then eight agents at once; the
small place, which that changes noticeably, is filled anew the next time.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import psycopg

from bench.desk.agents import work
from bench.desk.places import Connection, Place, Row, Samples, figures, rows_of
from bench.desk.searching import recall, searches
from bench.desk.writing import Writer, measure_write
from bench.harness import TOPOLOGY, Case, Site, raw_ms, site
from bench.report import Report
from bench.seeding import BUSY, LEAD, ONE, PASSWORD
from bench.seeding.words import LATIN, TOPICS, people_of, phone_of, tails_of
from cs_portal.runtime.faults import StartError
from cs_portal.runtime.stack import ROOT, schema_digest

SMALL = 1000
RAW_MS = 60_000.0  # beyond that a case's raw statement is known well enough
PLAIN_WARM_UP = 12
MILLION = 1_000_000
AGENTS_SECONDS = 90


def main(argv: Sequence[str]) -> int:
    """Measure every page at both sizes; returns 0 when no target is missed."""
    parser = argparse.ArgumentParser(prog="bin/bench inbox")
    parser.add_argument("--tickets", type=int, default=100_000, help="with four times as many messages")
    parser.add_argument("--samples", type=int, default=300, help="visits of each page")
    parser.add_argument(
        "--only", default="", help="measure cases whose name begins with one of A,B; the others count as missed"
    )
    options = parser.parse_args(argv)
    params = {"tickets": options.tickets, "messages": options.tickets * 4, "beside": SMALL, "samples": options.samples}
    also = ("desk", "million") if options.tickets >= MILLION else ("desk",)
    report = Report("inbox", params, TOPOLOGY, also=also)
    try:
        with ExitStack() as stack:
            small = open_place(stack, SMALL, options.samples)
            big = small if options.tickets == SMALL else open_place(stack, options.tickets, options.samples)
            for name, measured in measures(big, small, options.samples).items():
                if name.startswith(tuple(options.only.split(","))):
                    report.cases[name] = measured()
                    print(f"{name}: {report.cases[name]}", file=sys.stderr, flush=True)
    except StartError as error:
        print(error, file=sys.stderr)
    full, single = (report.cases.get(name) for name in ("first_page", "first_page_one_row"))
    if full and single:
        single["spread"] = abs(full["queries"] - single["queries"])
    return report.finish()


def measures(big: Place, small: Place, samples: int) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what is measured by name, in order."""
    found: dict[str, Callable[[], dict[str, Any]]] = {
        name: partial(measure_both, name, big, small, samples) for name in big.cases
    }
    scope = scope_of(big.connection, BUSY)
    found["search_recall"] = lambda: {"recall": recall(big, big.clients[BUSY], scope)}
    writers = tuple(Writer(place, scope_of(place.connection, BUSY)) for place in (big, small))

    def written(name: str) -> dict[str, Any]:
        _stamp(SMALL).unlink(missing_ok=True)
        return measure_write(name, writers[0], writers[1], samples)

    found |= {name: partial(written, name) for name in writers[0].acts}
    found["agents"] = lambda: work(big, AGENTS_SECONDS)
    return found


# --- data ------------------------------------------------------------------------------------------------------------
def digest() -> str:
    """Name the data: the schema and how it is filled."""
    files = sorted((ROOT / "bench" / "seeding").glob("*.*"))
    words = "".join(path.name + path.read_text(encoding="utf-8") for path in files if path.suffix in {".py", ".sql"})
    return hashlib.sha256((schema_digest() + words).encode()).hexdigest()[:16]


def open_place(stack: ExitStack, size: int, samples: int) -> Place:
    """Start the site of a size, filled when it is not yet, and choose what is visited there."""
    name, wanted, stamp = f"inbox-{size}", digest(), _stamp(size)
    if stamp.parent.exists() and (not stamp.exists() or stamp.read_text() != wanted):
        shutil.rmtree(stamp.parent)  # another schema or half filled: cheaper to make anew than to mend

    def fill(running: Site) -> None:
        env = running.process_env(DB_STATEMENT_TIMEOUT_MS="0", PYTHONPATH=str(ROOT), PGOPTIONS="-c work_mem=128MB")
        done = subprocess.run([sys.executable, "-m", "bench.seeding", str(size)], env=env, cwd=ROOT, check=False)
        if done.returncode:
            raise StartError(f"seeding {size} tickets failed")
        stamp.write_text(wanted)

    running = stack.enter_context(site(name, seeded=wanted, seed=fill))
    connection = stack.enter_context(psycopg.connect(running.postgres.url(), autocommit=True))
    # what the writes of an earlier run still owe (mails to nobody, tried again and again) would be measured along
    left = connection.execute("DELETE FROM core_job WHERE state = 'ready'").rowcount
    # a place is a few minutes old at every start, its writes stand close together: what autovacuum would have done
    connection.execute("VACUUM (ANALYZE)")
    print(f"inbox-{size}: {left} jobs of earlier runs dropped", file=sys.stderr)
    clients = {}
    for email in (BUSY, ONE, LEAD):
        clients[email] = running.client()
        clients[email].sign_in(email, PASSWORD)
    place = Place(size, running, connection, clients)
    place.cases = choose_cases(connection, samples, size)
    return place


def _stamp(size: int) -> Path:
    return ROOT / "var" / "bench" / f"inbox-{size}" / "filled-by"


def scope_of(connection: Connection, email: str) -> Row:
    """Return what the permission filters of the raw statements need: the person, her teams and shops."""
    rows = rows_of(
        connection,
        """SELECT s.id AS me, array_agg(t.id) AS teams,
                  CASE WHEN bool_or(t.shop_ids = '{}') THEN (SELECT array_agg(id) FROM orders_shop)
                       ELSE (SELECT array_agg(DISTINCT shop)
                                FROM accounts_team o JOIN accounts_membership om ON om.team_id = o.id,
                             unnest(o.shop_ids) shop WHERE om.staff_id = s.id) END AS shops
             FROM accounts_staff s JOIN accounts_membership m ON m.staff_id = s.id
              JOIN accounts_team t ON t.id = m.team_id
            WHERE s.email = %(email)s GROUP BY s.id""",
        {"email": email},
    )
    return rows[0]


def choose_cases(connection: Connection, samples: int, size: int) -> dict[str, tuple[str, Case]]:
    """Choose at random what each case visits; returns name → (who is signed in, case)."""
    pick = Random(samples)
    busy, one, lead = (scope_of(connection, email) for email in (BUSY, ONE, LEAD))
    cases: dict[str, tuple[str, Case]] = {}

    def add(
        name: str, paths: list[str], raw: str = "", params: list[Row] | None = None, who: str = BUSY, base: Row = busy
    ) -> None:
        cases[name] = who, Case(name, paths, f"inbox_{raw or name}", [{**base, **row} for row in params or [{}]])

    add("first_page", ["/desk/?view=mine"])
    add("first_page_one_row", ["/desk/?view=mine"], "first_page", who=ONE, base=one)
    views = [
        "unassigned",
        "open",
        "risk",
        "overdue",
        "waiting",
        "resolved",
        "spam",
        *(f"team-{pk}" for pk in busy["teams"]),
    ]
    add("any_view", [f"/desk/?view={view}" for view in views], "open_page")
    add("view_counts", ["/desk/views/?view=mine"])
    ends = _ends_of_pages(connection, busy["me"], samples, pick)
    add("deep_page", [f"/desk/?view=mine&before={row['cursor']}" for row in ends], params=ends)
    tickets = rows_of(connection, VISIBLE_TICKETS, {**busy, "n": samples})
    add("ticket", [f"/desk/t/{row['ticket']}/?view=mine" for row in tickets], params=tickets)
    longest = rows_of(connection, "SELECT id AS ticket FROM tickets_ticket ORDER BY last_seq DESC LIMIT 1", {})
    add("ticket_500_messages", [f"/desk/t/{row['ticket']}/?view=mine" for row in longest], "ticket", longest)
    orders = rows_of(connection, VISIBLE_ORDERS, {**busy, "n": samples})
    add("lookup_number", [f"/desk/orders/?q={row['number']}" for row in orders], params=orders)
    add("lookup_tracking", [f"/desk/orders/?q={row['tracking']}" for row in orders], params=orders)
    tails = tails_of(people_of(size))
    phones = [phone_of(row["customer"], tails)[3:] for row in orders]
    add("lookup_phone", [f"/desk/orders/?q={phone}" for phone in phones], params=orders)
    add("lookup_last4", [f"/desk/orders/?q={phone[-4:]}" for phone in phones], params=orders)
    asked = rows_of(connection, ASKED_ORDERS, {**busy, "n": samples})
    add("find_order_number", [f"/desk/search/?q={row['number']}" for row in asked], params=asked)
    known = [phone_of(row["customer"], tails)[3:] for row in asked]
    add("find_phone", [f"/desk/search/?q={phone}" for phone in known], params=asked)
    for name, words in (("search_two_characters", TOPICS), ("search_common_word", ("物流",)), ("search_latin", LATIN)):
        wanted = [pick.choice(words) for _ in range(samples)]
        add(name, [f"/desk/search/?q={quote(word)}" for word in wanted], "search", [{"words": word} for word in wanted])
    for name, (raw, addresses, values) in searches(samples, pick, size).items():
        add(name, addresses, raw, values)
    days = rows_of(connection, DAYS, {"n": samples})
    add("board_day", [f"/board/?span=day&day={row['day']}" for row in days], "board", days, LEAD, lead)
    months = [{**row, "first": row["month_first"], "last": row["month_last"]} for row in days]
    add("board_month", [f"/board/?span=month&day={row['day']}" for row in days], "board", months, LEAD, lead)
    return cases


VISIBLE_TICKETS = """
SELECT id AS ticket FROM tickets_ticket
 WHERE team_id = ANY(%(teams)s) OR assignee_id = %(me)s ORDER BY md5(id::text) LIMIT %(n)s
"""
VISIBLE_ORDERS = """
SELECT o.id AS "order", o.number, p.tracking_number AS tracking, o.customer_id AS customer, o.phone_index AS phone,
       o.phone_last4_index AS last4
  FROM orders_order o JOIN orders_parcel p ON p.order_id = o.id
 WHERE o.shop_id = ANY(%(shops)s) ORDER BY md5(o.number) LIMIT %(n)s
"""
ASKED_ORDERS = """
SELECT o.number, o.customer_id AS customer, o.phone_index AS phone FROM orders_order o
 WHERE o.id IN (SELECT t.order_id FROM tickets_ticket t
                 WHERE (t.team_id = ANY(%(teams)s) OR t.assignee_id = %(me)s) AND t.merged_into_id IS NULL)
 ORDER BY md5(o.number) LIMIT %(n)s
"""
DAYS = """
SELECT day::text AS day, day AS last, day - 13 AS first,
       (date_trunc('month', day) - interval '1 month')::date AS month_first,
       (date_trunc('month', day) + interval '1 month - 1 day')::date AS month_last
  FROM (SELECT (now() - n * interval '1 day')::date AS day FROM generate_series(1, 380) n
         ORDER BY md5(n::text) LIMIT %(n)s) d
"""


def _ends_of_pages(connection: Connection, me: int, samples: int, pick: Random) -> list[Row]:
    """Return cursors deep in the busy agent's list, the deepest still with a full page behind it."""
    rows = rows_of(
        connection,
        "SELECT last_message_at AS at, id FROM tickets_ticket WHERE assignee_id = %(me)s AND NOT is_spam"
        " AND status NOT IN ('resolved', 'closed') ORDER BY last_message_at DESC, id DESC",
        {"me": me},
    )
    chosen = [rows[pick.randrange(len(rows) // 4, max(len(rows) - 60, len(rows) // 4 + 1))] for _ in range(samples)]
    return [
        {**row, "cursor": f"{int(row['at'].timestamp()) * 1_000_000 + row['at'].microsecond}-{row['id']}"}
        for row in chosen
    ]


# --- measuring -------------------------------------------------------------------------------------------------------
def measure_both(name: str, big: Place, small: Place, samples: int) -> dict[str, Any]:
    """Visit a page at both sizes in turn and run its raw statement in between, until that has had its time."""
    found = {place.size: Samples() for place in (big, small)}
    spent = dict.fromkeys(found, 0.0)
    for number in range(-PLAIN_WARM_UP, samples):
        for place in (big, small):
            who, case = place.cases[name]
            turn = number % len(case.paths)
            visit = place.clients[who].visit(case.paths[turn])
            raw = None
            if spent[place.size] < RAW_MS:
                raw = raw_ms(place.connection, case.raw, case.raw_params[number % len(case.raw_params)])
            if number >= 0:
                spent[place.size] += raw or 0.0
                found[place.size].add(visit, raw)
    return figures(found[big.size], found[small.size])
