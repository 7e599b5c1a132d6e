"""Files in which each row is a thing of its own: products with price and stock, customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from core.text import normalise
from orders.services.data import TOP, clean_line
from orders.services.imports.cells import MAX_CELL, BadCell, converters, read_code
from orders.services.imports.grouping import Group, Refused, RowProblem
from orders.services.imports.kinds import FileKind
from orders.services.imports.reading import Rows
from orders.services.products import ProductTold
from orders.services.promotions import PromotionTold


@dataclass(frozen=True, slots=True)
class CustomerTold:
    """What a file tells of one customer; "" and () = not told. `phone` in E.164, `email` in lower case."""

    account: str = ""
    name: str = ""
    phone: str = ""
    email: str = ""
    tier: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""


@dataclass(slots=True)
class RowReady:
    """A row that may go in; `number` tells it apart and stands in the list of what would happen."""

    number: str
    data: ProductTold | CustomerTold | PromotionTold
    rows: int = 1


class RowReader:
    """Reads one thing a row by one matching of columns; a thing told twice in one file is refused the second time."""

    together = True

    def __init__(
        self, rows: Rows, *, kind: FileKind, columns: dict[str, str], headings: int, heading_row: int, zone: str,
        day_first: bool, at: datetime,
    ) -> None:  # fmt: skip
        self.rows, self.kind, self.headings, self.heading_row, self.at = rows, kind, headings, heading_row, at
        kinds = converters(ZoneInfo(zone), day_first=day_first)
        self.of: dict[str, int] = {target: int(index) for index, target in columns.items()}
        self.read: dict[str, Callable[[str], Any]] = {key: kinds[kind.targets[key].kind] for key in self.of}
        self.seen: dict[int, int] = {}
        self.total_rows = self.total_orders = 0

    def count(self) -> None:
        """Count the rows, each a thing of its own."""
        self.total_rows = self.total_orders = sum(1 for row, _cells in self.rows if row > self.heading_row)

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """Yield each row, leaving out the first `skip`."""
        place = 0
        for row, cells in self.rows:
            if row <= self.heading_row:
                continue
            place += 1
            group = Group(self._key(cells), [(row, cells)])
            if place > skip:
                yield group
            else:
                self.order(group)  # what is told again further down is told twice all the same

    def _key(self, cells: list[str]) -> str:
        for key in (self.kind.key, "phone", "email"):
            column = self.of.get(key)
            if column is not None and column < len(cells) and cells[column].strip():
                return clean_line(cells[column])[:120]
        return ""

    def order(self, group: Group) -> RowReady | Refused:
        """Read one row."""
        row, cells = group.rows[0]
        told, problems = self.read_row(row, cells)
        make = _product if self.kind.key == "sku" else _customer
        number, data, wrong = make(told)
        wrong = {} if problems else wrong
        problems += self.wrong_in(row, cells, wrong)
        if not problems and (first := self.seen.setdefault(hash(number), row)) != row:
            problems.append(RowProblem(row, self.of.get(self.kind.key), "twice_in_file", {"row": first}, cells))
        return Refused(number, problems) if problems else RowReady(number, data)

    def wrong_in(self, row: int, cells: list[str], wrong: Wrong) -> list[RowProblem]:
        """Return what is wrong with values as problems of a row."""
        return [RowProblem(row, self.of.get(key), code, params, cells) for key, (code, params) in wrong.items()]

    def read_row(self, row: int, cells: list[str]) -> tuple[dict[str, Any], list[RowProblem]]:
        """Return what a row tells, by column, and which of its cells cannot be read."""
        problems: list[RowProblem] = []
        told: dict[str, Any] = {}
        if len(cells) > self.headings and any(cells[self.headings :]):
            problems.append(RowProblem(row, None, "too_many_cells", {}, cells))
        for key, column in self.of.items():
            raw = cells[column].strip() if column < len(cells) else ""
            if not raw:
                continue
            try:
                if len(raw) > MAX_CELL:
                    raise BadCell("cell_too_long", max=MAX_CELL)
                told[key] = self.read[key](raw)
            except BadCell as bad:
                problems.append(RowProblem(row, column, bad.code, bad.params, cells))
        return told, problems


type Wrong = dict[str, tuple[str, dict[str, Any]]]


def _product(told: Mapping[str, Any]) -> tuple[str, ProductTold, Wrong]:
    wrong: Wrong = {}
    sku = clean_line(told.get("sku", ""))
    if not sku:
        wrong["sku"] = ("missing", {})
    name, category = clean_line(told.get("product_name", "")), clean_line(told.get("category", ""))
    for key, value, limit in (
        ("sku", sku, 64),
        ("product_name", name, 200),
        ("category", category, 64),
    ):
        if len(value) > limit:
            wrong[key] = ("too_long", {"max": limit})
    price: Decimal | None = told.get("price")
    if price is not None and price > TOP:
        wrong["price"] = ("too_large", {})
    elif price is not None and price != price.quantize(Decimal("0.01")):
        wrong["price"] = ("decimals", {})
    currency = told.get("currency", "")
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        wrong["currency"] = ("not_currency", {"value": currency[:8]})
    data = ProductTold(
        sku, name, category, price, currency, told.get("stock"), told.get("stock_at"),
        told.get("is_active"),
    )  # fmt: skip
    return sku, data, wrong


def _customer(told: Mapping[str, Any]) -> tuple[str, CustomerTold, Wrong]:
    wrong: Wrong = {}
    phone, email = told.get("phone", ""), told.get("email", "")
    account = normalise(read_code(told["account"]))[:120] if told.get("account") else ""
    if phone.startswith("*"):
        wrong["phone"] = ("masked_phone", {})
    elif not (account or phone or email):
        wrong["account"] = ("nobody", {})
    name, note = clean_line(told.get("customer_name", "")), told.get("note", "")
    for key, value, limit in (("customer_name", name, 120), ("note", note, 4000)):
        if len(value) > limit:
            wrong[key] = ("too_long", {"max": limit})
    data = CustomerTold(account, name, phone, email, told.get("tier", ""), told.get("tags", ()), note)
    return account or phone or email, data, wrong
