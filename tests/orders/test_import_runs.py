"""What an import writes: history, events, people; slices, cancelling, two at once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from core.actors import SYSTEM
from core.models import Event, Job
from customers.models import Customer, Identity
from orders.errors import ImportBusy
from orders.models import ImportRowError, Order, OrderItem
from orders.services import imports
from tests.factories.orders import make_order, make_shop
from tests.orders.files import csv_bytes, rows_of
from tests.orders.importing import counts, take, upload

pytestmark = pytest.mark.django_db


def test_history_causes_no_jobs_and_live_orders_do(settings):
    from core.reactions import REACTIONS, ReactionRule

    seen = REACTIONS["order.placed"]
    seen.append(ReactionRule("test.seen", None, False))
    try:
        rows = rows_of(6)
        shop = make_shop()
        run = take(csv_bytes(rows), shop, live_from=datetime(2026, 11, 4, tzinfo=UTC))
    finally:
        seen.pop()
    assert counts(run) == (6, 0, 0, 0)
    live = set(Order.objects.filter(is_history=False).values_list("number", flat=True))
    assert live == {"TB90003", "TB90004", "TB90005"}
    assert Job.objects.filter(name="test.seen").count() == 3
    assert set(Event.objects.filter(kind="order.placed").values_list("origin", flat=True)) == {"live", "import"}


def test_events_carry_their_own_time_and_no_person():
    take(csv_bytes(rows_of(1)))
    order = Order.objects.get()
    events = {event.kind: event for event in Event.objects.filter(order_id=order.pk)}
    assert set(events) == {"order.placed", "order.paid", "order.shipped", "parcel.picked_up"}
    assert events["order.paid"].at == datetime(2026, 11, 1, 1, 8, 30, tzinfo=UTC)
    assert events["parcel.picked_up"].data["carrier"] == "shunfeng"
    assert "李" not in str([event.data for event in events.values()])


def test_bulk_and_single_way_write_the_same_order():
    """The set-based way and the service must agree, or a re-import would find changes."""
    rows = rows_of(2)
    bulk, single = make_shop(), make_shop()
    take(csv_bytes(rows), bulk)
    take(csv_bytes(rows), single, live_from=datetime(2000, 1, 1, tzinfo=UTC))
    fields = [
        "number", "status", "currency", "total", "paid", "placed_at", "paid_at", "shipped_at", "recipient", "region",
        "phone_index", "content_hash", "customer_id", "buyer_note",
    ]  # fmt: skip

    def of(shop):
        return [
            tuple(bytes(v) if isinstance(v, memoryview) else v for v in row)
            for row in Order.objects.filter(shop=shop).order_by("number").values_list(*fields)
        ]

    assert of(bulk) == of(single)
    promised = dict(Order.objects.filter(shop=single).values_list("placed_at", "promised_at"))
    assert promised == {placed: placed + timedelta(days=single.promise_days) for placed in promised}
    assert set(Order.objects.filter(shop=bulk).values_list("promised_at", flat=True)) == {None}, "history has none"
    kinds = [
        list(
            Event.objects.filter(shop_id=shop.pk, kind__regex="^(order|parcel)")
            .order_by("order_id", "kind")
            .values_list("kind", "data__total")
        )
        for shop in (bulk, single)
    ]
    assert kinds[0] == kinds[1]


def test_people_are_one_within_and_across_files():
    shop = make_shop()
    rows = rows_of(4)
    for row in rows:
        row[7] = "13900000000"
    take(csv_bytes(rows), shop)
    known = make_order(shop=shop, phone="139 0000 0000")
    take(csv_bytes([[*row[:7], "+86-13900000000", *row[8:]] for row in rows_of(2, start=50)]), shop)
    assert set(Order.objects.values_list("customer_id", flat=True)) == {known.customer_id}
    assert Customer.objects.count() == 1


def test_changed_orders_go_forward_only():
    shop, rows = make_shop(), rows_of(2)
    take(csv_bytes(rows), shop)
    for row in rows[:2]:
        row[4] = "交易成功"
    for row in rows[2:]:
        row[4], row[3] = "买家已付款", ""
    run = take(csv_bytes(rows), shop)
    assert counts(run) == (0, 1, 1, 0)
    assert dict(Order.objects.values_list("number", "status")) == {"TB90000": "completed", "TB90001": "shipped"}


@pytest.mark.parametrize("together", [True, False])
def test_slices_go_on_where_they_stopped_and_cancel_ends_them(monkeypatch, together):
    from orders.services.imports import running

    monkeypatch.setattr(running, "BATCH", 2)
    monkeypatch.setattr(running, "PIECE", 1)
    rows = rows_of(7)
    run = upload(csv_bytes(rows if together else [*rows[1:], rows[0]]))
    assert run.options["together"] is together
    imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())
    assert imports.import_slice(run_id=run.pk, at=timezone.now(), seconds=0) is True
    run.refresh_from_db()
    assert (run.orders_done, Order.objects.count()) == (2, 2)
    assert Job.objects.filter(name="orders.run_import", key=f"{run.pk}:2").exists()
    assert imports.import_slice(run_id=run.pk, at=timezone.now(), seconds=0) is True
    imports.cancel_import(run_id=run.pk, actor=SYSTEM, at=timezone.now())
    assert imports.import_slice(run_id=run.pk, at=timezone.now()) is False
    assert Order.objects.count() == 4
    with pytest.raises(ImportBusy):
        imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())


def test_old_files_and_rows_are_cleared_away():
    rows = rows_of(1)
    rows[0][7] = "x"
    run = upload(csv_bytes(rows))
    assert imports.sweep_imports(at=timezone.now() + timedelta(days=8)) == 1
    imports.sweep_imports(at=timezone.now() + timedelta(days=31))
    assert not ImportRowError.objects.filter(run=run).exists()


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_one_file_at_once_give_each_order_once():
    shop, data = make_shop(), csv_bytes(rows_of(60))
    runs = [upload(data, shop) for _ in range(2)]
    for run in runs:
        imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())
    _at_once([lambda run=run: imports.run_import(run_id=run.pk, at=timezone.now()) for run in runs])
    for run in runs:
        run.refresh_from_db()
    assert [run.state for run in runs] == ["done", "done"]
    assert sum(run.orders_new for run in runs) == 60
    assert Order.objects.count() == 60
    assert OrderItem.objects.count() == 120
    assert Event.objects.filter(kind="order.placed").count() == 60
    assert Identity.objects.filter(kind="phone").count() == 60


@pytest.mark.django_db(transaction=True)
def test_an_import_and_the_api_at_once_give_each_order_once():
    from orders.services import OrderData, upsert_order
    from orders.services.data import ItemData

    shop, data = make_shop(), csv_bytes(rows_of(40))
    run = upload(data, shop)
    imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())

    def by_api():
        for n in range(39, -1, -1):
            upsert_order(
                shop_id=shop.pk,
                data=OrderData(
                    number=f"TB{90000 + n}",
                    placed_at=datetime(2026, 11, n % 9 + 1, 1, 5, tzinfo=UTC),
                    phone=f"1390000{n:04d}",
                    items=(ItemData("保温杯"),),
                ),
                actor=SYSTEM,
                at=timezone.now(),
                source="api",
            )

    _at_once([by_api, lambda: imports.run_import(run_id=run.pk, at=timezone.now())])
    run.refresh_from_db()
    assert run.state == "done"
    assert Order.objects.count() == 40
    assert Event.objects.filter(kind="order.placed").count() == 40
    assert Identity.objects.filter(kind="phone").count() == 40


def _at_once(work):
    failures, gate = [], threading.Barrier(len(work))

    def run(one):
        try:
            gate.wait(timeout=20)
            one()
        except BaseException as error:  # noqa: BLE001 - shown by the test below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[one]) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []


def test_what_the_check_let_through_and_the_run_cannot_take_is_counted_and_listed():
    """A carrier goes between the check and the run: nothing is left out in silence."""
    from orders.models import Carrier, ImportRowError

    shop = make_shop()
    doves = Carrier.objects.create(code="doves", name="信鸽")
    lines = ["订单编号,订单创建时间,宝贝标题,宝贝总数量,物流公司,物流单号"]
    lines += ["D1,2026-11-01 10:00,杯子,1,信鸽,GE12345678", "D2,2026-11-01 10:00,杯子,1,顺丰,SF12345678"]
    run = upload("\n".join(lines).encode(), shop)
    assert (run.orders_total, run.orders_bad) == (2, 0)
    doves.delete()
    imports.begin_run(run_id=run.pk, live_from=None, actor=SYSTEM, at=timezone.now())
    run = imports.run_import(run_id=run.pk, at=timezone.now())
    assert (counts(run), run.rows_bad) == ((1, 0, 0, 1), 1)
    assert ImportRowError.objects.values_list("row", "column", "code").get() == (2, "物流公司", "unknown_carrier")
