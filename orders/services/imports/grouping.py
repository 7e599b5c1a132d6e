"""Bring the rows of one order together, wherever they stand in the file, and read them as one order.

Two passes over the file. The first only notes, by a 64-bit hash of each order number, in which row the number is seen
last (about 100 bytes an order). The second holds an order open until that row and then lets it go. Where all rows of
each order lie together, as the first pass of the check says, an order ends where the next begins, and importing needs
one pass. Limits: 300,000 rows, and no more than 20,000 orders open at once.

A row without an order number belongs to the order above it (merged cells in a sheet come out like that).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby, islice
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from core.text import normalise_order_number
from orders.errors import ImportRefused, InvalidOrder, Problem
from orders.services.data import MAX_ITEMS, ItemData, OrderData, ParcelData, PaymentData, clean_order, fingerprint
from orders.services.imports.cells import MAX_CELL, BadCell, converters, read_code
from orders.services.imports.headings import TARGETS, Target
from orders.services.imports.reading import Rows

MAX_OPEN = 20_000
MAX_KNOWN, MAX_KNOWN_LENGTH = 5_000, 400
_ONE_VALUE = frozenset({"placed_at", "total", "currency", "phone", "recipient", "street", "email"})
_ITEM_KEYS = frozenset(key for key, target in TARGETS.items() if target.per_item)
PER_ROW = _ITEM_KEYS | {"carrier", "tracking_number", "payment_method", "payment_reference"}
_PATHS = {
    "items": "item_title", "title": "item_title", "sku": "item_sku", "quantity": "item_quantity",
    "unit_price": "item_price", "carrier": "carrier", "tracking_number": "tracking_number", "method": "payment_method",
    "reference": "payment_reference", "amount": "paid", "paid_at": "paid_at", "parcels": "tracking_number",
}  # fmt: skip


@dataclass(slots=True)
class RowProblem:
    """Why a row is refused: its number in the file, the column's index (None: the row), a code with its values."""

    row: int
    column: int | None
    code: str
    params: dict[str, Any]
    cells: list[str]


@dataclass(slots=True)
class Group:
    """All rows of one order: (row number, cells)."""

    number: str
    rows: list[tuple[int, list[str]]] = field(default_factory=list)


@dataclass(slots=True)
class Ready:
    """An order that may go in, with its fingerprint and how many rows told it."""

    data: OrderData
    digest: bytes
    rows: int


@dataclass(slots=True)
class Refused:
    """An order that stays out, every row of it with a reason."""

    number: str
    problems: list[RowProblem]


class Reader:
    """Reads the orders of one file by one matching of columns."""

    per_row = PER_ROW

    def __init__(
        self,
        rows: Rows,
        *,
        columns: dict[str, str],
        headings: int,
        heading_row: int,
        zone: str,
        day_first: bool,
        currency: str,
        carriers: dict[str, str],
        at: datetime,
        together: bool = False,
        targets: Mapping[str, Target] = TARGETS,
    ) -> None:
        self.together = together
        self.rows, self.headings, self.heading_row = rows, headings, heading_row
        self.currency, self.carriers, self.at = currency, carriers, at
        kinds = converters(ZoneInfo(zone), day_first=day_first)
        self.of: dict[str, int] = {target: int(index) for index, target in columns.items()}
        self.number_column = self.of["number"]
        self.read: dict[str, Callable[[str], Any]] = {key: kinds[targets[key].kind] for key in self.of}
        self.order_columns = [
            (k, c, self.read[k]) for k, c in self.of.items() if k not in self.per_row and k != "number"
        ]
        told = [column for _key, column, _read in self.order_columns]
        self.same_cells: Callable[[list[str]], Any] = lambda cells: [c < len(cells) and cells[c] for c in told]
        self.item_columns = sorted(column for key, column in self.of.items() if key in _ITEM_KEYS)
        self.items: dict[tuple[str, ...], ItemData] = {}
        self.total_rows = 0
        self.total_orders = 0

    def count(self) -> None:
        """Pass one: note where each order is seen last. Sets total_rows, total_orders and whether rows are together."""
        self.last: dict[int, int] = {}
        before, self.together = None, True
        for position, (_row, _cells, number) in enumerate(self._numbered()):
            key = hash(number)
            if number != before:
                self.together = self.together and key not in self.last
                before = number
            self.last[key] = position
            self.total_rows = position + 1
        self.total_orders = len(self.last)

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """Pass two: yield each order's rows when its last row has come, leaving out the first `skip` orders."""
        if self.together:
            orders = groupby(self._numbered(), key=itemgetter(2))
            told = (Group(number, [(row, cells) for row, cells, _number in rows]) for number, rows in orders)
            yield from islice(told, skip, None)
        else:
            yield from self._scattered(skip)

    def _scattered(self, skip: int) -> Iterator[Group]:
        opened: dict[str, Group] = {}
        done = 0
        for position, (row, cells, number) in enumerate(self._numbered()):
            group = opened.get(number)
            if group is None:
                group = opened[number] = Group(number)
                if len(opened) > MAX_OPEN:
                    raise ImportRefused(
                        _(
                            "The rows of the same orders lie too far apart."
                            " Sort the file by order number and try again."
                        ),
                        code="too_far_apart",
                    )
            group.rows.append((row, cells))
            if self.last[hash(number)] == position:
                del opened[number]
                done += 1
                if done > skip:
                    yield group
        for group in opened.values():  # two numbers with one hash: the one seen earlier is still open
            done += 1
            if done > skip:
                yield group

    def _numbered(self) -> Iterator[tuple[int, list[str], str]]:
        column, above = self.number_column, ""
        for row, cells in self.rows:
            if row <= self.heading_row:
                continue
            raw = cells[column] if column < len(cells) else ""
            if raw.isascii() and raw.isalnum():
                number = raw.upper()
            else:
                try:
                    number = normalise_order_number(read_code(raw))
                except BadCell:
                    number = raw
            above = number = number or above
            yield row, cells, number

    def order(self, group: Group) -> Ready | Refused:
        """Read one order: whole or not at all."""
        problems: list[RowProblem] = []
        for row, cells in group.rows:
            self._check_shape(row, cells, problems)
        if problems:
            return self._refuse(group, problems)
        try:
            data = self._data(group, problems)
            if problems:
                return self._refuse(group, problems)
            clean = clean_order(data, currency=self.currency, at=self.at, carriers=self.carriers)
        except InvalidOrder as error:
            return self.refused(group, error, problems)
        return Ready(clean, fingerprint(clean), len(group.rows))

    def refused(self, group: Group, error: InvalidOrder, problems: list[RowProblem] | None = None) -> Refused:
        """Return an order that stays out, what is wrong with it placed in the file."""
        found = [*(problems or ()), *(self._place(group, problem) for problem in error.problems)]
        return self._refuse(group, found)

    def _check_shape(self, row: int, cells: list[str], problems: list[RowProblem]) -> None:
        if len(cells) > self.headings and any(cells[self.headings :]):
            problems.append(RowProblem(row, None, "too_many_cells", {}, cells))
        if sum(map(len, cells)) <= MAX_CELL:
            return
        for column in self.of.values():
            if column < len(cells) and len(cells[column]) > MAX_CELL:
                problems.append(RowProblem(row, column, "cell_too_long", {"max": MAX_CELL}, cells))

    def _data(self, group: Group, problems: list[RowProblem]) -> OrderData:
        row, first = group.rows[0]
        told = self._order_level(group, problems)
        items = tuple(self._item(row, cells, problems) for row, cells in group.rows if self._has_item(cells))
        if len(items) > MAX_ITEMS:
            problems.append(RowProblem(row, None, "too_many_items", {"max": MAX_ITEMS}, first))
        number = self._cell(first, row, "number", problems) or group.number
        for part in ("province", "city", "district"):
            value = told.pop(part, "")
            if value and value not in told.get("region", ""):
                told["region"] = told.get("region", "") + value
        return OrderData(
            number=number,
            items=items,
            parcels=self._parcels(group, problems),
            payments=self._payments(group, told, problems),
            **told,
        )

    def _order_level(self, group: Group, problems: list[RowProblem]) -> dict[str, Any]:
        row, first = group.rows[0]
        told: dict[str, Any] = {}
        width = len(first)
        for key, column, read in self.order_columns:
            raw = first[column].strip() if column < width else ""
            if raw:
                try:
                    told[key] = read(raw)
                except BadCell as bad:
                    problems.append(RowProblem(row, column, bad.code, bad.params, first))
        for row, cells in group.rows[1:]:
            if self.same_cells(cells) == self.same_cells(first):
                continue
            for key, column, read in self.order_columns:
                raw = cells[column].strip() if column < len(cells) else ""
                if not raw or (column < width and raw == first[column].strip()):
                    continue
                try:
                    value = read(raw)
                except BadCell as bad:
                    problems.append(RowProblem(row, column, bad.code, bad.params, cells))
                    continue
                if key not in told:
                    told[key] = value
                elif key in _ONE_VALUE and told[key] != value:
                    params = {"one": first[column][:30], "two": raw[:30]} if key in {"placed_at", "total",
                    "currency"} else {
                        "one": "…", "two": "…"
                    }  # fmt: skip
                    problems.append(RowProblem(row, column, "differs", params, cells))
        return told

    def _cell(self, cells: list[str], row: int, key: str, problems: list[RowProblem]) -> Any:
        column = self.of.get(key)
        raw = cells[column].strip() if column is not None and column < len(cells) else ""
        if not raw:
            return None
        try:
            return self.read[key](raw)
        except BadCell as bad:
            problems.append(RowProblem(row, column, bad.code, bad.params, cells))
            return None

    def _has_item(self, cells: list[str]) -> bool:
        for key in ("item_title", "item_sku"):
            column = self.of.get(key)
            if column is not None and column < len(cells) and cells[column].strip():
                return True
        return False

    def _item(self, row: int, cells: list[str], problems: list[RowProblem]) -> ItemData:
        """Read a line; what reads without a problem is read once however often a shop sells it."""
        raw = tuple([cells[column] for column in self.item_columns if column < len(cells)])
        known = self.items.get(raw)
        if known is not None:
            return known
        before = len(problems)
        quantity = self._cell(cells, row, "item_quantity", problems)
        item = ItemData(
            self._cell(cells, row, "item_title", problems) or "",
            1 if quantity is None else quantity,
            self._cell(cells, row, "item_price", problems) or Decimal(0),
            self._cell(cells, row, "item_sku", problems) or "",
        )
        if len(problems) == before and len(self.items) < MAX_KNOWN and sum(map(len, raw)) < MAX_KNOWN_LENGTH:
            self.items[raw] = item
        return item

    def _parcels(self, group: Group, problems: list[RowProblem]) -> tuple[ParcelData, ...]:
        if "tracking_number" not in self.of:
            return ()
        found: dict[tuple[str, str], ParcelData] = {}
        column, seen = self.of["tracking_number"], ""
        for row, cells in group.rows:
            raw = cells[column] if column < len(cells) else ""
            if raw == seen:
                continue
            seen = raw
            tracking = self._cell(cells, row, "tracking_number", problems)
            carrier = self._cell(cells, row, "carrier", problems) or ""
            for number in (tracking or "").replace("、", ",").replace(",", ",").replace(";", ",").split(","):
                if number := number.strip():
                    found.setdefault((carrier, number), ParcelData(carrier, number))
        return tuple(found.values())

    def _payments(self, group: Group, told: dict[str, Any], problems: list[RowProblem]) -> tuple[PaymentData, ...]:
        if "payment_method" not in self.of and "payment_reference" not in self.of:
            return ()
        row, cells = group.rows[0]
        method = self._cell(cells, row, "payment_method", problems)
        reference = self._cell(cells, row, "payment_reference", problems)
        amount, paid_at = told.get("paid") or told.get("total"), told.get("paid_at")
        if not (method or reference) or not amount or paid_at is None:
            return ()
        return (PaymentData(method or "other", reference or "import", amount, paid_at),)

    def _place(self, group: Group, problem: Problem) -> RowProblem:
        """Say where in the file a problem of the whole order stands."""
        head, dot, tail = problem.field.partition(".")
        index = int(head.partition("[")[2].rstrip("]") or 0) if "[" in head else 0
        row, cells = group.rows[0]
        if head.startswith("items["):
            with_items = [entry for entry in group.rows if self._has_item(entry[1])]
            row, cells = with_items[index] if index < len(with_items) else (row, cells)
        key = _PATHS.get(tail if dot else head, head)
        column = self.of.get(key)
        return RowProblem(row, column, problem.code, problem.params, cells)

    def _refuse(self, group: Group, problems: list[RowProblem]) -> Refused:
        """One order with a wrong row stays out whole: every other row says so."""
        named = {problem.row for problem in problems}
        problems.extend(
            RowProblem(row, None, "order_refused", {}, cells) for row, cells in group.rows if row not in named
        )
        problems.sort(key=lambda problem: problem.row)
        return Refused(group.number, problems)
