"""An import from the upload to the end, for tests."""

import io

from django.utils import timezone

from core.actors import SYSTEM
from orders.enums import ImportState
from orders.models import Order, OrderItem, Parcel
from orders.services import imports
from tests.factories.orders import make_shop


def upload(data, shop=None, name="orders.csv", **options):
    shop = shop or make_shop()
    kind = options.pop("kind", "orders")
    run = imports.start_import(
        shop_id=shop.pk, file=io.BytesIO(data), name=name, kind=kind, actor=SYSTEM, at=timezone.now()
    )
    imports.begin_check(
        run_id=run.pk, columns=options.pop("columns", run.columns), options=options, actor=SYSTEM, at=timezone.now()
    )
    return imports.check_import(run_id=run.pk, at=timezone.now())


def take(data, shop=None, live_from=None, **options):
    run = upload(data, shop, **options)
    assert run.state == ImportState.CHECKED, run.failure_code
    imports.begin_run(run_id=run.pk, live_from=live_from, actor=SYSTEM, at=timezone.now())
    return imports.run_import(run_id=run.pk, at=timezone.now())


def counts(run):
    return run.orders_new, run.orders_changed, run.orders_same, run.orders_bad


def world():
    orders = list(Order.objects.order_by("number").values_list("number", "status", "total", "placed_at", "recipient"))
    items = list(OrderItem.objects.order_by("order__number", "line").values_list("title", "quantity", "unit_price"))
    return orders, items, list(Parcel.objects.order_by("tracking_number").values_list("tracking_number", "status"))
