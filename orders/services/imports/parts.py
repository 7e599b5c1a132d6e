"""Files that tell a part of orders we know: their lines, or their parcels."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from core.actors import Actor
from orders.enums import ImportKind
from orders.errors import InvalidOrder, Problem
from orders.models import ImportRun, Order, OrderItem, Parcel
from orders.services.data import ItemData, OrderData, ParcelData, clean_order
from orders.services.imports.grouping import PER_ROW, Group, Reader, Ready, Refused, RowProblem
from orders.services.upserting import upsert_order

_DATES = ("shipped_at", "delivered_at", "expected_at")
type Line = tuple[str, str, int, Any]


class PartReader(Reader):
    """Reads the rows of one order as news of an order that is there: nothing but the lines, or the parcels."""

    per_row = PER_ROW | {*_DATES}
    part = "items"

    def order(self, group: Group) -> Ready | Refused:
        """Read what is told of one order: whole or not at all."""
        problems: list[RowProblem] = []
        for row, cells in group.rows:
            self._check_shape(row, cells, problems)
        if problems:
            return self._refuse(group, problems)
        data = self._data(group, problems)
        if problems:
            return self._refuse(group, problems)
        try:
            clean = clean_order(data, currency=self.currency, at=self.at, carriers=self.carriers, partial=True)
            if not getattr(clean, self.part):
                raise InvalidOrder([Problem(self.part, f"no_{self.part}")])
        except InvalidOrder as error:
            return self.refused(group, error)
        return Ready(clean, b"", len(group.rows))

    def unknown(self, group: Group) -> Refused:
        """Return the refusal of an order nobody told us of."""
        return self.refused(group, InvalidOrder([Problem("number", "unknown_order")]))


class ItemReader(PartReader):
    """Every line of an order: what the file leaves out is no longer part of it."""


class ParcelReader(PartReader):
    """Parcels of orders; each row may tell when it left and when it arrived."""

    part = "parcels"

    def _parcels(self, group: Group, problems: list[RowProblem]) -> tuple[ParcelData, ...]:
        found: dict[tuple[str, str], ParcelData] = {}
        self.rows_of: dict[tuple[str, str], tuple[int, list[str]]] = {}
        for row, cells in group.rows:
            number = self._cell(cells, row, "tracking_number", problems) or ""
            carrier = self._cell(cells, row, "carrier", problems) or ""
            if not number and not carrier:
                continue
            shipped, delivered, expected = (self._cell(cells, row, key, problems) for key in _DATES)
            found[carrier, number] = ParcelData(carrier, number, "", shipped, delivered, expected)
            self.rows_of.setdefault((carrier, number), (row, cells))
        return tuple(found.values())

    def _place(self, group: Group, problem: Problem) -> RowProblem:
        """Say in which row a problem of a parcel stands."""
        head, _dot, tail = problem.field.partition(".")
        rows = list(self.rows_of.values())
        index = int(head.partition("[")[2].rstrip("]") or 0) if head.startswith("parcels[") else len(rows)
        if index >= len(rows):
            return super()._place(group, problem)
        row, cells = rows[index]
        return RowProblem(row, self.of.get(tail), problem.code, problem.params, cells)


READERS: dict[str, type[PartReader]] = {ImportKind.ITEMS: ItemReader, ImportKind.PARCELS: ParcelReader}


def judge_parts(reader: Reader, run: ImportRun, groups: list[Group]) -> list[tuple[Ready, str] | Refused]:
    """Return what would become of each order's part: new, changed, same or refused. Three statements a call."""
    assert isinstance(reader, PartReader)
    results = [reader.order(group) for group in groups]
    numbers = [result.data.number for result in results if isinstance(result, Ready)]
    orders = dict(Order.objects.filter(shop_id=run.shop_id, number__in=numbers).values_list("number", "pk"))
    known = _lines(orders.values()) if run.kind == ImportKind.ITEMS else _parcels(orders.values())
    judged: list[tuple[Ready, str] | Refused] = []
    for group, result in zip(groups, results, strict=True):
        if isinstance(result, Refused):
            judged.append(result)
        elif (order_id := orders.get(result.data.number)) is None:
            judged.append(reader.unknown(group))
        else:
            judged.append((result, _compare(result.data, known.get(order_id))))
    return judged


def take_part(run: ImportRun, data: OrderData, *, actor: Actor, at: datetime) -> str:
    """Take the lines or parcels of one order in; return "new", "changed" or "same". Raises InvalidOrder.

    News of an order under way is live (notices follow from a parcel that left); of a past one it is history.
    """
    with transaction.atomic():
        order = (
            Order.objects.select_for_update(no_key=True, of=("self",))
            .filter(shop_id=run.shop_id, number=data.number)
            .first()
        )
        if order is None:
            raise InvalidOrder([Problem("number", "unknown_order")])
        had = order.items.exists() if data.items else order.parcels.exists()
        told = replace(data, currency=order.currency, total=order.total if data.items else None)
        origin = "import" if order.is_history else "live"
        _order, what = upsert_order(shop_id=run.shop_id, data=told, actor=actor, at=at, origin=origin, source="import")
    return "new" if what == "changed" and not had else what


def _compare(data: OrderData, have: Any) -> str:
    if not have:
        return "new"
    if data.items:
        return "same" if have == [_line(item) for item in data.items] else "changed"
    return "same" if all(_is_known(parcel, have.get(parcel.tracking_number)) for parcel in data.parcels) else "changed"


def _is_known(told: ParcelData, have: tuple[Any, ...] | None) -> bool:
    """Say whether a parcel with these dates is there; a date that was known earlier stays, so it changes nothing."""
    if have is None or have[0] != told.carrier:
        return False
    shipped, delivered = have[1:]
    return (told.shipped_at is None or (shipped is not None and shipped <= told.shipped_at)) and (
        told.delivered_at is None or (delivered is not None and delivered <= told.delivered_at)
    )


def _line(item: ItemData) -> Line:
    return item.sku, item.title, item.quantity, item.unit_price


def _lines(order_ids: Any) -> dict[int, list[Line]]:
    found: dict[int, list[Line]] = {}
    rows = OrderItem.objects.filter(order_id__in=list(order_ids)).order_by("order_id", "line")
    for item in rows:
        found.setdefault(item.order_id, []).append((item.sku, item.title, item.quantity, item.unit_price))
    return found


def _parcels(order_ids: Any) -> dict[int, dict[str, tuple[Any, ...]]]:
    found: dict[int, dict[str, tuple[Any, ...]]] = {}
    rows = Parcel.objects.filter(order_id__in=list(order_ids))
    columns = ("order_id", "tracking_number", "carrier__code", "shipped_at", "delivered_at")
    for order_id, number, *known in rows.values_list(*columns):
        found.setdefault(order_id, {})[number] = tuple(known)
    return found
