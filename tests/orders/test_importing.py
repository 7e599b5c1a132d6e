"""Files go in whole or not at all, once, as what they are."""

import io
from datetime import UTC, datetime

import pytest
from django.utils import timezone
from openpyxl import load_workbook

from core.actors import SYSTEM
from core.errors import DomainError, InvalidInput
from core.models import Event
from customers.models import Customer, Identity
from orders.enums import ImportState
from orders.models import ImportMapping, ImportRowError, ImportRun, Order, OrderItem, Parcel
from orders.services import imports
from tests.factories.orders import make_shop
from tests.orders.files import HEADINGS, csv_bytes, rows_of, with_part, xlsx_bytes
from tests.orders.importing import counts, take, upload, world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encodings_and_delimiters_give_the_same_orders(encoding, delimiter):
    run = take(csv_bytes(rows_of(), encoding=encoding, delimiter=delimiter))
    assert counts(run) == (3, 0, 0, 0)
    order = Order.objects.get(number="TB90000")
    assert order.recipient == "李小"
    assert order.placed_at == datetime(2026, 11, 1, 1, 5, tzinfo=UTC)
    assert str(order.total) == "1299.00"
    assert (order.status, order.items.count(), order.parcels.get().status) == ("shipped", 2, "picked_up")
    assert order.is_history


def test_a_workbook_gives_the_same_orders_as_csv():
    take(csv_bytes(rows_of()))
    expected = world()
    Event.objects.all()
    run = upload(xlsx_bytes(rows_of()), Order.objects.first().shop, name="orders.xlsx")
    assert counts(run) == (0, 0, 3, 0)
    assert world() == expected


def test_workbook_with_real_dates_and_numbers():
    rows = rows_of(1)
    for row in rows:
        row[1] = datetime(2026, 11, 1, 9, 5)  # noqa: DTZ001 - a sheet's times have no zone
        row[2], row[3] = datetime(2026, 11, 1, 9, 8, 30), 46328.5  # noqa: DTZ001
        row[5], row[11], row[12] = 1299, int(row[11]), 99.5
    assert counts(take(xlsx_bytes(rows), name="o.xlsx")) == (1, 0, 0, 0)
    order = Order.objects.get()
    assert order.placed_at == datetime(2026, 11, 1, 1, 5, tzinfo=UTC)
    assert order.shipped_at == datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


def test_a_dry_run_writes_nothing():
    before = {model: model.objects.count() for model in (Order, OrderItem, Parcel, Customer, Identity, Event)}
    run = upload(csv_bytes(rows_of(5)))
    assert counts(run) == (5, 0, 0, 0)
    assert {model: model.objects.count() for model in before} == before
    foreseen = {sample["number"]: sample["status"] for sample in run.preview["samples"]}
    assert len(foreseen) == 5

    take(csv_bytes(rows_of(5)), run.shop)
    assert dict(Order.objects.values_list("number", "status")) == foreseen


def test_the_same_file_twice_changes_nothing():
    shop, data = make_shop(), csv_bytes(rows_of(4))
    take(data, shop)
    before, events = world(), Event.objects.exclude(kind="import.finished").count()
    assert counts(take(data, shop)) == (0, 0, 4, 0)
    assert world() == before
    assert Event.objects.exclude(kind="import.finished").count() == events


def test_rows_of_one_order_need_not_stand_together():
    rows = rows_of(6)
    scattered = rows[::2] + rows[1::2]
    shop = make_shop()
    assert counts(take(csv_bytes(scattered), shop)) == (6, 0, 0, 0)
    assert set(Order.objects.values_list("items__line", flat=True)) == {1, 2}
    assert counts(upload(csv_bytes(rows), shop)) == (0, 0, 6, 0)


def test_a_blank_number_belongs_to_the_order_above():
    rows = rows_of(2)
    for row in rows[1::2]:
        row[:9] = [""] * 9
    take(csv_bytes(rows))
    assert sorted(Order.objects.values_list("number", "items__title")) == [
        (number, title) for number in ("TB90000", "TB90001") for title in ("保温杯 0", "保温杯 1")
    ]


def test_one_bad_row_keeps_its_whole_order_out():
    rows = rows_of(3)
    rows[3][11] = "-2"
    run = take(csv_bytes(rows))
    assert counts(run) == (2, 0, 0, 1)
    assert not Order.objects.filter(number="TB90001").exists()
    errors = list(ImportRowError.objects.filter(run=run).order_by("row").values_list("row", "column", "code"))
    assert errors == [(4, "", "order_refused"), (5, "数量", "not_quantity")]
    assert run.rows_bad == 2


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        (1, "昨天", "not_date"),
        (1, "2026-13-40 10:00", "not_date"),
        (1, "2093-01-01", "date_range"),
        (4, "量子态", "not_status"),
        (5, "-5.00", "negative"),
        (5, "很多", "not_amount"),
        (5, "1.2345", "decimals"),
        (5, "99999999999999", "too_large"),
        (7, "1390000abcd", "not_phone"),
        (7, "110", "not_phone"),
        (9, "长" * 201, "too_long"),
        (9, "x" * 10_001, "cell_too_long"),
        (11, "0", "not_quantity"),
        (11, "1.5", "not_quantity"),
        (11, "1e9", "not_quantity"),
        (13, "鸽子快递", "unknown_carrier"),
        (14, "1", "not_tracking"),
        (0, "1.23457E+18", "rounded"),
    ],
)
def test_a_bad_cell_is_named_with_row_column_and_reason(column, cell, code):
    rows = rows_of(1, lines=1)
    rows[0][column] = cell
    run = upload(csv_bytes(rows))
    error = ImportRowError.objects.get(run=run, row=2)
    assert (error.column, error.code) == (HEADINGS[column], code)
    assert counts(run) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026/11/21 9:05", (2026, 11, 21, 1, 5)),
        ("2026-11-21T09:05:00+09:00", (2026, 11, 21, 0, 5)),
        ("2026-11-21T01:05:00Z", (2026, 11, 21, 1, 5)),
        ("21.11.2026 09:05", (2026, 11, 21, 1, 5)),
        ("11/21/2026 9:05 AM", (2026, 11, 21, 1, 5)),
        ("2026年11月21日 9时5分", (2026, 11, 21, 1, 5)),
        ("2026/11/21 09:05", (2026, 11, 21, 1, 5)),
        ("20261121090500", (2026, 11, 21, 1, 5)),
        ("46347.378472222", (2026, 11, 21, 1, 5)),
        ("2026-11-21", (2026, 11, 20, 16, 0)),
    ],
)
def test_dates_are_read_in_the_shops_zone(cell, expected):
    rows = rows_of(1)
    for row in rows:
        row[1], row[2], row[3], row[4] = cell, "", "", ""
    take(csv_bytes(rows))
    assert Order.objects.get().placed_at == datetime(*expected, tzinfo=UTC)


def test_day_first_is_the_shops_own_choice():
    rows = rows_of(1, lines=1)
    rows[0][1:5] = ["03/04/2026 10:00", "", "", ""]
    take(csv_bytes(rows), day_first=True)
    assert Order.objects.get().placed_at.month == 4


def test_a_formula_is_text_and_comes_back_harmless():
    rows = rows_of(2, lines=1)
    rows[0][9] = "=1+1"
    rows[1][9], rows[1][7] = "=cmd|' /C calc'!A0", "abc"
    run = take(csv_bytes(rows))
    assert OrderItem.objects.get().title == "=1+1"
    text = imports.write_refused_rows(run, "csv").decode("utf-8-sig")
    assert "'=cmd|" in text
    assert ",=cmd" not in text
    sheet = load_workbook(io.BytesIO(imports.write_refused_rows(run, "xlsx"))).active
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(cell.value == "=cmd|' /C calc'!A0" for cell in cells)


def test_refused_rows_mended_go_in():
    shop, rows = make_shop(), rows_of(2)
    rows[2][7] = "电话在备注"
    run = take(csv_bytes(rows), shop)
    mended = imports.write_refused_rows(run, "csv").replace("电话在备注".encode(), b"13900000001")
    again = upload(mended, shop)
    assert counts(again) == (1, 0, 0, 0)


def test_text_formula_numbers_of_marketplaces_are_numbers():
    rows = rows_of(1, lines=1)
    rows[0][0], rows[0][7], rows[0][14] = '="3000000000000000001"', "'13900000001", "\t784512369874"
    take(csv_bytes(rows))
    order = Order.objects.get()
    assert order.number == "3000000000000000001"
    assert order.parcels.get().tracking_number == "784512369874"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "file_empty"),
        (b"%PDF-1.7 ...", "wrong_type"),
        (b"\x89PNG\r\n\x1a\n0000", "wrong_type"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_excel"),
        (b"PK\x03\x04 not a zip", "not_a_workbook"),
        (b"<html><body>sign in</body></html>", "wrong_type"),
        (b'{"orders": []}', "wrong_type"),
        (b"a,b\x00c,d\n1,2", "wrong_type"),
        (b"only one column\n1\n2", "no_headings"),
        (csv_bytes([]), "no_rows"),
        (b"number,placed\n\xff\xfe\xfd,\x80\x81", "encoding_unknown"),
        ((",".join(f"c{n}" for n in range(300)) + "\n1,2").encode(), "too_many_columns"),
    ],
)
def test_what_is_no_list_of_orders_is_refused_at_once(data, code):
    with pytest.raises(DomainError) as caught:
        upload(data)
    assert caught.value.code == code
    assert not ImportRun.objects.exists()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (csv_bytes(rows_of(10)) + b'TB1,"2026-11-01,never closed\n' + csv_bytes(rows_of(40)), "row_damaged"),
        (csv_bytes(rows_of(10)) + b"x" * (3 * 1024 * 1024), "row_too_large"),
        (csv_bytes(rows_of(10)) + b'TB1,"' + b"y" * 100_000 + b'"\n', "cell_too_large"),
    ],
)
def test_a_damaged_file_stays_out_whole(data, code):
    run = upload(data)
    assert (run.state, run.failure_code) == (ImportState.FAILED, code)
    assert not Order.objects.exists()


def bomb(body):
    return body.replace(b"<sheetData>", b"<sheetData>" + b"<row/>" * 6_000_000)


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("xl/worksheets/sheet1.xml", bomb, "zip_bomb"),
        (
            "xl/workbook.xml",
            lambda body: (
                b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
                + body[body.index(b"<workbook") :]
            ),
            "unsafe_markup",
        ),
    ],
)
def test_unsafe_workbooks_are_refused(name, change, code):
    with pytest.raises(DomainError) as caught:
        upload(with_part(xlsx_bytes(rows_of()), name, change), name="o.xlsx")
    assert caught.value.code == code


def test_unknown_shop_and_missing_number_column():
    with pytest.raises(DomainError) as caught:
        imports.start_import(shop_id=999_999, file=io.BytesIO(b"a,b\n1,2"), name="x", actor=SYSTEM, at=timezone.now())
    assert caught.value.code == "unknown_shop"
    with pytest.raises(InvalidInput) as missing:
        upload(csv_bytes(rows_of()), columns={"1": "placed_at", "9": "item_title"})
    assert "columns" in missing.value.fields
    with pytest.raises(InvalidInput):
        upload(csv_bytes(rows_of()), columns={"0": "number", "1": "number", "9": "item_title", "2": "placed_at"})


def test_the_matching_is_remembered_for_other_orders_of_columns():
    shop = make_shop()
    headings = ["凭证", *HEADINGS[1:]]
    columns = {"0": "number", "1": "placed_at", "9": "item_title"}
    upload(csv_bytes(rows_of(), headings), shop, columns=columns)
    turned = [[row[9], row[1], row[0], *row[2:9], *row[10:]] for row in rows_of()]
    run = imports.start_import(
        shop_id=shop.pk,
        file=io.BytesIO(csv_bytes(turned, [headings[9], headings[1], headings[0], *headings[2:9], *headings[10:]])),
        name="x.csv", actor=SYSTEM, at=timezone.now(),
    )  # fmt: skip
    assert run.columns == {"2": "number", "1": "placed_at", "0": "item_title"}
    assert run.options["remembered"] is True
    assert ImportMapping.objects.count() == 1
