"""Shops, orders, parcels and scans for tests; orders come in through the service as they do in life."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from core.actors import SYSTEM
from orders.models import Order, Parcel, Product, Shop
from orders.selectors import carrier_ids
from orders.services import ItemData, OrderData, ParcelData, upsert_order

_number = itertools.count(1)
AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def make_shop(code: str = "", **fields: Any) -> Shop:
    """Make a shop."""
    n = next(_number)
    return Shop.objects.create(code=code or f"shop-{n}", name=fields.pop("name", f"Shop {n}"), **fields)


def order_data(**fields: Any) -> OrderData:
    """Return an order as a shop tells it: two lines, a phone, placed five days before AT."""
    n = next(_number)
    told: dict[str, Any] = {
        "number": f"A{20261100000000 + n}",
        "placed_at": AT - timedelta(days=5),
        "recipient": "李小红",
        "phone": f"139{n:08d}",
        "region": "浙江省杭州市西湖区",
        "street": "文三路 138 号 2 幢 301",
        "items": (
            ItemData(title="保温杯 500ml 白色", quantity=2, unit_price=Decimal("89.00"), sku="CUP-500-W"),
            ItemData(title="杯刷", quantity=1, unit_price=Decimal("9.90"), sku="BRUSH-1"),
        ),
    }
    return OrderData(**{**told, **fields})


def make_order(*, shop: Shop | None = None, at: datetime | None = None, origin: str = "live", **fields: Any) -> Order:
    """Take an order in through the service; keyword arguments are those of OrderData."""
    shop = shop or Shop.objects.order_by("pk").first() or make_shop()
    order, _ = upsert_order(
        shop_id=shop.pk, data=order_data(**fields), actor=SYSTEM, at=at or AT, origin=origin, source="api"
    )
    return order


def make_parcel(order: Order | None = None, *, carrier: str = "shunfeng", tracking: str = "", **fields: Any) -> Parcel:
    """Make a parcel without telling anyone."""
    order = order or make_order()
    return Parcel.objects.create(
        order=order,
        carrier_id=carrier_ids()[carrier],
        tracking_number=tracking or f"SF{1000000000 + next(_number)}",
        **fields,
    )


def parcel_data(**fields: Any) -> ParcelData:
    """Return a parcel as a shop tells it."""
    return ParcelData(**{"carrier": "顺丰", "tracking_number": f"SF{2000000000 + next(_number)}", **fields})


def make_product(shop: Shop, sku: str, **fields: Any) -> Product:
    """Make a product."""
    return Product.objects.create(shop=shop, sku=sku, name=fields.pop("name", sku), **fields)
