"""The list of orders as a file: its filters, masks by right, no formula, written down, CSV where they are many."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook

from accounts.models import PersonalDataAccess
from tests.factories.accounts import make_staff
from tests.factories.orders import make_order, make_shop

pytestmark = pytest.mark.django_db
URL = "/desk/orders/export/"


def sheet(answer: Any) -> list[list[str]]:
    rows = load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True)
    return [["" if cell is None else str(cell) for cell in row] for row in rows]


@pytest.fixture
def orders() -> Any:
    shop = make_shop("north", name="=1+1")
    one = make_order(shop=shop, number="A1", phone="13812345678", recipient="王小明", street="文三路 1 号")
    return one, make_order(shop=shop, number="A2", recipient="=HYPERLINK(1)")


def test_masks_by_right_and_filters(client: Any, orders: Any) -> None:
    client.force_login(make_staff(roles=["analyst"]))
    rows = sheet(client.get(URL, {"q": "A1"}))
    assert len(rows) == 2
    assert rows[1][0] == "A1"
    assert "138****5678" in rows[1]
    assert "王**" in rows[1]
    assert not any("文三路" in cell or "13812345678" in cell for cell in rows[1])
    assert len(sheet(client.get(URL, {"status": "cancelled"}))) == 1
    client.force_login(make_staff(roles=["manager"]))
    rows = sheet(client.get(URL))
    assert [row[0] for row in rows[1:]] == ["A2", "A1"] or [row[0] for row in rows[1:]] == ["A1", "A2"]
    assert any("文三路 1 号" in row for row in rows)
    told = PersonalDataAccess.objects.order_by("pk").values_list("purpose", flat=True)
    assert list(told) == ["export: orders", "export: orders", "export: orders (unmasked)"]


def test_many_go_as_csv_without_formulas(client: Any, orders: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.exporting.MOST_IN_EXCEL", 1)
    client.force_login(make_staff(roles=["manager"]))
    answer = client.get(URL)
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_door(client: Any, orders: Any) -> None:
    assert client.get(URL).status_code == 302
    client.force_login(make_staff())
    assert client.get(URL).status_code == 403
    assert URL not in client.get("/desk/orders/").content.decode()
    client.force_login(make_staff(roles=["analyst"]))
    assert URL in client.get("/desk/orders/").content.decode()
    assert client.post(URL).status_code == 405
