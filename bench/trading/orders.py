"""Orders with lines, payments, parcels and scans, written in portions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from random import Random

from bench.seeding.loading import Connection, copy_rows
from bench.seeding.people import Crowd
from bench.seeding.trade import ITEM, ORDER, PARCEL
from bench.seeding.words import GOODS, REGIONS, person_name, phone_of
from bench.seeding.world import SHOP_WEIGHTS, World
from bench.trading.journeys import Journey, journey
from core.crypto import encrypt
from customers.selectors import last4_index, phone_index

PRODUCT = ("shop_id", "sku", "name", "category", "price", "currency", "stock", "stock_at", "is_active")
PAYMENT = ("order_id", "method", "reference", "amount", "currency", "paid_at")
SCAN = ("parcel_id", "at", "code", "status", "text", "text_hash", "place")
SKUS = 400
PORTION = 20_000
SPAN = 700  # days of history
REGION_WEIGHTS = (30, 24, 18, 14, 9, 5)
METHODS, METHOD_WEIGHTS = ("alipay", "wechat", "unionpay", "card"), (46, 42, 8, 4)
LINES, LINE_WEIGHTS = (1, 2, 3, 4, 7, 15), (55, 25, 11, 6, 2, 1)
PARCELS, PARCEL_WEIGHTS = (1, 2, 3, 5), (82, 13, 4, 1)
Goods = dict[tuple[int, int], tuple[int, str, int]]
"""(shop, number of the SKU) → (product, name, price)."""


@dataclass
class Trade:
    """What was written: each customer's orders, and how much."""

    owned: dict[int, list[int]] = field(default_factory=dict)
    parcels: int = 0
    scans: int = 0


@dataclass
class _Portion:
    """Rows of some thousand orders, by table."""

    orders: list[tuple[object, ...]] = field(default_factory=list)
    items: list[tuple[object, ...]] = field(default_factory=list)
    payments: list[tuple[object, ...]] = field(default_factory=list)
    parcels: list[tuple[object, ...]] = field(default_factory=list)
    scans: list[tuple[object, ...]] = field(default_factory=list)

    def write(self, connection: Connection) -> None:
        """Copy all of it in."""
        copy_rows(connection, "orders_order", ORDER, self.orders)
        copy_rows(connection, "orders_item", (*ITEM, "product_id"), self.items)
        copy_rows(connection, "orders_payment", PAYMENT, self.payments)
        copy_rows(connection, "orders_parcel", PARCEL, self.parcels)
        copy_rows(connection, "orders_scan", SCAN, self.scans)


def seed_goods(connection: Connection, world: World, at: datetime, pick: Random) -> Goods:
    """Write the catalogue of every shop: a few products run out, of some no stock is known."""
    goods: Goods = {}
    names: dict[tuple[int, str], tuple[int, str, int]] = {}

    def rows() -> Iterator[tuple[object, ...]]:
        for shop in world.shops:
            for number in range(1, SKUS + 1):
                sku, name, price = f"SKU-{number:04d}", pick.choice(GOODS), pick.randrange(19, 900)
                names[shop, sku] = number, name, price
                stock = None if pick.random() < 0.1 else 0 if pick.random() < 0.05 else int(pick.paretovariate(0.7) * 5)
                stock = None if stock is None else min(stock, 100_000)
                yield shop, sku, name, "", price, "CNY", stock, at, True

    copy_rows(connection, "orders_product", PRODUCT, rows())
    for pk, shop, sku in connection.execute("SELECT id, shop_id, sku FROM orders_product").fetchall():
        number, name, price = names[shop, sku]
        goods[shop, number] = pk, name, price
    return goods


def seed_trade(
    connection: Connection, size: int, world: World, goods: Goods, crowd: Crowd, at: datetime, pick: Random
) -> Trade:
    """Write orders, oldest first, the newer the denser, with all that belongs to them."""
    trade = Trade()
    street = encrypt("文三路 138 号 2 幢 501 室")
    for first in range(1, size + 1, PORTION):
        count = min(PORTION, size + 1 - first)
        portion = _Portion()
        shops = pick.choices(world.shops, SHOP_WEIGHTS, k=count)
        for number, customer, shop in zip(range(first, first + count), crowd.draw(count), shops, strict=True):
            days = SPAN * (1 - ((number - 1) / size) ** 0.7)
            placed = at - timedelta(days=days, seconds=1200 + pick.randrange(3600))
            _write_order(portion, trade, number, shop, customer, placed, at, world, goods, street, pick)
            trade.owned.setdefault(customer, []).append(number)
        portion.write(connection)
    return trade


@cache
def _phone(customer: int) -> tuple[bytes, bytes, bytes | None]:
    phone = phone_of(customer)
    return encrypt(phone), phone_index(phone), last4_index(phone)


def _write_order(
    portion: _Portion, trade: Trade, number: int, shop: int, customer: int, placed: datetime, at: datetime,
    world: World,
    goods: Goods,
    street: bytes,
    pick: Random,
) -> None:  # fmt: skip
    """Add one order's rows."""
    total = 0
    for line in range(1, pick.choices(LINES, LINE_WEIGHTS)[0] + 1):
        sku = min(int(pick.paretovariate(0.4)), SKUS) if pick.random() < 0.6 else pick.randrange(1, SKUS + 1)
        product, name, price = goods[shop, sku]
        quantity = 1 if pick.random() < 0.9 else pick.randrange(2, 9)
        total += price * quantity
        portion.items.append((number, line, f"SKU-{sku:04d}", name, quantity, price, product))
    paid = placed + timedelta(minutes=4)
    is_cancelled = pick.random() < 0.04
    method = pick.choices(METHODS, METHOD_WEIGHTS)[0]
    portion.payments.append((number, method, f"P{number:010d}", total, "CNY", paid))
    trips = [] if is_cancelled else _trips(placed, at, pick)
    for trip in trips:
        trade.parcels += 1
        carrier = world.carriers[min(int(pick.paretovariate(1)) - 1, len(world.carriers) - 1)]
        tracking = f"SF{1_000_000_000_000 + trade.parcels * 104_729:013d}"
        portion.parcels.append((trade.parcels, number, carrier, tracking, *trip.parcel_columns(), 1))
        portion.scans += ((trade.parcels, *scan) for scan in trip.scans)
        trade.scans += len(trip.scans)
    status, steps = _steps(placed, paid, is_cancelled, trips, at)
    sealed, digest, tail = _phone(customer)
    region = pick.choices(REGIONS, REGION_WEIGHTS)[0]
    portion.orders.append((
        number, shop, f"QH{placed:%y%m%d}{number:07d}", customer, status, "CNY", total, total, 0, 0, placed, *steps,
        placed + timedelta(days=5), person_name(pick), region, street, sealed, digest, tail, "", "api", False, 1,
    ))  # fmt: skip


def _trips(placed: datetime, at: datetime, pick: Random) -> list[Journey]:
    """Return the journeys of an order's parcels that have begun by now."""
    count = pick.choices(PARCELS, PARCEL_WEIGHTS)[0]
    handed = [placed + timedelta(hours=14 + 9 * nth + pick.randrange(8)) for nth in range(count)]
    return [journey(moment, at, pick) for moment in handed if moment < at]


def _steps(
    placed: datetime, paid: datetime, is_cancelled: bool, trips: list[Journey], at: datetime
) -> tuple[str, tuple[datetime | None, ...]]:
    """Return the status, and when it was paid, packed, shipped, delivered, completed, cancelled."""
    if is_cancelled:
        return "cancelled", (paid, None, None, None, None, placed + timedelta(hours=9))
    packed = placed + timedelta(hours=10)
    if packed > at:
        return "paid", (paid, None, None, None, None, None)
    if not trips:
        return "packed", (paid, packed, None, None, None, None)
    shipped = min(trip.scans[0][0] for trip in trips)
    arrived = [trip.delivered_at for trip in trips]
    ends = [moment for moment in arrived if moment is not None]
    delivered = max(ends) if len(ends) == len(trips) else None
    completed = delivered + timedelta(days=7, minutes=9) if delivered else None
    if completed is not None and completed <= at:
        return "completed", (paid, packed, shipped, delivered, completed, None)
    return ("delivered" if delivered else "shipped"), (paid, packed, shipped, delivered, None, None)
