"""Spoiled files of every kind: never an exception, never half an order, and twice is once."""

import io
import random

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as rules
from hypothesis import strategies as st

from core.actors import SYSTEM
from core.errors import DomainError
from orders.models import Order, OrderItem
from orders.services import imports
from orders.services.imports.sheets import inspect, sheet_rows
from tests.factories.orders import make_shop
from tests.orders.files import HEADINGS, csv_bytes, rows_of, xlsx_bytes
from tests.orders.importing import upload

pytestmark = pytest.mark.django_db
ORDERS = 6


def cut(data, rng):
    return data[: rng.randrange(len(data))]


def flip(data, rng):
    raw = bytearray(data)
    for _ in range(rng.randrange(1, 20)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def insert(data, rng):
    place = rng.randrange(len(data))
    junk = rng.choice(
        [b'"', b'""', b",,,,", b"\n", b"\r\n\r\n", b"\x00", b"\xff\xfe", "，".encode(), b"\t", b"'", b"=1+1,", b"\x1a"]
    )
    return data[:place] + junk * rng.randrange(1, 4) + data[place:]


def repeat(data, rng):
    lines = data.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    return b"".join([*lines[:place], lines[place], lines[place], *lines[place:]])


def drop(data, rng):
    lines = data.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def shuffle(data, rng):
    head, *rest = data.splitlines(keepends=True)
    rng.shuffle(rest)
    return b"".join([head, *rest])


def mix_encodings(data, rng):
    return data + csv_bytes(rows_of(1, start=70), encoding=rng.choice(["gb18030", "utf-16", "utf-16-le"]))


SPOILS = [cut, flip, insert, repeat, drop, shuffle, mix_encodings]
CORPUS = [(spoil, seed) for spoil in SPOILS for seed in range(7)]


def take_what_goes(data, shop):
    """Import what can be; return whether anything could."""
    try:
        run = upload(data, shop, name="x.csv")
        if run.state != "checked":
            return False
        imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())
        done = imports.run_import(run_id=run.pk, at=timezone.now())
    except DomainError:
        return False
    assert done.state == "done", done.failure_code
    assert done.orders_new + done.orders_changed + done.orders_same + done.orders_bad == done.orders_total
    return True


def snapshot():
    return (
        sorted(Order.objects.values_list("shop_id", "number", "status", "total")),
        sorted(OrderItem.objects.values_list("order__number", "line", "title", "quantity")),
    )


@pytest.mark.parametrize(("spoil", "seed"), CORPUS, ids=lambda value: getattr(value, "__name__", str(value)))
@pytest.mark.parametrize("kind", ["csv", "gb18030"])
def test_a_spoiled_file_gives_whole_orders_or_none(spoil, seed, kind):
    rng = random.Random(f"{spoil.__name__}{seed}")
    encoding = "utf-8" if kind == "csv" else "gb18030"
    data = spoil(csv_bytes(rows_of(ORDERS), encoding=encoding), rng)
    shop = make_shop()
    if take_what_goes(data, shop):
        first = snapshot()
        take_what_goes(data, shop)
        assert snapshot() == first
    if spoil in {shuffle, repeat}:
        assert Order.objects.count() == ORDERS
    assert not Order.objects.filter(items__isnull=True).exists()


@pytest.mark.parametrize("seed", range(6))
def test_a_spoiled_workbook_is_refused_or_read(seed):
    rng = random.Random(seed)
    data = rng.choice([cut, flip])(xlsx_bytes(rows_of(ORDERS)), rng)
    take_what_goes(data, make_shop())
    assert not Order.objects.filter(items__isnull=True).exists()


@pytest.mark.parametrize("spoil", [cut, flip])
def test_no_spoiled_workbook_raises_anything_but_a_refusal(spoil):
    whole, codes = xlsx_bytes(rows_of(ORDERS)), set()
    for seed in range(250):
        data = io.BytesIO(spoil(whole, random.Random(seed)))
        try:
            inspect(data)
            list(sheet_rows(data))
        except DomainError as refused:
            codes.add(refused.code)
    assert codes <= {"not_a_workbook", "workbook_damaged", "unsafe_markup", "zip_bomb"}


@pytest.fixture(scope="module")
def cells():
    return st.one_of(
        st.text(max_size=30),
        st.sampled_from(
            [
                "",
                "=1+1",
                "+86 139 0000 0000",
                "-1",
                "1e309",
                "NaN",
                "∞",
                "２０２６",
                "2026-02-30",
                "0",
                "'",
                '"',
                "\u202e",
                "九",
            ]
        ),
    )


@rules(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cells_are_read_or_named(cells, data):
    shop = make_shop()
    rows = rows_of(3)
    for _ in range(data.draw(st.integers(1, 6))):
        rows[data.draw(st.integers(0, 5))][data.draw(st.integers(0, len(HEADINGS) - 1))] = data.draw(cells)
    raw = csv_bytes(rows).decode("utf-8", "replace").encode("utf-8", "replace")
    take_what_goes(raw, shop)
    for order in Order.objects.filter(shop=shop):
        assert order.items.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_hundred_thousand_rows_go_through():
    shop = make_shop()
    data = csv_bytes(rows_of(50_000))
    assert take_what_goes(data, shop)
    assert Order.objects.filter(shop=shop).count() == 50_000
    assert OrderItem.objects.filter(order__shop=shop).count() == 100_000
