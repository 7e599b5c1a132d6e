"""Promotions from a file: one row each, or a row for each item of one; the rows of a number are one promotion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any

from core.actors import Actor
from orders.models import ImportRun, Promotion
from orders.promotion_enums import PromotionSource
from orders.services.data import TOP, clean_line
from orders.services.imports.grouping import Group, Refused, RowProblem
from orders.services.imports.rowwise import RowReader, RowReady, Wrong
from orders.services.promotions import PromotionTold, compare_promotion, save_promotion


class PromotionReader(RowReader):
    """Reads promotions. They are held open to the end of the file: a sale has thousands of items, not millions."""

    def count(self) -> None:
        """Count the rows and the promotions."""
        groups = list(self.groups())
        self.total_orders, self.total_rows = len(groups), sum(len(group.rows) for group in groups)

    def groups(self, skip: int = 0) -> Iterator[Group]:
        """Yield each promotion with all its rows, in the order of their first ones, leaving out the first `skip`."""
        found: dict[str | int, Group] = {}
        for row, cells in self.rows:
            if row > self.heading_row:
                number = self._key(cells)
                found.setdefault(number or row, Group(number)).rows.append((row, cells))
        yield from islice(found.values(), skip, None)

    def order(self, group: Group) -> RowReady | Refused:
        """Read the rows of one promotion; what they say of anything but its items must be the same."""
        (row, cells), problems = group.rows[0], []
        first, faults = self.read_row(row, cells)
        problems += faults
        skus = list(first.get("skus", ()))
        for other, these in group.rows[1:]:
            told, faults = self.read_row(other, these)
            problems += faults or self._differences(row, first, other, told, these)
            skus += told.get("skus", ())
        data, wrong = _promotion({**first, "skus": tuple(dict.fromkeys(map(clean_line, skus)))})
        problems += [] if problems else self.wrong_in(row, cells, wrong)
        if problems or data is None:
            wrong_rows = {problem.row for problem in problems}
            problems += [
                RowProblem(row, None, "promotion_refused", {}, cells)
                for row, cells in group.rows
                if row not in wrong_rows
            ]
            return Refused(group.number, problems)
        return RowReady(data.code, data, len(group.rows))

    def _differences(
        self, first_row: int, first: Mapping[str, Any], row: int, told: Mapping[str, Any], cells: list[str]
    ) -> list[RowProblem]:
        return [
            RowProblem(
                row, self.of[key], "differs_from_row", {"row": first_row, "other": _short(first.get(key))}, cells
            )
            for key in self.of
            if key != "skus" and told.get(key) != first.get(key)
        ]


def _short(value: Any) -> str:
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else str(value)[:40]


def _promotion(told: Mapping[str, Any]) -> tuple[PromotionTold | None, Wrong]:
    wrong: Wrong = {}
    code, title = clean_line(told.get("code", "")), clean_line(told.get("title", ""))
    for key, text, limit in (("code", code, 64), ("title", title, 120)):
        if not text:
            wrong[key] = ("missing", {})
        elif len(text) > limit:
            wrong[key] = ("too_long", {"max": limit})
    price: Decimal | None = told.get("price")
    percent: Decimal | None = told.get("percent")
    starts_at: datetime | None = told.get("starts_at")
    ends_at: datetime | None = told.get("ends_at")
    if starts_at is None:
        wrong["starts_at"] = ("missing", {})
    elif ends_at is not None and ends_at <= starts_at:
        wrong["ends_at"] = ("ends_too_early", {})
    if (price is None) == (percent is None):
        wrong["percent" if price is not None else "price"] = ("price_or_percent", {})
    elif price is not None and price > TOP:
        wrong["price"] = ("too_large", {})
    elif price is not None and price != price.quantize(Decimal("0.01")):
        wrong["price"] = ("decimals", {})
    elif price is not None and not told["skus"]:
        wrong["skus"] = ("price_needs_skus", {})
    if any(len(sku) > 64 for sku in told["skus"]):
        wrong["skus"] = ("too_long", {"max": 64})
    if wrong or starts_at is None:
        return None, wrong
    return PromotionTold(code, title, starts_at, ends_at, price, percent, told["skus"], told.get("is_active", True)), {}


def compare_promotions(run: ImportRun, told: Sequence[PromotionTold]) -> list[str]:
    """Return what each would be: new, changed or same. One statement."""
    codes = [one.code for one in told]
    known = {one.code: one for one in Promotion.objects.filter(shop_id=run.shop_id, code__in=codes)}
    return [compare_promotion(known.get(one.code), one) for one in told]


def take_promotion(run: ImportRun, told: PromotionTold, *, actor: Actor, at: datetime) -> str:
    """Take one promotion in; return "new", "changed" or "same". Raises InvalidInput."""
    return save_promotion(shop=run.shop, told=told, source=PromotionSource.FILE, actor=actor, at=at)
