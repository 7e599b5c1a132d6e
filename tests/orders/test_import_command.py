"""manage.py import_orders: a dry run first, the file's own headings, refused rows to a file, and clear last words."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from orders.models import ImportRun, Order, Product
from tests.factories.orders import make_shop
from tests.orders.files import HEADINGS, csv_bytes, rows_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> Any:
    return make_shop(code="shop-a")


def written(folder: Path, rows: list[Any], headings: list[str] = HEADINGS, name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_bytes(csv_bytes(rows, headings))
    return path


def run(path: Path, *words: str) -> str:
    out = StringIO()
    call_command("import_orders", str(path), "--shop", "shop-a", *words, stdout=out)
    return out.getvalue()


def test_without_yes_it_says_what_would_happen_and_writes_nothing(shop: Any, tmp_path: Path) -> None:
    said = run(written(tmp_path, rows_of(3)))
    assert "6 rows, 3 orders: 3 new, 0 changed, 0 the same, 0 refused (0 rows)" in said
    assert "Add --yes" in said
    assert not Order.objects.exists()


def test_with_yes_it_goes_in_once(shop: Any, tmp_path: Path) -> None:
    path = written(tmp_path, rows_of(3))
    assert "3 new, 0 changed, 0 the same" in run(path, "--yes").splitlines()[-1]
    assert (Order.objects.count(), Order.objects.filter(is_history=True).count()) == (3, 3)
    assert "0 new, 0 changed, 3 the same" in run(path, "--yes").splitlines()[-1]
    assert Order.objects.count() == 3


def test_from_a_day_on_orders_are_live(shop: Any, tmp_path: Path) -> None:
    path = written(tmp_path, rows_of(3))  # of the 1st, the 2nd and the 3rd
    run(path, "--yes", "--live-from", (date(2026, 11, 1) + timedelta(days=2)).isoformat())
    assert list(Order.objects.order_by("number").values_list("is_history", flat=True)) == [True, True, False]


def test_refused_rows_are_named_and_written_to_a_file(shop: Any, tmp_path: Path) -> None:
    rows = rows_of(2, lines=1)
    rows[1][7] = "电话在备注"
    refused = tmp_path / "refused.csv"
    said = run(written(tmp_path, rows), "--yes", "--refused", str(refused))
    assert "1 refused (1 rows)" in said
    assert "row 3, 联系手机" in said
    assert Order.objects.count() == 1
    lines = refused.read_text(encoding="utf-8-sig").splitlines()
    assert (len(lines), rows[1][0] in lines[1]) == (2, True)


def test_columns_are_matched_by_a_mapping_as_text_or_in_a_file(shop: Any, tmp_path: Path) -> None:
    headings = [f"列{n}" for n in range(len(HEADINGS))]
    path = written(tmp_path, rows_of(1, lines=1), headings)
    mapping = {"列0": "number", "列1": "placed_at", "列9": "item_title", "列11": "item_quantity", "列12": "item_price"}
    kept = tmp_path / "mapping.json"
    kept.write_text(json.dumps(mapping), encoding="utf-8")
    assert "1 new" in run(path, "--yes", "--mapping", json.dumps(mapping)).splitlines()[-1]
    assert "1 the same" in run(path, "--yes", "--mapping", str(kept)).splitlines()[-1]
    assert Order.objects.get().number == "TB90000"


def test_other_kinds_go_in_too(shop: Any, tmp_path: Path) -> None:
    path = written(tmp_path, [["CUP-1", "杯子", "89", "7"]], ["商品编码", "商品名称", "价格", "库存"])
    run(path, "--yes", "--kind", "products")
    assert (Product.objects.get().sku, Product.objects.get().stock) == ("CUP-1", 7)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mapping", "{"], "not JSON"),
        (["--mapping", "[1]"], "object"),
        (["--mapping", '{"没有的列": "number"}'], "没有的列"),
        (["--mapping", '{"订单编号": "nothing"}'], "."),
    ],
)
def test_a_wrong_mapping_is_told(shop: Any, tmp_path: Path, words: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        run(written(tmp_path, rows_of(1)), *words)
    assert not Order.objects.exists()


def test_a_shop_or_a_file_that_is_not_there_is_told(shop: Any, tmp_path: Path) -> None:
    path = written(tmp_path, rows_of(1))
    with pytest.raises(CommandError, match="no shop with the code 'shop-b'"):
        call_command("import_orders", str(path), "--shop", "shop-b")
    with pytest.raises(CommandError, match="no file"):
        run(tmp_path / "nowhere.csv")
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7 ...", b"PK\x03\x04 not a zip"])
def test_a_file_that_is_none_is_told(shop: Any, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(data)
    with pytest.raises(CommandError):
        run(path, "--yes")
    assert not Order.objects.exists()
