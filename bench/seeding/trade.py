"""Orders with their lines, parcels and scans."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from bench.seeding.loading import Connection, copy_rows
from bench.seeding.people import Crowd
from bench.seeding.words import GOODS, REGIONS, phone_of
from bench.seeding.world import SHOP_WEIGHTS, World
from core.crypto import encrypt
from core.text import mask_name
from customers.selectors import last4_index, phone_index

ORDER = (
    "id", "shop_id", "number", "customer_id", "status", "currency", "total", "paid", "discount", "shipping_fee",
    "placed_at",
    "paid_at", "packed_at", "shipped_at", "delivered_at", "completed_at", "cancelled_at", "promised_at", "recipient",
    "region",
    "street_enc", "phone_enc", "phone_index", "phone_last4_index", "buyer_note", "source", "is_history", "version",
)  # fmt: skip
ITEM = ("order_id", "line", "sku", "title", "quantity", "unit_price")
PARCEL = (
    "id", "order_id", "carrier_id", "tracking_number", "status", "rank", "rank_at", "place", "shipped_at",
    "delivered_at",
    "last_scan_at", "version",
)  # fmt: skip
SPAN = 420  # days of history
RANKS = {"in_transit": 30, "delivered": 60}


def seed_orders(
    connection: Connection, size: int, world: World, crowd: Crowd, at: datetime, pick: Random
) -> dict[int, list[int]]:
    """Write orders, oldest first; returns customer id → order ids."""
    orders: list[tuple[object, ...]] = []
    items: list[tuple[object, ...]] = []
    parcels: list[tuple[object, ...]] = []
    owned: dict[int, list[int]] = {}
    street = encrypt("文三路 138 号 2 幢 501 室")
    shops = pick.choices(world.shops, SHOP_WEIGHTS, k=size)
    for number, (customer, shop) in enumerate(zip(crowd.draw(size), shops, strict=True), start=1):
        placed = at - timedelta(days=SPAN * (1 - (number - 1) / size), seconds=pick.randrange(3600))
        age = (at - placed) / timedelta(days=1)
        status = (
            "cancelled" if pick.random() < 0.04 else "completed" if age > 12 else "delivered" if age > 5 else "shipped"
        )
        if age < 1:
            status = "paid"
        lines = pick.choice((1, 1, 2, 2, 3))
        total = 0
        for line in range(1, lines + 1):
            price = pick.randrange(19, 900)
            total += price
            items.append((number, line, f"SKU-{pick.randrange(1, 400):04d}", pick.choice(GOODS), 1, price))
        steps = _steps(placed, status)
        phone = phone_of(customer, crowd.tails)
        orders.append((
            number, shop, f"QH{placed:%y%m%d}{number:07d}", customer, status, "CNY", total, total, 0, 0, placed, *steps,
            placed + timedelta(days=5), mask_name("张三丰"), pick.choice(REGIONS), street, encrypt(phone),
            phone_index(phone),
            last4_index(phone), "", "api", False, 1,
        ))  # fmt: skip
        owned.setdefault(customer, []).append(number)
        if steps[2] is not None:
            arrived = steps[3]
            state = "delivered" if arrived else "in_transit"
            last = arrived or steps[2]
            parcels.append((
                len(parcels) + 1, number, world.carriers[min(int(pick.paretovariate(1)) - 1, len(world.carriers) - 1)],
                f"SF{1_000_000_000_000 + number * 104_729:013d}", state, RANKS[state], last, "杭州转运中心", steps[2],
                arrived, last, 1,
            ))  # fmt: skip
    copy_rows(connection, "orders_order", ORDER, orders)
    copy_rows(connection, "orders_item", ITEM, items)
    copy_rows(connection, "orders_parcel", PARCEL, parcels)
    return owned


def _steps(placed: datetime, status: str) -> tuple[datetime | None, ...]:
    """Return when it was paid, packed, shipped, delivered, completed, cancelled."""
    paid = placed + timedelta(minutes=4)
    if status == "cancelled":
        return paid, None, None, None, None, placed + timedelta(hours=9)
    if status == "paid":
        return paid, None, None, None, None, None
    packed, shipped = placed + timedelta(hours=10), placed + timedelta(hours=20)
    delivered = placed + timedelta(days=3, hours=4) if status in {"delivered", "completed"} else None
    completed = placed + timedelta(days=10, hours=5) if status == "completed" else None
    return paid, packed, shipped, delivered, completed, None
