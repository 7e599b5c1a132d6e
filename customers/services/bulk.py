"""Find or add many customers at once, for imports: the same rules as find_or_add_customer, three statements a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from core.actors import Actor
from core.crypto import encrypt
from core.events import Code
from core.events.bulk import History
from core.inserting import reserve_ids
from core.text import normalise, pinyin_key
from customers.enums import IdentityKind
from customers.events import CustomerAdded, IdentityAdded
from customers.selectors import identity_index, last4_index, loose_index
from customers.services.claims import confirm_claims, make_room

_CUSTOMER = "id, name, name_key, tier, language, tags, note, is_blocked, version"
_IDENTITY = "customer_id, kind, shop_id, value_enc, value_index, last4_index, loose_index, is_primary"


type Place = tuple[str, int | None, bytes]


class Key(NamedTuple):
    """One identity of a person with its digest; `shop_id` only for a shop's own account."""

    kind: str
    value: str
    digest: bytes
    shop_id: int | None = None


class Person(NamedTuple):
    """Somebody an import names: how she is known, strongest first (account, phone, address), and her name."""

    keys: list[Key]
    name: str = ""


@dataclass(slots=True)
class _New:
    customer_id: int
    key: Key
    is_primary: bool


@dataclass(slots=True)
class _Plan:
    ids: list[int] = field(default_factory=list)
    added: dict[int, str] = field(default_factory=dict)
    identities: list[_New] = field(default_factory=list)
    outranked: list[int] = field(default_factory=list)  # customers whose claimed primary address gives way


def person(*, account: str = "", phone: str = "", email: str = "", name: str = "", shop_id: int) -> Person:
    """Return a person from normalised values (phone in E.164, address in lower case); digests are made here."""
    keys = []
    if account:
        value = account if account.isascii() else normalise(account)[:120]
        keys.append(
            Key(str(IdentityKind.SHOP_ACCOUNT), value, identity_index(IdentityKind.SHOP_ACCOUNT, value), shop_id)
        )
    if phone:
        keys.append(Key(str(IdentityKind.PHONE), phone, identity_index(IdentityKind.PHONE, phone)))
    if email:
        keys.append(Key(str(IdentityKind.EMAIL), email, identity_index(IdentityKind.EMAIL, email)))
    return Person(keys, name)


def find_or_add_customers(
    *, people: Sequence[Person], shop_id: int, language: str, source: str, actor: Actor, at: datetime, history: History
) -> list[int]:
    """Return a customer id for each person, adding who is new; equal people in one call are one customer.

    Call inside a transaction and repeat that transaction when it meets a unique violation or a deadlock: somebody else
    added the same person at the same moment, and the next try finds them. Facts go to `history`.
    """
    roots: dict[int, int] = {}
    claims: dict[Place, int] = {}
    known = _known({key for one in people for key in one.keys}, roots, claims)
    _confirm(people, known, roots, claims)
    plan = _plan(people, known)
    _copy_customers(plan, language)
    if plan.outranked:
        make_room(plan.outranked, IdentityKind.EMAIL)
    _copy_identities(plan)
    for customer_id in plan.added:
        history.add(
            "customer.added",
            at,
            CustomerAdded(source=Code(source)),
            subject=("customer", customer_id),
            shop_id=None,
            customer_id=customer_id,
        )
    for new in plan.identities:
        if new.customer_id not in plan.added:
            history.add(
                "customer.identity_added",
                at,
                IdentityAdded(kind=Code(new.key.kind), source=Code(source)),
                subject=("customer", new.customer_id),
                shop_id=None,
                customer_id=new.customer_id,
            )
    return [roots.get(customer_id, customer_id) for customer_id in plan.ids]


def _confirm(
    people: Sequence[Person], known: dict[Place, int], roots: dict[int, int], claims: dict[Place, int]
) -> None:
    """What the shop names of a person is no claim any longer (see services.claims); no statement where none was."""
    confirmed = []
    for one in people if claims else ():
        places = [(key.kind, key.shop_id, key.digest) for key in one.keys]
        whose = {place: roots.get(known[place], known[place]) for place in places if place in known}
        her = next(iter(whose.values()), None)
        confirmed += [claims[place] for place, root in whose.items() if place in claims and root == her]
    if confirmed:
        confirm_claims(confirmed)


def _known(keys: Iterable[Key], roots: dict[int, int], claims: dict[Place, int]) -> dict[Place, int]:
    """Return whose each identity is; `roots` learns which records were joined into which, `claims` which are claims."""
    by_kind: dict[tuple[str, int | None], list[bytes]] = {}
    for key in keys:
        by_kind.setdefault((key.kind, key.shop_id), []).append(key.digest)
    found: dict[Place, int] = {}
    with connection.cursor() as cursor:
        for (kind, shop_id), digests in by_kind.items():
            cursor.execute(
                "SELECT i.value_index, c.id, c.merged_into_id, CASE WHEN i.is_claimed THEN i.id END"
                " FROM unnest(string_to_array(%s, ',')) AS hex"
                " JOIN customers_identity i ON i.kind = %s AND i.value_index = decode(hex, 'hex')"
                " JOIN customers_customer c ON c.id = i.customer_id AND "
                + ("i.shop_id IS NULL" if shop_id is None else "i.shop_id = %s"),  # allowed: constants
                [",".join(digest.hex() for digest in digests), kind, *([] if shop_id is None else [shop_id])],
            )
            for index, customer_id, root_id, claim_id in cursor.fetchall():
                found[kind, shop_id, bytes(index)] = customer_id
                if claim_id is not None:
                    claims[kind, shop_id, bytes(index)] = claim_id
                if root_id is not None:
                    roots[customer_id] = root_id
    return found


def _plan(people: Sequence[Person], known: dict[Place, int]) -> _Plan:
    plan = _Plan()
    wanting = [n for n, one in enumerate(people) if not any((k.kind, k.shop_id, k.digest) in known for k in one.keys)]
    fresh = iter(reserve_ids("customers_customer", len(wanting)))
    additions: list[_New] = []
    for one in people:
        places = [(key.kind, key.shop_id, key.digest) for key in one.keys]
        customer_id = next((known[place] for place in places if place in known), None)
        if customer_id is None:
            customer_id = next(fresh)
            plan.added[customer_id] = one.name
        elif plan.added.get(customer_id) == "" and one.name:
            plan.added[customer_id] = one.name
        for place, key in zip(places, one.keys, strict=True):
            if place not in known:
                known[place] = customer_id
                additions.append(_New(customer_id, key, is_primary=True))
        plan.ids.append(customer_id)
    taken, claimed = _primaries({new.customer_id for new in additions if new.customer_id not in plan.added})
    for new in additions:
        new.is_primary = (new.customer_id, new.key.kind) not in taken
        taken.add((new.customer_id, new.key.kind))
        if new.is_primary and (new.customer_id, new.key.kind) in claimed:
            plan.outranked.append(new.customer_id)
    plan.identities = additions
    return plan


def _primaries(customer_ids: set[int]) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """Return (customer, kind) of the primary identities: those that stand, and those that were only claimed."""
    if not customer_ids:
        return set(), set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT customer_id, kind, is_claimed FROM customers_identity WHERE is_primary AND customer_id = ANY(%s)",
            [sorted(customer_ids)],
        )
        rows = cursor.fetchall()
    return {(row[0], row[1]) for row in rows if not row[2]}, {(row[0], row[1]) for row in rows if row[2]}


def _copy_customers(plan: _Plan, language: str) -> None:
    lines = [
        f"{customer_id}\t{_text(name)}\t{_text(pinyin_key(name)[:240])}\tstandard\t{language}\t{{}}\t\tf\t1\n"
        for customer_id, name in ((pk, normalise(name)[:120]) for pk, name in plan.added.items())
    ]
    if lines:
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(f"COPY customers_customer ({_CUSTOMER}) FROM STDIN") as copy,  # allowed: our own column names
        ):
            copy.write("".join(lines))


def _copy_identities(plan: _Plan) -> None:
    """Write in the order of the unique index, so that two imports at once wait for each other and never in a ring."""
    lines = []
    for new in sorted(plan.identities, key=lambda new: (new.key.kind, new.key.shop_id or 0, new.key.digest)):
        key = new.key
        last4 = last4_index(key.value) if key.kind == IdentityKind.PHONE else None
        loose = loose_index(key.kind, key.value)
        lines.append(
            f"{new.customer_id}\t{key.kind}\t{key.shop_id if key.shop_id is not None else chr(92) + 'N'}\t"
            f"\\\\x{encrypt(key.value).hex()}\t\\\\x{key.digest.hex()}\t"
            f"{chr(92) * 2 + 'x' + last4.hex() if last4 else chr(92) + 'N'}\t"
            f"{chr(92) * 2 + 'x' + loose.hex() if loose else chr(92) + 'N'}\t{'t' if new.is_primary else 'f'}\n"
        )
    if lines:
        with (
            connection.wrap_database_errors,
            connection.cursor() as cursor,
            cursor.copy(f"COPY customers_identity ({_IDENTITY}) FROM STDIN") as copy,  # allowed: our own column names
        ):
            copy.write("".join(lines))


def _text(value: str) -> str:
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    return value if value.isprintable() else value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
