"""Propose records that look like one person; nothing is joined by itself."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import batched, combinations

from django.db import connection, transaction

from core.actors import Actor
from core.errors import NotFound
from core.events import record
from core.jobs import schedule
from customers.duplicates import FINDERS, register_duplicate_finder
from customers.enums import DuplicateReason, IdentityKind
from customers.events import CustomersJoined
from customers.models import Customer, DuplicatePair, Identity
from customers.selectors import loose_index
from customers.services.locking import lock_families

logger = logging.getLogger(__name__)
MOST_PAIRS = 5000
LARGEST_GROUP = 6
FIND_JOB = "customers.find_duplicates"

# A phone many share is a company's, a name many share is a common one: groups above LARGEST_GROUP say nothing.
_SAME_NAME_AND_DIGITS = """
SELECT array_agg(DISTINCT coalesce(c.merged_into_id, c.id)) FROM customers_identity i
  JOIN customers_customer c ON c.id = i.customer_id
 WHERE i.last4_index IS NOT NULL AND c.erased_at IS NULL AND length(c.name) > 1
 GROUP BY i.last4_index, lower(replace(c.name, ' ', ''))
HAVING count(DISTINCT coalesce(c.merged_into_id, c.id)) BETWEEN 2 AND %s
"""
_SAME_SPELLING = """
SELECT array_agg(DISTINCT coalesce(c.merged_into_id, c.id)) FROM customers_identity i
  JOIN customers_customer c ON c.id = i.customer_id
 WHERE i.loose_index IS NOT NULL AND c.erased_at IS NULL
 GROUP BY i.loose_index HAVING count(DISTINCT coalesce(c.merged_into_id, c.id)) BETWEEN 2 AND %s
"""


def groups_from(statement: str) -> Iterator[list[int]]:
    """Yield the groups of customer ids a statement finds; it takes the largest group that counts."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [LARGEST_GROUP])
        for (ids,) in cursor.fetchall():
            yield sorted(ids)


register_duplicate_finder(DuplicateReason.PHONE_NAME, lambda: groups_from(_SAME_NAME_AND_DIGITS))
register_duplicate_finder(DuplicateReason.EMAIL_SPELLING, lambda: groups_from(_SAME_SPELLING))


def find_duplicates(*, at: datetime) -> int:
    """Look through all customers and propose pairs anew; return how many stand open.

    What somebody told apart stays told apart. Proposals that no longer hold are dropped.
    """
    add_loose_indexes()
    found: dict[tuple[int, int], set[str]] = {}
    for reason, find in sorted(FINDERS.items()):
        for low, high in _pairs(find()):
            if (low, high) in found or len(found) < MOST_PAIRS:
                found.setdefault((low, high), set()).add(str(reason))
    return _propose(found, at)


def _pairs(groups: Iterable[list[int]]) -> Iterator[tuple[int, int]]:
    for group in groups:
        yield from combinations(sorted(set(group)), 2)


@transaction.atomic
def _propose(found: dict[tuple[int, int], set[str]], at: datetime) -> int:
    there = set(Customer.objects.filter(pk__in={pk for pair in found for pk in pair}).values_list("pk", flat=True))
    rows = [
        DuplicatePair(low_id=low, high_id=high, reasons=sorted(reasons), found_at=at)
        for (low, high), reasons in sorted(found.items())
        if low in there and high in there
    ]
    DuplicatePair.objects.bulk_create(
        rows, batch_size=1000, update_conflicts=True, unique_fields=["low", "high"],
        update_fields=["reasons", "found_at"],
    )  # fmt: skip
    DuplicatePair.objects.filter(dismissed_at=None, found_at__lt=at).delete()
    open_count = DuplicatePair.objects.filter(dismissed_at=None).count()
    logger.info("customers.duplicates_found pairs=%s open=%s", len(rows), open_count)
    return open_count


def add_loose_indexes(*, most: int = 50_000) -> int:
    """Give mail addresses from before their plainest spelling's digest; return how many."""
    waiting = Identity.objects.filter(kind=IdentityKind.EMAIL, loose_index=None).order_by("pk")
    count = 0
    for ids in batched(list(waiting.values_list("pk", flat=True)[:most]), 500):
        rows = [row for row in Identity.objects.filter(pk__in=ids) if row.value_enc]
        for row in rows:
            row.loose_index = loose_index(row.kind, row.value)
        count += Identity.objects.bulk_update(rows, ["loose_index"])
    return count


@transaction.atomic
def ask_for_duplicates(*, at: datetime) -> None:
    """Have all customers looked through soon; asked again within the same minute it is done once."""
    schedule(FIND_JOB, key=f"asked:{at:%Y%m%d%H%M}", due_at=at)


@transaction.atomic
def tell_apart(*, one_id: int, other_id: int, actor: Actor, at: datetime) -> DuplicatePair:
    """Write down that two records are two people; they are not proposed again. Raises NotFound."""
    low_id, high_id = sorted((one_id, other_id))
    locked = lock_families([low_id, high_id])
    if low_id == high_id or not {low_id, high_id} <= set(locked):
        raise NotFound
    pair, _new = DuplicatePair.objects.get_or_create(
        low_id=low_id, high_id=high_id, defaults={"reasons": [], "found_at": at}
    )
    if pair.dismissed_at is None:
        pair.dismissed_at, pair.dismissed_by_id = at, actor.id if actor.is_person else None
        pair.save(update_fields=["dismissed_at", "dismissed_by"])
        record("customer.told_apart", subject=locked[low_id], actor=actor, at=at, data=CustomersJoined(high_id))
    return pair


@transaction.atomic
def propose_again(*, one_id: int, other_id: int, actor: Actor, at: datetime) -> None:
    """Take back that two records are two people. Raises NotFound."""
    low_id, high_id = sorted((one_id, other_id))
    changed = DuplicatePair.objects.filter(low_id=low_id, high_id=high_id).update(dismissed_at=None, dismissed_by=None)
    if not changed:
        raise NotFound
