"""The board: few statements, one moment, each number with exactly its rows, files of any length."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from openpyxl import load_workbook

from core.actors import SYSTEM
from core.events import Fact, record_many
from kpi.services import advance_folds
from tests.factories.accounts import make_staff
from tests.kpi.test_folds import START, Subject, dims, life_of
from tickets.events import TicketOpened

DAY = START.date().isoformat()


def _record(first: int, last: int) -> None:
    """Record tickets opened at START and fold them."""
    opened = [Fact("ticket.opened", Subject(pk), SYSTEM, START, TicketOpened(**dims(pk))) for pk in range(first, last)]
    with transaction.atomic():
        record_many(opened, origin="live", untrusted=False)
    advance_folds(at=START)


def _signed_in(client: Client) -> None:
    client.force_login(make_staff(roles=["manager"]))


def _count_statements(client: Client, path: str) -> int:
    client.get(path)
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        assert client.get(path).status_code == 200
    return len(seen)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("span", ["day", "week", "month"])
def test_the_board_takes_twelve_statements_whatever_it_shows(client, span):
    _signed_in(client)
    path = f"/board/?span={span}&day={DAY}"
    empty = _count_statements(client, path)
    dice = random.Random(2)
    with transaction.atomic():
        record_many([f for pk in range(1, 40) for f in life_of(pk, dice)], origin="live", untrusted=False)
    advance_folds(at=START)
    assert empty <= 12
    assert _count_statements(client, path) <= 12
    assert _count_statements(client, f"{path}&channel=form") <= 12


@pytest.mark.django_db(transaction=True)
def test_the_rows_take_as_many_statements_for_three_as_for_one(client):
    _signed_in(client)
    path = f"/board/rows/tickets_opened/?span=day&day={DAY}"
    _record(1, 2)
    one = _count_statements(client, path)
    _record(2, 4)
    assert _count_statements(client, path) == one


def _fold_between(statement: str, happen: Callable[[], None]) -> Any:
    """Have something committed elsewhere right after the first statement that names a table."""
    waiting = [happen]

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if statement in sql and waiting:
            thread = threading.Thread(target=_and_close(waiting.pop()))
            thread.start()
            thread.join()
        return result

    return connection.execute_wrapper(wrapper)


def _and_close(happen: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            happen()
        finally:
            connection.close()

    return run


@pytest.mark.django_db(transaction=True)
def test_a_figure_and_its_rows_are_of_one_moment(client):
    _signed_in(client)
    _record(1, 4)
    path = f"/board/rows/tickets_opened/?span=day&day={DAY}"
    with _fold_between("kpi_shop_day", lambda: _record(4, 9)):
        context = client.get(path).context
    assert (context["card"]["n"], len(context["rows"])) == (3, 3)
    context = client.get(path).context
    assert (context["card"]["n"], len(context["rows"])) == (8, 8)


@pytest.mark.django_db(transaction=True)
def test_the_board_is_of_one_moment(client):
    _signed_in(client)
    dice = random.Random(2)
    with transaction.atomic():
        record_many([f for pk in range(1, 9) for f in life_of(pk, dice)], origin="live", untrusted=False)
    advance_folds(at=START)
    path = f"/board/?span=month&day={DAY}"

    def more() -> None:
        with transaction.atomic():
            record_many([f for pk in range(9, 30) for f in life_of(pk, dice)], origin="live", untrusted=False)
        advance_folds(at=START)

    def shown(page: Any) -> Any:
        cards = [*page.context["headlines"], *[card for group in page.context["groups"] for card in group["cards"]]]
        return [(card["label"], card["value"], card["n"], card["p50"], card["p90"]) for card in cards]

    before = shown(client.get(path))
    with _fold_between("kpi_shop_day", more):
        assert shown(client.get(path)) == before
    assert shown(client.get(path)) != before


@pytest.mark.django_db(transaction=True)
def test_the_file_holds_every_row_in_order_and_says_when_it_is_cut(client, monkeypatch):
    _signed_in(client)
    dice = random.Random(4)
    with transaction.atomic():
        record_many([f for pk in range(1, 60) for f in life_of(pk, dice)], origin="live", untrusted=False)
    advance_folds(at=START)
    path = f"/board/rows/first_response_time/export/?span=month&day={DAY}"

    def lines() -> list[tuple[Any, ...]]:
        response = client.get(path)
        assert response["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        assert "first_response_time-2026-11-01-2026-11-30.xlsx" in response["Content-Disposition"]
        content = response.content
        return list(load_workbook(BytesIO(content)).active.iter_rows(values_only=True))

    whole = lines()[1:]
    page = client.get(f"/board/rows/first_response_time/?span=month&day={DAY}")
    assert len(whole) == page.context["card"]["n"] > 10
    assert [row[0] for row in whole] == sorted((row[0] for row in whole), reverse=True)
    assert whole[0][1] == str(page.context["rows"][0]["fact"].ticket_id + 100_000)
    monkeypatch.setattr("kpi.exporting.MOST_ROWS", 10)
    cut = lines()[1:]
    assert cut[:10] == whole[:10]
    assert len(cut) == 11
    assert "10" in cut[10][0]


@pytest.mark.django_db(transaction=True)
def test_an_everyday_window_costs_few_statements_and_a_quiet_log_two_a_fold():
    _record(1, 30)
    with transaction.atomic():
        record_many(
            [Fact("ticket.opened", Subject(50), SYSTEM, START, TicketOpened(**dims(50)))],
            origin="live",
            untrusted=False,
        )
    seen: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        advance_folds(at=START + timedelta(seconds=1))
    assert len(seen) == 57
    seen.clear()
    with connection.execute_wrapper(note):
        advance_folds(at=START + timedelta(seconds=2))
    assert len(seen) == 16
