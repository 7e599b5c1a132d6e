"""Eight agents at once, each with a browser of her own: lists, tickets, answers, searches, and time to think."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any
from urllib.parse import quote

from bench.desk.places import Place, middle
from bench.desk.searching import BANDS
from bench.desk.writing import HIDDEN, TEXT
from bench.harness import Client
from bench.report import percentile
from bench.seeding import PASSWORD

AGENTS, THINK = 8, 2.0  # how many, and the seconds one thinks on average
ACTS, WEIGHTS = ("list", "ticket", "reply", "search"), (40, 40, 10, 10)
VIEWS = ("mine", "unassigned", "open", "risk", "overdue", "waiting")
TICKET = re.compile(r'href="/desk/t/(\d+)/')


def work(place: Place, seconds: float) -> dict[str, Any]:
    """Let them work; returns what the client waited for each act, think time not counted."""
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(AGENTS) as pool:
        shifts = list(pool.map(lambda number: _shift(place, number, end), range(AGENTS)))
    waited = [one for shift in shifts for one in shift]
    by_act = {act: [took for name, took in waited if name == act] for act in ACTS}
    everything = [took for _act, took in waited]
    return {
        "n": len(everything),
        "p50_ms": round(middle(everything), 2),
        "p95_ms": round(percentile(everything, 0.95), 2),
        "p99_ms": round(percentile(everything, 0.99), 2),
        **{f"{act}_p95_ms": round(percentile(took, 0.95), 2) for act, took in by_act.items() if took},
    }


def _shift(place: Place, number: int, end: float) -> list[tuple[str, float]]:
    client, pick = place.running.client(), Random(number)
    client.sign_in(f"agent{number % 3}{number // 3}@bench.example", PASSWORD)
    known: list[str] = TICKET.findall(client.visit("/desk/?view=open").body)
    waited = []
    while time.monotonic() < end:
        time.sleep(pick.expovariate(1 / THINK))
        act = pick.choices(ACTS, WEIGHTS)[0]
        took, seen = _do(act, client, pick, known)
        known = seen or known
        waited.append((act, took))
    return waited


def _do(act: str, client: Client, pick: Random, known: Sequence[str]) -> tuple[float, list[str]]:
    """Do one thing; returns the milliseconds it took and the tickets a list showed."""
    if act == "list":
        page = client.visit(f"/desk/?view={pick.choice(VIEWS)}")
        return page.client_ms, TICKET.findall(page.body)
    if act == "search":
        word = pick.choice(pick.choice(list(BANDS.values())))
        return client.visit(f"/desk/search/?q={quote(word)}").client_ms, []
    ticket = pick.choice(known)
    page = client.visit(f"/desk/t/{ticket}/?view=open")
    if act == "ticket":
        return page.client_ms, []
    form = dict(HIDDEN.findall(page.body.partition('id="composer"')[2].partition("</form>")[0]))
    fields = {**form, "kind": "public", "text": TEXT, "anyway": "1"}
    return client.post(f"/desk/t/{ticket}/reply/?view=open", form=fields).client_ms, []
