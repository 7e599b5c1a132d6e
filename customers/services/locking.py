"""Take a customer's row before writing to it, and those joined with it: all of them, in the order of their ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Coalesce

from core.errors import NotFound, Unavailable
from core.live import announce
from customers.errors import AlreadyErased
from customers.models import Customer

TRIES = 5


class _Moved(Exception):
    """Somebody joined or parted records between looking and locking."""


def lock_families(customer_ids: Collection[int]) -> dict[int, Customer]:
    """Lock these customers with all that is joined with them, lowest id first; return {id: row}.

    Every writer locks whole families in one order, so joining A with B, B with A and A with C at once neither wait in
    a ring nor see half of a joining. Unknown ids are left out. Call inside a transaction.
    """
    for _try in range(TRIES):
        wanted = _family_ids(customer_ids)
        try:
            with transaction.atomic():  # what was locked in vain is let go of with the savepoint
                rows = Customer.objects.select_for_update(no_key=True, of=("self",)).filter(pk__in=wanted)
                locked = {row.pk: row for row in rows.order_by("pk")}
                if _family_ids(customer_ids) != wanted:
                    raise _Moved
        except _Moved:
            continue
        return locked
    raise Unavailable


def _family_ids(customer_ids: Iterable[int]) -> set[int]:
    roots = Customer.objects.filter(pk__in=list(customer_ids)).values_list(Coalesce("merged_into_id", "pk"))
    rows = Customer.objects.filter(Q(pk__in=roots) | Q(merged_into_id__in=roots))
    return set(rows.values_list("pk", flat=True))


def lock_customer(customer_id: int, *, even_erased: bool = False) -> Customer:
    """Lock and return the customer whose record counts: the one named, or the one it was joined into.

    Raises NotFound, AlreadyErased.
    """
    locked = lock_families([customer_id])
    named = locked.get(customer_id)
    if named is None:
        raise NotFound
    customer = locked[named.root_id]
    if customer.erased_at is not None and not even_erased:
        raise AlreadyErased
    return customer


def lock_own(customer_id: int) -> Customer:
    """Lock a family and return the very record named, joined or not. Raises NotFound, AlreadyErased."""
    locked = lock_families([customer_id])
    named = locked.get(customer_id)
    if named is None:
        raise NotFound
    if named.erased_at is not None:
        raise AlreadyErased
    return named


def announce_customer(customer: Customer) -> None:
    """After commit, have pages that show this customer look again."""
    announce(f"customer.{customer.pk}", "customer", customer.pk, customer.version)
