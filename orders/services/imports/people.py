"""Customers from a file: who they are, their tier, tags and note. What staff wrote about them stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import StaleEdit
from customers.enums import IdentityKind
from customers.models import Customer
from customers.selectors import find_people
from customers.services import find_or_add_customer
from customers.services.records import CustomerDraft, edit_customer
from orders.models import ImportRun
from orders.services.imports.rowwise import CustomerTold

TRIES = 3


def compare_customers(run: ImportRun, told: Sequence[CustomerTold]) -> list[str]:
    """Return what each would be: new, changed or same. At most three statements."""
    found = find_people([_keys(run, one) for one in told])
    return [
        "new" if customer is None else "same" if is_whole and _draft(customer, one) is None else "changed"
        for one, (customer, is_whole) in zip(told, found, strict=True)
    ]


def take_customer(run: ImportRun, told: CustomerTold, *, actor: Actor, at: datetime) -> str:
    """Take one customer in; return "new", "changed" or "same". Raises AlreadyErased."""
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            with transaction.atomic():
                return _take(run, told, actor, at)
        except StaleEdit:  # an agent saved her between our reading and our writing
            if last:
                raise
    raise AssertionError("unreachable")


def _take(run: ImportRun, told: CustomerTold, actor: Actor, at: datetime) -> str:
    ((before, is_whole),) = find_people([_keys(run, told)])
    customer = find_or_add_customer(
        account=told.account or None, phone=told.phone or None, email=told.email or None, name=told.name,
        shop_id=run.shop_id, language=run.shop.language, source="import", actor=actor, at=at,
    )  # fmt: skip
    draft = _draft(customer, told)
    if draft is not None:
        edit_customer(customer_id=customer.pk, version=customer.version, draft=draft, actor=actor, at=at)
    if before is None:
        return "new"
    return "same" if is_whole and draft is None and bool(before.name) == bool(customer.name) else "changed"


def _draft(customer: Customer, told: CustomerTold) -> CustomerDraft | None:
    """Return what the file changes about a customer, None for nothing: tags are added, a note only where none is."""
    name, tier = customer.name or told.name, told.tier or customer.tier
    tags, note = sorted({*customer.tags, *told.tags}), customer.note or told.note
    if (name, tier, tags, note) == (customer.name, customer.tier, sorted(customer.tags), customer.note):
        return None
    return CustomerDraft(name=name, tier=tier, tags=tuple(tags), note=note)


def _keys(run: ImportRun, told: CustomerTold) -> list[tuple[str, int | None, str]]:
    keys: list[tuple[str, int | None, str]] = []
    if told.account:
        keys.append((IdentityKind.SHOP_ACCOUNT, run.shop_id, told.account))
    if told.phone:
        keys.append((IdentityKind.PHONE, None, told.phone))
    if told.email:
        keys.append((IdentityKind.EMAIL, None, told.email))
    return keys
