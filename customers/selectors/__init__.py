"""Find customers by their contacts, and what they agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

from django.db.models import Case, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce

from core.crypto import blind_index
from core.kept import Kept
from core.text import normalise_email, normalise_phone
from customers.enums import ContactPurpose, IdentityKind
from customers.models import ContactChoice, Customer, Identity, root_of
from customers.slots import CUSTOMER

OPT_IN_PURPOSES = frozenset({ContactPurpose.MARKETING})
"""Purposes that need a yes; the others run until the customer says no. Service mail cannot be refused."""

_of_one = Kept(lambda: (CUSTOMER,))


def phone_index(phone: str) -> bytes:
    """Return the look-up digest of a whole number in E.164."""
    return blind_index(phone, "phone")


def last4_index(phone_or_digits: str) -> bytes | None:
    """Return the look-up digest of a number's last four digits, None when there are fewer."""
    digits = "".join(char for char in phone_or_digits if char.isdigit())[-4:]
    return blind_index(digits, "phone.last4") if len(digits) == 4 else None


def identity_index(kind: str, value: str) -> bytes:
    """Return the look-up digest of a normalised identity."""
    return blind_index(value, kind)


def loose_email(address: str) -> str:
    """Return a mail address without what people write differently: +tags, and dots where they mean nothing.

    Only to propose duplicates: an answer is never sent to it.
    """
    local, _at, domain = address.lower().rpartition("@")
    local = local.partition("+")[0]
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def loose_index(kind: str, value: str) -> bytes | None:
    """Return the digest of a mail address's plainest spelling; None for other identities."""
    return blind_index(loose_email(value), "email.loose") if kind == IdentityKind.EMAIL else None


def aliases_of(customer_id: object) -> QuerySet[Customer, int]:
    """Return the ids of all records of one person, from any of them (an id or an OuterRef): the alias set.

    For `customer_id__in=`; it is part of the caller's statement.
    """
    root = root_of(customer_id)
    rows: QuerySet[Customer, int] = Customer.objects.filter(Q(pk=root) | Q(merged_into_id=root)).values_list(
        "pk", flat=True
    )
    return rows


def families_of(ids: Iterable[int]) -> dict[int, int]:
    """Return, for these customers and all records joined with them, the record that counts: one statement."""
    roots = Customer.objects.filter(pk__in=set(ids)).values(root=Coalesce("merged_into_id", "pk"))
    rows = Customer.objects.filter(Q(pk__in=roots) | Q(merged_into_id__in=roots))
    return {pk: root or pk for pk, root in rows.values_list("pk", "merged_into_id")}


def find_canonical(customer_id: int) -> Customer | None:
    """Return the record that counts for this customer: the named one, or the one it was joined into."""
    return Customer.objects.filter(pk=root_of(customer_id)).first()


def same_person(one_id: int | None, other_id: int | None) -> bool:
    """Tell whether two ids stand for one person: equal, or joined."""
    if one_id is None or other_id is None or one_id == other_id:
        return one_id is not None and one_id == other_id
    return Customer.objects.filter(pk=other_id, pk__in=aliases_of(one_id)).exists()


def has_phone(customer_id: int, digest: bytes) -> bool:
    """Tell whether a person is known by the phone of this digest, in any of the joined records."""
    rows = Identity.objects.filter(kind=IdentityKind.PHONE, value_index=digest)
    return rows.filter(customer__in=aliases_of(customer_id)).exists()


def find_identity(kind: str, value: str, shop_id: int | None = None) -> Identity | None:
    """Return the identity of a normalised value, with its customer."""
    rows = Identity.objects.filter(kind=kind, shop_id=shop_id, value_index=identity_index(kind, value))
    return rows.select_related("customer__merged_into").first()


def person_of(identity: Identity | None) -> Customer | None:
    """Return the customer an identity leads to: the record that counts."""
    return (identity.customer.merged_into or identity.customer) if identity else None


def find_people(
    people: Sequence[Sequence[tuple[str, int | None, str]]],
) -> list[tuple[Customer | None, bool]]:
    """Return who each is by their identities (kind, shop or None, normalised value), and whether all of them are known.

    The first identity that is known decides; the customer is the record that counts. One statement a kind.
    """
    wanted: dict[tuple[str, int | None], set[bytes]] = {}
    digests = [[(kind, shop_id, identity_index(kind, value)) for kind, shop_id, value in keys] for keys in people]
    for kind, shop_id, digest in chain.from_iterable(digests):
        wanted.setdefault((kind, shop_id), set()).add(digest)
    found: dict[tuple[str, int | None, bytes], Customer | None] = {}
    for (kind, shop_id), indexes in wanted.items():
        rows = Identity.objects.filter(kind=kind, shop_id=shop_id, value_index__in=indexes)
        for row in rows.select_related("customer__merged_into"):
            found[kind, shop_id, bytes(row.value_index)] = person_of(row)
    return [
        (next((found[key] for key in keys if key in found), None), all(key in found for key in keys))
        for keys in digests
    ]


def find_customer_by_phone(phone: str) -> Customer | None:
    """Return the customer with this phone, however it is written."""
    number = normalise_phone(phone)
    identity = find_identity(IdentityKind.PHONE, number) if number else None
    return person_of(identity)


def find_customer_by_email(email: str) -> Customer | None:
    """Return the customer with this mail address, however it is written."""
    address = normalise_email(email)
    identity = find_identity(IdentityKind.EMAIL, address) if address else None
    return person_of(identity)


def customers_by_last4(digits: str, *, limit: int = 20) -> QuerySet[Customer]:
    """Return customers one of whose phones ends in these four digits, the newest first."""
    index = last4_index(digits)
    if index is None:
        return Customer.objects.none()
    found = Identity.objects.filter(last4_index=index).values(root=Coalesce("customer__merged_into_id", "customer_id"))
    return Customer.objects.filter(pk__in=found).order_by("-pk")[:limit]


def customers_by_name(text: str, *, limit: int = 20) -> QuerySet[Customer]:
    """Return customers whose name holds the text, sorted as Chinese is (by pinyin)."""
    named = Customer.objects.filter(name__icontains=text.strip(), erased_at__isnull=True)
    rows = Customer.objects.filter(pk__in=named.values(root=Coalesce("merged_into_id", "pk")))
    return rows.order_by("name_key", "pk")[:limit]


def search_customers(text: str, *, limit: int = 8) -> list[Customer]:
    """Return customers by phone, mail address, last four digits or part of the name; an exact contact wins."""
    exact = find_customer_by_phone(text) or find_customer_by_email(text)
    if exact is not None:
        return [exact]
    plain = text.strip()
    if len(plain) == 4 and plain.isascii() and plain.isdigit():
        return list(customers_by_last4(plain, limit=limit))
    return list(customers_by_name(plain, limit=limit)) if plain and not plain.isdigit() else []


def identities_of(customer_id: int) -> list[Identity]:
    """Return how a customer is known, in any of the joined records, primary ones first."""

    def asked() -> QuerySet[Identity]:
        rows = Identity.objects.filter(customer_id__in=aliases_of(CUSTOMER.sample))
        return rows.order_by("kind", "-is_primary", "pk")

    return _of_one.instances("identities", asked, customer=customer_id)


def _own_first() -> Case:
    """Order the identities of the record that counts before those of the ones joined with it."""
    own = When(customer__merged_into_id__isnull=True, then=Value(0))
    return Case(own, default=Value(1), output_field=IntegerField())


def primary_address(customer_id: int, kind: str) -> str | None:
    """Return the decrypted mail address ("email") or phone ("phone") to use; only for services that send.

    The primary one, else a proven one. An address that a public form added to a known customer is never used here: a
    ticket answers to its own contact address instead. One that only a form ever named (customers.services.claims) is
    used while nothing better is known of the person, in any of her joined records.
    """

    def asked() -> QuerySet[Identity]:
        return addresses_of(CUSTOMER.sample, kind).order_by("is_claimed", _own_first(), "-is_primary", "-pk")[:1]

    found = _of_one.instances(("address", kind), asked, customer=customer_id)
    return found[0].value if found else None


def addresses_of(customer_id: object, kind: str = IdentityKind.EMAIL) -> QuerySet[Identity]:
    """Return what may be used to write to a person (an id or an OuterRef): her primary and her proven addresses."""
    rows = Identity.objects.filter(customer_id__in=aliases_of(customer_id), kind=kind)
    return rows.filter(Q(is_primary=True) | Q(verified_at__isnull=False))


def contact_choices_of(customer_id: int) -> list[ContactChoice]:
    """Return what a customer said last about each channel and purpose."""
    rows = ContactChoice.objects.filter(customer_id=root_of(customer_id), is_current=True)
    return list(rows.order_by("channel", "purpose"))


def may_contact(customer_id: int, channel: str, purpose: str) -> bool:
    """Tell whether a message of this purpose may go out: always for service, by the customer's word otherwise."""
    if purpose == ContactPurpose.SERVICE:
        return True
    said = ContactChoice.objects.filter(customer_id=root_of(customer_id), is_current=True)
    choice = said.filter(channel=channel, purpose=purpose).values_list("is_allowed", flat=True).first()
    return purpose not in OPT_IN_PURPOSES if choice is None else choice


def names_of(ids: Iterable[int]) -> dict[int, str]:
    """Return customers' names by id in one query."""
    return dict(Customer.objects.filter(pk__in=set(ids)).values_list("pk", "name"))
