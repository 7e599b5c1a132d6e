"""Who is it? Find a customer by account, phone or mail address, or add one; race-safe by the unique identity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import encrypt
from core.errors import InvalidInput
from core.events import Code, record
from core.text import normalise, normalise_email, normalise_phone, pinyin_key
from customers.enums import IdentityKind
from customers.errors import IdentityTaken
from customers.events import CustomerAdded, IdentityAdded
from customers.models import Customer, Identity
from customers.selectors import find_identity, identity_index, last4_index, loose_index
from customers.services.claims import confirm_claims, confirms, is_claim, make_room
from customers.services.locking import announce_customer, lock_customer, lock_own


@dataclass(frozen=True)
class Known:
    """One normalised identity; `shop_id` only for a shop's own account."""

    kind: str
    value: str
    shop_id: int | None = None


@transaction.atomic(savepoint=False)
def find_or_add_customer(
    *,
    phone: str | None = None,
    email: str | None = None,
    name: str = "",
    shop_id: int | None = None,
    language: str = "zh-hans",
    source: str,
    actor: Actor,
    at: datetime,
    account: str | None = None,
) -> Customer:
    """Return the customer known by the account, else the phone, else the address; add what is new about them.

    Two customers found by phone and by address stay two: nothing is merged by itself. Parallel calls give one customer.
    A record that was joined with another leads to that one; what is new is kept where the known contact is, so that
    taking them apart again leaves everything with the right person.
    Raises InvalidInput when nothing usable is given.
    """
    known = _normalised(phone, email, account, shop_id)
    if not known:
        raise InvalidInput(fields={"phone": [_("Give a phone number or an email address.")]})
    rows = _find(known)
    if not rows:
        try:
            with transaction.atomic():
                return _add(known, name, language, source, actor, at)
        except IntegrityError:  # a parallel call added the same person just now: its row is committed, so it is seen
            rows = _find(known)
            if not rows:
                raise
    first = next(rows[item] for item in known if item in rows)
    found = _complete(first.customer, known, rows, name, source, actor, at)
    return found.merged_into or found


def _normalised(phone: str | None, email: str | None, account: str | None, shop_id: int | None) -> list[Known]:
    known = []
    if account and account.strip():
        known.append(Known(IdentityKind.SHOP_ACCOUNT, normalise(account)[:120], shop_id))
    if phone and (number := normalise_phone(phone)):
        known.append(Known(IdentityKind.PHONE, number))
    if email and (address := normalise_email(email)):
        known.append(Known(IdentityKind.EMAIL, address))
    return known


def _find(known: list[Known]) -> dict[Known, Identity]:
    """Return the identities that are there already, with their customers, in one statement."""
    digests = {(item.kind, item.shop_id, identity_index(item.kind, item.value)): item for item in known}
    wanted = Q()
    for kind, shop_id, digest in digests:
        wanted |= Q(kind=kind, shop_id=shop_id, value_index=digest)
    rows = Identity.objects.filter(wanted).select_related("customer__merged_into")
    return {digests[row.kind, row.shop_id, bytes(row.value_index)]: row for row in rows}


def _add(known: list[Known], name: str, language: str, source: str, actor: Actor, at: datetime) -> Customer:
    name = normalise(name)[:120]
    customer = Customer.objects.create(name=name, name_key=pinyin_key(name)[:240], language=language)
    Identity.objects.bulk_create(_row(customer.pk, item, source, is_primary=True) for item in known)
    record("customer.added", subject=customer, actor=actor, at=at, data=CustomerAdded(source=Code(source)))
    return customer


def _complete(
    customer: Customer,
    known: list[Known],
    rows: dict[Known, Identity],
    name: str,
    source: str,
    actor: Actor,
    at: datetime,
) -> Customer:
    """Add to a customer who is known already what this contact says besides."""
    missing = [item for item in known if item not in rows]
    root = customer.merged_into_id or customer.pk
    hers = [row for row in rows.values() if row.customer.root_id == root]
    claims = [row.pk for row in hers if row.is_claimed] if confirms(source) else []
    name = normalise(name)[:120]
    if not missing and not claims and (customer.name or not name):
        return customer
    customer = lock_own(customer.pk)
    confirm_claims(claims)
    for item in missing:
        _add_identity(customer, item, source, actor, at, may_be_primary=confirms(source))
    if name and not customer.name:
        customer.name, customer.name_key = name, pinyin_key(name)[:240]
    customer.version += 1
    customer.save(update_fields=["name", "name_key", "version"])
    announce_customer(customer)
    return customer


def _add_identity(
    customer: Customer, item: Known, source: str, actor: Actor, at: datetime, *, may_be_primary: bool
) -> Identity | None:
    better = Identity.objects.filter(customer=customer, kind=item.kind, is_primary=True, is_claimed=False)
    primary = may_be_primary and not better.exists()
    try:
        with transaction.atomic():
            if primary and item.kind == IdentityKind.EMAIL:
                make_room([customer.pk], item.kind)
            row = _row(customer.pk, item, source, is_primary=primary)
            row.save(force_insert=True)
    except IntegrityError:  # somebody else's by now: theirs it stays
        return None
    data = IdentityAdded(kind=Code(item.kind), source=Code(source))
    record("customer.identity_added", subject=customer, actor=actor, at=at, data=data)
    return row


@transaction.atomic
def add_identity(
    *,
    customer_id: int,
    kind: str,
    value: str,
    source: str,
    actor: Actor,
    at: datetime,
    shop_id: int | None = None,
    is_primary: bool = False,
    verified_at: datetime | None = None,
) -> Identity:
    """Add a way a customer is known, or raise it to primary or proven when it is there.

    Raises InvalidInput for a value that is none, IdentityTaken when it is another customer's.
    """
    known = _normalised(
        value if kind == IdentityKind.PHONE else None,
        value if kind == IdentityKind.EMAIL else None,
        value if kind == IdentityKind.SHOP_ACCOUNT else None,
        shop_id,
    )
    if not known:
        raise InvalidInput(fields={"value": [_("This is not a phone number or address we can use.")]})
    customer = lock_customer(customer_id)
    item = known[0]
    row = find_identity(item.kind, item.value, item.shop_id)
    if row is None:
        row = _add_identity(customer, item, source, actor, at, may_be_primary=False)
    if row is None or row.customer.root_id != customer.pk:
        raise IdentityTaken
    _raise_identity(row, is_primary=is_primary, verified_at=verified_at, is_confirmed=confirms(source))
    customer.version += 1
    customer.save(update_fields=["version"])
    announce_customer(customer)
    return row


def _raise_identity(row: Identity, *, is_primary: bool, verified_at: datetime | None, is_confirmed: bool) -> None:
    if (verified_at or is_confirmed) and row.is_claimed:
        confirm_claims([row.pk])
        row.refresh_from_db(fields=["is_primary", "is_claimed"])
    others = Identity.objects.filter(customer_id=row.customer_id, kind=row.kind, is_primary=True).exclude(pk=row.pk)
    if is_primary and not row.is_primary and not (row.is_claimed and others.filter(is_claimed=False).exists()):
        others.update(is_primary=False)
        row.is_primary = True
    if verified_at and row.verified_at is None:
        row.verified_at = verified_at
    row.save(update_fields=["is_primary", "verified_at"])


def _row(customer_id: int, item: Known, source: str, *, is_primary: bool) -> Identity:
    return Identity(
        customer_id=customer_id,
        kind=item.kind,
        shop_id=item.shop_id,
        value_enc=encrypt(item.value),
        value_index=identity_index(item.kind, item.value),
        last4_index=last4_index(item.value) if item.kind == IdentityKind.PHONE else None,
        loose_index=loose_index(item.kind, item.value),
        is_primary=is_primary,
        is_claimed=is_claim(item.kind, source),
    )
