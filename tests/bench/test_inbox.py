"""The seeded data is as skewed as the benchmark says, and every case finds something to visit."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import psycopg
import pytest

from bench.desk.searching import BANDS
from bench.harness import raw_statement
from bench.inbox import choose_cases, scope_of
from bench.report import Report
from bench.seeding import BUSY
from bench.seeding.__main__ import seed
from bench.seeding.words import (
    ACKNOWLEDGEMENT,
    ANSWERS,
    FOLLOW_UPS,
    MOST_TAILS,
    OPENINGS,
    SHARE_A_TAIL,
    people_of,
    phone_of,
    sentence,
    tails_of,
)
from customers.selectors import find_customer_by_phone
from tests import servers

SIZE = 400
pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def seeded() -> Iterator[psycopg.Connection[Any]]:
    url = servers.database_url(servers.database_name())
    seed(SIZE, url, datetime.now(UTC))
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def test_seed_is_skewed_and_whole(seeded: psycopg.Connection[Any]) -> None:
    def one(statement: str, *params: Any) -> Any:
        row = seeded.execute(statement.encode(), params).fetchone()
        assert row is not None
        return row[0]

    assert one("SELECT count(*) FROM tickets_ticket") == SIZE
    mine = "SELECT count(*) FROM tickets_ticket t JOIN accounts_staff s ON s.id = t.assignee_id WHERE s.email = %s"
    assert one(mine + " AND t.status NOT IN ('resolved', 'closed')", BUSY) == SIZE // 5
    assert one("SELECT max(last_seq) FROM tickets_ticket") == 500
    assert 0.15 < one("SELECT avg((text LIKE %s)::int)::float FROM tickets_message", "%物流%") < 0.25
    told = "SELECT count(*) n FROM core_event WHERE order_id > 0 AND ticket_id IS NULL GROUP BY order_id"
    assert one(f"SELECT max(n) FROM ({told}) e") >= 40
    messages = "SELECT count(*) FROM tickets_message m WHERE m.ticket_id = t.id"
    assert one(f"SELECT count(*) FROM tickets_ticket t WHERE last_seq <> ({messages})") == 0
    assert one("SELECT count(*) FROM kpi_fact WHERE metric = 'tickets_opened'") == SIZE
    customer = find_customer_by_phone(phone_of(7, tails_of(people_of(SIZE))))
    assert customer is not None
    assert customer.pk == 7


def test_two_hundred_words_stand_as_often_as_their_bands_say() -> None:
    assert sum(len(set(words)) for words in BANDS.values()) == 200
    pick, asked = Random(1), []
    for kinds in (OPENINGS, ANSWERS, FOLLOW_UPS):
        asked += [sentence(pick, kinds) for _ in range(4000)]
        asked += [ACKNOWLEDGEMENT] * 800
    share = {word: sum(word in text for text in asked) / len(asked) for words in BANDS.values() for word in words}
    assert min(share[word] for word in BANDS["frequent"]) >= 0.02
    assert min(share[word] for word in BANDS["medium"]) >= 0.001
    assert max(share[word] for word in BANDS["medium"]) <= 0.012
    assert max(share[word] for word in BANDS["rare"]) <= 0.001


@pytest.mark.parametrize("tickets", [400, 1000, 100_000, 1_000_000])
def test_as_many_share_the_last_four_digits_at_every_size(tickets: int) -> None:
    people = people_of(tickets)
    phones = {phone_of(number, tails_of(people)) for number in range(1, people + 1)}
    assert len(phones) == people
    shared = Counter(phone[-4:] for phone in phones)
    assert len(shared) == min(MOST_TAILS, people // SHARE_A_TAIL)
    assert 0.9 * SHARE_A_TAIL <= min(shared.values()) <= max(shared.values()) <= 1.1 * SHARE_A_TAIL


def test_every_target_has_a_case_with_a_raw_statement_that_runs(seeded: psycopg.Connection[Any]) -> None:
    cases = choose_cases(seeded, 5, SIZE)
    told = Report("inbox", {}, also=("desk", "million")).targets()
    assert set(cases) | {"search_recall", "create", "reply", "assign", "agents"} == set(told)
    for name in ("create", "reply", "assign"):
        with seeded.transaction(force_rollback=True):
            values = {**scope_of(seeded, BUSY), "ticket": SIZE // 10}
            assert len(seeded.execute(raw_statement(f"inbox_{name}"), values).fetchall()) == 1
    for _who, case in cases.values():
        assert case.paths
        rows = seeded.execute(raw_statement(case.raw), case.raw_params[0]).fetchall()
        assert rows or case.name in {"any_view", "search_two_characters"} or case.raw.startswith("inbox_search")
