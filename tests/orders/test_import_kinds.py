"""Files of lines, parcels, products and customers: what goes in, what stays out, and that twice is once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput
from core.models import Event
from customers.models import Customer, Identity
from orders.enums import ImportKind, ImportState, OrderStatus
from orders.models import ImportMapping, ImportRowError, ImportRun, Order, OrderItem, Parcel, Product, Promotion
from orders.services import imports
from orders.services.data import ItemData, OrderData
from orders.services.imports.cells import read_percent_off
from orders.services.upserting import upsert_order
from tests.factories.orders import make_shop
from tests.orders.files import csv_bytes
from tests.orders.importing import counts, take, upload

pytestmark = pytest.mark.django_db
PARCELS = ["订单编号", "物流公司", "物流单号", "发货时间", "签收时间"]
ITEMS = ["订单号", "商品名称", "商家编码", "数量", "单价"]
PROMOTIONS = ["活动编号", "活动名称", "商品编码", "活动价", "折扣", "开始时间", "结束时间"]
PRODUCTS = ["商品编码", "商品名称", "类目", "价格", "库存", "是否上架"]
CUSTOMERS = ["会员名", "姓名", "手机号", "邮箱", "会员等级", "标签", "备注"]


def make(number, shop, **fields):
    data = OrderData(
        number, datetime(2026, 11, 1, tzinfo=UTC), items=(ItemData("Cup", 2, Decimal("30.00"), "C-1"),), **fields
    )
    return upsert_order(shop_id=shop.pk, data=data, actor=SYSTEM, at=timezone.now(), source="api")[0]


def reasons(run):
    return list(ImportRowError.objects.filter(run=run).order_by("row").values_list("row", "code"))


def test_parcels_of_orders_under_way_are_news_and_go_in_once():
    shop = make_shop()
    order = make("A-1", shop, status="paid", paid_at=datetime(2026, 11, 1, 1, tzinfo=UTC))
    file = csv_bytes(
        [["a-1", "顺丰速运", "SF1234567", "2026-11-02 10:00", ""], ["A-9", "顺丰速运", "SF7654321", "", ""]], PARCELS
    )
    run = take(file, shop, kind=ImportKind.PARCELS)
    assert (run.state, *counts(run)) == (ImportState.DONE, 1, 0, 0, 1)
    assert reasons(run) == [(3, "unknown_order")]
    order.refresh_from_db()
    assert (order.status, order.total, order.is_history) == (OrderStatus.SHIPPED, Decimal("60.00"), False)
    assert order.parcels.get().shipped_at == datetime(2026, 11, 2, 2, tzinfo=UTC)
    shipped = Event.objects.get(kind="order.shipped")
    assert shipped.origin == "live"
    before = Event.objects.exclude(kind="import.finished").count()
    assert counts(take(file, shop, kind=ImportKind.PARCELS)) == (0, 0, 1, 1)
    assert Event.objects.exclude(kind="import.finished").count() == before


def test_two_parcels_of_one_order_keep_their_own_dates_and_a_wrong_row_is_named():
    shop = make_shop()
    make("A-1", shop)
    make("A-2", shop)
    rows = [
        ["A-1", "顺丰速运", "SF1111111", "2026-11-02 10:00", "2026-11-03 09:00"],
        ["A-1", "中通快递", "ZT2222222", "2026-11-04 10:00", ""],
        ["A-2", "顺丰速运", "SF3333333", "", ""],
        ["A-2", "驿马快递", "YM4444444", "", ""],
    ]
    run = take(csv_bytes(rows, PARCELS), shop, kind=ImportKind.PARCELS)
    assert counts(run) == (1, 0, 0, 1)
    assert reasons(run) == [(4, "order_refused"), (5, "unknown_carrier")]
    known = dict(Parcel.objects.values_list("tracking_number", "status"))
    assert known == {"SF1111111": "delivered", "ZT2222222": "picked_up"}
    assert Order.objects.get(number="A-1").status == OrderStatus.SHIPPED  # one is still under way


def test_parcels_of_a_past_order_tell_nobody():
    shop = make_shop()
    data = OrderData("A-1", datetime(2026, 9, 1, tzinfo=UTC), items=(ItemData("Cup"),))
    upsert_order(shop_id=shop.pk, data=data, actor=SYSTEM, at=timezone.now(), source="import", origin="import")
    take(csv_bytes([["A-1", "顺丰速运", "SF1234567", "2026-09-02 10:00", ""]], PARCELS), shop, kind=ImportKind.PARCELS)
    assert set(Event.objects.filter(order_id__isnull=False).values_list("origin", flat=True)) == {"import"}
    assert Order.objects.get().is_history


def test_lines_replace_the_lines_and_leave_the_amounts():
    shop = make_shop()
    make("A-1", shop, total=Decimal("55.00"), currency="USD")
    rows = [["A-1", "保温杯", "C-2", "1", "40"], ["A-1", "杯盖", "", "2件", "10"]]
    run = take(csv_bytes(rows, ITEMS), shop, kind=ImportKind.ITEMS)
    assert counts(run) == (0, 1, 0, 0)
    order = Order.objects.get()
    assert (order.total, order.currency) == (Decimal("55.00"), "USD")
    assert list(OrderItem.objects.order_by("line").values_list("title", "sku", "quantity")) == [
        ("保温杯", "C-2", 1), ("杯盖", "", 2),
    ]  # fmt: skip
    assert counts(take(csv_bytes(rows, ITEMS), shop, kind=ImportKind.ITEMS)) == (0, 0, 1, 0)


def test_products_with_stock_as_people_write_it():
    shop = make_shop()
    rows = [
        ["CUP-1", "保温杯", "餐厨", "¥1,099.00", "1,200件", "上架"],
        ["CUP-2", "杯盖", "", "", "-3", "否"],
        ["CUP-1", "又一个", "", "", "", ""],
        ["", "没有编码", "", "", "", ""],
        ["CUP-3", "库存不对", "", "9.999", "很多", ""],
    ]
    run = take(csv_bytes(rows, PRODUCTS), shop, kind=ImportKind.PRODUCTS)
    assert counts(run) == (2, 0, 0, 3)
    assert reasons(run) == [(4, "twice_in_file"), (5, "missing"), (6, "not_stock")]
    cup, lid = Product.objects.order_by("sku")
    assert (cup.name, cup.category, cup.price, cup.stock, cup.is_active) == (
        "保温杯",
        "餐厨",
        Decimal("1099.00"),
        1200,
        True,
    )
    assert (lid.price, lid.stock, lid.is_active) == (None, -3, False)
    again = [["CUP-1", "", "", "", "1100", ""], ["CUP-2", "杯盖", "", "", "-3", ""]]
    assert counts(take(csv_bytes(again, PRODUCTS), shop, kind=ImportKind.PRODUCTS)) == (0, 1, 1, 0)
    cup.refresh_from_db()
    assert (cup.name, cup.stock) == ("保温杯", 1100)


def test_a_stock_counted_earlier_than_the_known_one_changes_nothing():
    shop = make_shop()
    now = timezone.now()
    Product.objects.create(shop=shop, sku="CUP-1", name="Cup", stock=5, stock_at=now)
    old = (now - timedelta(days=2)).strftime("%Y-%m-%d %H:%M")
    file = csv_bytes([["CUP-1", "90", old]], ["sku", "stock", "counted at"])
    assert counts(take(file, shop, kind=ImportKind.PRODUCTS)) == (0, 0, 1, 0)
    assert Product.objects.get().stock == 5


def test_promotions_go_in_with_the_items_of_all_their_rows_and_twice_is_once():
    shop = make_shop()
    rows = [
        ["D12-1", "双十二杯子", "CUP-1", "59", "", "2026-12-12 00:00", "2026-12-13 00:00"],
        ["ALL", "全场", "", "", "8.5折", "2026-12-01", ""],
        ["D12-1", "双十二杯子", "CUP-2、CUP-1", "59.00", "", "2026/12/12", "2026-12-13 00:00"],
    ]
    run = take(csv_bytes(rows, PROMOTIONS), shop, kind=ImportKind.PROMOTIONS)
    assert (run.state, *counts(run), run.rows_total) == (ImportState.DONE, 2, 0, 0, 0, 3)
    everything, cups = Promotion.objects.order_by("code")
    assert (everything.percent, everything.price, everything.skus, everything.ends_at) == (15, None, [], None)
    assert (cups.price, cups.skus) == (Decimal("59.00"), ["CUP-1", "CUP-2"])
    assert cups.starts_at == datetime(2026, 12, 11, 16, tzinfo=UTC)
    assert [sample["title"] for sample in run.preview["samples"]] == ["双十二杯子", "全场"]
    before = Event.objects.exclude(kind="import.finished").count()
    assert counts(take(csv_bytes(rows, PROMOTIONS), shop, kind=ImportKind.PROMOTIONS)) == (0, 0, 2, 0)
    assert Event.objects.exclude(kind="import.finished").count() == before
    rows[1][4] = "20%"
    assert counts(take(csv_bytes(rows, PROMOTIONS), shop, kind=ImportKind.PROMOTIONS)) == (0, 1, 1, 0)


def test_promotions_that_make_no_sense_stay_out_whole_with_a_reason():
    starts, ends = "2026-12-12 00:00", "2026-12-13 00:00"
    rows = [
        ["A", "两样", "CUP-1", "59", "8折", starts, ends],
        ["B", "没有商品", "", "59", "", starts, ends],
        ["C", "倒着", "CUP-1", "59", "", ends, starts],
        ["D", "不是折扣", "", "", "很多", starts, ends],
        ["E", "两个价", "CUP-1", "59", "", starts, ends],
        ["E", "两个价", "CUP-2", "69", "", starts, ends],
        ["", "没有编号", "", "", "20", starts, ""],
        ["F", "白送", "", "", "0折", starts, ""],
        ["G", "没有开始", "", "", "5折", "", ""],
    ]
    run = take(csv_bytes(rows, PROMOTIONS), make_shop(), kind=ImportKind.PROMOTIONS)
    assert reasons(run) == [
        (2, "price_or_percent"), (3, "price_needs_skus"), (4, "ends_too_early"), (5, "not_percent"),
        (6, "promotion_refused"), (7, "differs_from_row"), (8, "missing"), (10, "missing"),
    ]  # fmt: skip
    assert Promotion.objects.get().percent == 100, "nothing of ten is a gift"
    words = imports.write_refused_rows(run, "csv").decode("utf-8-sig")
    for part in ("不是折扣", "第 6 行不一致", "59"):
        assert part in words


@pytest.mark.parametrize(
    ("cell", "off"),
    [("20%", 20), ("20% off", 20), ("20", 20), ("8折", 20), ("8.5 折", 15), ("85折", 15), ("－20％", 20), ("9.9折", 1)],
)
def test_a_discount_is_read_as_shops_write_it(cell, off):
    assert read_percent_off(cell) == off


def test_customers_are_recognised_and_what_staff_wrote_stays():
    shop = make_shop()
    rows = [
        ["lili88", "李丽", "13900000001", "Li@Example.com", "金卡", "老客户、爱茶", "喜欢晚上联系"],
        ["", "王强", "139 0000 0002", "", "VIP", "", ""],
        ["", "看不见", "139****0003", "", "", "", ""],
        ["", "无名", "", "", "", "", ""],
        ["", "等级", "13900000005", "", "九级", "", ""],
    ]
    run = take(csv_bytes(rows, CUSTOMERS), shop, kind=ImportKind.CUSTOMERS)
    assert counts(run) == (2, 0, 0, 3)
    assert reasons(run) == [(4, "masked_phone"), (5, "nobody"), (6, "not_tier")]
    lili = Customer.objects.get(name="李丽")
    assert (lili.tier, lili.tags, lili.note) == ("gold", ["爱茶", "老客户"], "喜欢晚上联系")
    assert Identity.objects.filter(customer=lili).count() == 3
    Customer.objects.filter(pk=lili.pk).update(note="agent's words")
    again = [
        ["lili88", "李丽丽", "13900000001", "", "", "会员日", "新备注"],
        ["", "", "13900000002", "", "vip", "", ""],
    ]
    assert counts(take(csv_bytes(again, CUSTOMERS), shop, kind=ImportKind.CUSTOMERS)) == (0, 1, 1, 0)
    lili.refresh_from_db()
    assert (lili.name, lili.tier, lili.note) == ("李丽", "gold", "agent's words")
    assert lili.tags == ["会员日", "爱茶", "老客户"]
    run = ImportRun.objects.latest("pk")
    assert "13900000001" not in str(run.preview)
    assert "李丽" not in str(run.preview)


@pytest.mark.parametrize(
    ("kind", "headings"),
    [
        (ImportKind.PARCELS, ["订单编号", "物流单号"]),
        (ImportKind.ITEMS, ["订单编号", "数量"]),
        (ImportKind.PRODUCTS, ["商品名称", "价格"]),
        (ImportKind.CUSTOMERS, ["姓名", "标签"]),
        (ImportKind.PROMOTIONS, ["活动编号", "活动名称", "开始时间"]),
    ],
)
def test_a_column_that_is_needed_and_missing_is_asked_for(kind, headings):
    with pytest.raises(InvalidInput) as refused:
        upload(csv_bytes([["1", "2"]], headings), kind=kind)
    assert list(refused.value.fields) == ["columns"]


def test_a_matching_is_remembered_by_kind():
    shop = make_shop()
    headings = ["编号", "名称"]
    columns = {"0": "sku", "1": "product_name"}
    upload(csv_bytes([["C-1", "Cup"]], headings), shop, kind=ImportKind.PRODUCTS, columns=columns)
    upload(
        csv_bytes([["lili", "Li"]], headings),
        shop,
        kind=ImportKind.CUSTOMERS,
        columns={"0": "account", "1": "customer_name"},
    )
    assert ImportMapping.objects.count() == 2
    run = upload(csv_bytes([["C-1", "Cup"]], headings), shop, kind=ImportKind.PRODUCTS)
    assert run.columns == columns


def test_a_file_goes_on_where_it_stopped_and_a_second_worker_leaves():
    shop = make_shop()
    rows = [[f"CUP-{n:04d}", "Cup", "", "1", str(n), ""] for n in range(450)] + [["CUP-0000", "again", "", "", "", ""]]
    run = upload(csv_bytes(rows, PRODUCTS), shop, kind=ImportKind.PRODUCTS)
    assert counts(run) == (450, 0, 0, 1)
    imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())
    assert imports.import_slice(run_id=run.pk, at=timezone.now(), seconds=0.0, go_on=False)
    run.refresh_from_db()
    assert (run.orders_done, Product.objects.count()) == (200, 200)
    while imports.import_slice(run_id=run.pk, at=timezone.now(), seconds=0.0, go_on=False):
        pass
    run.refresh_from_db()
    assert (run.state, run.orders_new, run.orders_bad, Product.objects.count()) == (ImportState.DONE, 450, 1, 450)
    assert Product.objects.get(sku="CUP-0000").name == "Cup"
    assert not imports.import_slice(run_id=run.pk, at=timezone.now())
