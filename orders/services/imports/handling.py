"""What is done with a file of each kind: how it is read, what its things would become, how one is taken in.

Whole orders go in set-wise (services.imports.running); everything else one by one, by the services that other doors
use too.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from core.actors import Actor
from orders.enums import ImportKind
from orders.models import ImportRun
from orders.selectors.carriers import carrier_codes
from orders.services.data import OrderData
from orders.services.imports.grouping import Group, Reader, Ready, Refused
from orders.services.imports.kinds import KINDS
from orders.services.imports.parts import READERS, judge_parts, take_part
from orders.services.imports.people import compare_customers, take_customer
from orders.services.imports.promotions import PromotionReader, compare_promotions, take_promotion
from orders.services.imports.reading import Rows
from orders.services.imports.rowwise import CustomerTold, RowReader, RowReady
from orders.services.imports.stock import compare_products, take_product
from orders.services.products import ProductTold
from orders.services.promotions import PromotionTold

ROWWISE: dict[str, type[RowReader]] = {
    ImportKind.PRODUCTS: RowReader, ImportKind.CUSTOMERS: RowReader, ImportKind.PROMOTIONS: PromotionReader,
}  # fmt: skip
COMPARES = {
    ImportKind.PRODUCTS: compare_products, ImportKind.CUSTOMERS: compare_customers,
    ImportKind.PROMOTIONS: compare_promotions,
}  # fmt: skip

type Judged = tuple[Ready, str] | tuple[RowReady, str] | Refused


def open_reader(run: ImportRun, path: Path, at: datetime) -> Reader | RowReader:
    """Return a reader for a run's file by its kind and matching."""
    kind = KINDS[ImportKind(run.kind)]
    rows = Rows(path, run.encoding, run.options.get("delimiter", ","))
    shape: dict[str, Any] = {
        "columns": run.columns, "headings": len(run.headings), "heading_row": run.options.get("heading_row", 1),
        "zone": run.shop.timezone, "day_first": bool(run.options.get("day_first")), "at": at,
    }  # fmt: skip
    if run.kind in ROWWISE:
        return ROWWISE[ImportKind(run.kind)](rows, kind=kind, **shape)
    return READERS.get(run.kind, Reader)(
        rows, currency=run.shop.currency, carriers=carrier_codes(), together=bool(run.options.get("together")),
        targets=kind.targets, **shape,
    )  # fmt: skip


def judge(reader: Reader | RowReader, run: ImportRun, groups: Sequence[Group]) -> list[Judged]:
    """Return what would become of each thing: new, changed, same or refused; a fixed number of statements a call."""
    if isinstance(reader, RowReader):
        return _judge_rows(reader, run, groups)
    if run.kind != ImportKind.ORDERS:
        return list(judge_parts(reader, run, list(groups)))
    results = [reader.order(group) for group in groups]
    known = digests_of(run.shop_id, [result.data.number for result in results if isinstance(result, Ready)])
    judged: list[Judged] = []
    for result in results:
        if isinstance(result, Refused):
            judged.append(result)
        else:
            digest = known.get(result.data.number)
            judged.append((result, "new" if digest is None else "same" if digest == result.digest else "changed"))
    return judged


def _judge_rows(reader: RowReader, run: ImportRun, groups: Sequence[Group]) -> list[Judged]:
    results = [reader.order(group) for group in groups]
    ready = [result for result in results if isinstance(result, RowReady)]
    compare: Any = COMPARES[ImportKind(run.kind)]
    whats = iter(compare(run, [one.data for one in ready]))
    return [result if isinstance(result, Refused) else (result, next(whats)) for result in results]


def take_one(run: ImportRun, data: Any, *, actor: Actor, at: datetime) -> str:
    """Take one thing of a file that does not tell whole orders in; return "new", "changed" or "same".

    Raises DomainError for what cannot be taken.
    """
    if isinstance(data, ProductTold):
        return take_product(run, data, at=at)
    if isinstance(data, CustomerTold):
        return take_customer(run, data, actor=actor, at=at)
    if isinstance(data, PromotionTold):
        return take_promotion(run, data, actor=actor, at=at)
    assert isinstance(data, OrderData)
    return take_part(run, data, actor=actor, at=at)


def digests_of(shop_id: int, numbers: Sequence[str]) -> dict[str, bytes]:
    """Return the fingerprints of orders that are there, by number; b"" for one that came in another way."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, content_hash FROM orders_order WHERE shop_id = %s AND number = ANY(%s)",
            [shop_id, list(numbers)],
        )
        return {number: bytes(digest) if digest else b"" for number, digest in cursor.fetchall()}
