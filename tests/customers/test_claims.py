"""An address somebody wrote into a public form gets no news about orders once the shop knows a better one."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.events.bulk import History
from customers.models import Customer, Identity
from customers.selectors import primary_address
from customers.services import add_identity, find_or_add_customer, merge_customers
from customers.services.bulk import find_or_add_customers, person
from tests.factories.orders import make_shop
from tickets.selectors.reaching import _addresses

pytestmark = pytest.mark.django_db
PHONE = "13800138000"
STRANGER, HERS, OTHER = "stranger@evil.example", "wei@mail.example", "wei2@mail.example"


def found(source: str, *, email: str | None = None, phone: str | None = PHONE) -> Customer:
    return find_or_add_customer(phone=phone, email=email, source=source, actor=SYSTEM, at=timezone.now())


def imported(email: str, phone: str = "+86" + PHONE) -> int:
    history = History(actor=SYSTEM)
    people = [person(phone=phone, email=email, shop_id=make_shop().pk)]
    (pk,) = find_or_add_customers(
        people=people, shop_id=1, language="zh-hans", source="import", actor=SYSTEM, at=timezone.now(), history=history
    )
    return pk


def marks(customer: Customer) -> dict[str, tuple[bool, bool]]:
    rows = Identity.objects.filter(customer=customer, kind="email")
    return {row.value: (row.is_primary, row.is_claimed) for row in rows}


@pytest.mark.parametrize("way", ["order", "import"])
def test_what_the_shop_names_comes_before_what_a_form_claimed(way: str) -> None:
    customer = found("form", email=STRANGER)
    assert marks(customer) == {STRANGER: (True, True)}
    assert primary_address(customer.pk, "email") == STRANGER, "nothing better is known"
    pk = found("api", email=HERS).pk if way == "order" else imported(HERS)
    assert pk == customer.pk
    assert marks(customer) == {STRANGER: (False, True), HERS: (True, False)}
    assert primary_address(customer.pk, "email") == HERS
    found("form", email=OTHER)
    assert marks(customer)[OTHER] == (False, True)
    assert primary_address(customer.pk, "email") == HERS


@pytest.mark.parametrize("way", ["order", "import"])
def test_a_claim_the_shop_names_too_is_none_any_longer(way: str) -> None:
    customer = found("form", email=STRANGER)
    found("form", email=HERS)
    assert marks(customer) == {STRANGER: (True, True), HERS: (False, True)}
    found("api", email=HERS) if way == "order" else imported(HERS)
    assert marks(customer) == {STRANGER: (False, True), HERS: (True, False)}


def test_an_import_that_names_two_addresses_of_one_person_chooses_one() -> None:
    customer = found("form", email=STRANGER)
    shop = make_shop()
    people = [person(phone="+86" + PHONE, email=email, shop_id=shop.pk) for email in (STRANGER, HERS, OTHER)]
    find_or_add_customers(
        people=people, shop_id=shop.pk, language="zh-hans", source="import", actor=SYSTEM, at=timezone.now(),
        history=History(actor=SYSTEM),
    )  # fmt: skip
    assert marks(customer) == {STRANGER: (True, False), HERS: (False, False), OTHER: (False, False)}


def test_a_claim_never_takes_the_place_of_a_better_one() -> None:
    customer, now = found("api", email=HERS), timezone.now()
    given: dict[str, Any] = {"customer_id": customer.pk, "kind": "email", "value": STRANGER, "actor": SYSTEM, "at": now}
    add_identity(source="form", is_primary=True, **given)
    assert marks(customer) == {HERS: (True, False), STRANGER: (False, True)}
    add_identity(source="form", verified_at=now, **given)
    assert marks(customer)[STRANGER] == (False, False)


def test_joined_records_use_the_better_address_of_either() -> None:
    one, two = found("form", email=STRANGER), found("api", phone="13700137000", email=HERS)
    merge_customers(source_id=two.pk, target_id=one.pk, actor=SYSTEM, at=timezone.now())
    assert primary_address(one.pk, "email") == HERS
    assert _addresses([one.pk])[one.pk][0] == HERS, "news of an incident too"


def test_the_database_holds_no_claim_that_was_proven() -> None:
    found("form", email=STRANGER)
    with pytest.raises(IntegrityError, match="identity_claim_unproven"), transaction.atomic():
        Identity.objects.filter(kind="email").update(verified_at=timezone.now())
    with pytest.raises(IntegrityError, match="identity_claim_unproven"), transaction.atomic():
        Identity.objects.filter(kind="phone").update(is_claimed=True)


def test_what_was_there_before_is_marked_by_the_log() -> None:
    step = importlib.import_module("customers.migrations.0004_claimed_addresses")
    formed, shop = found("form", email=STRANGER), found("api", phone="13700137000", email=HERS)
    found("api", email=OTHER)
    Identity.objects.filter(kind="email").update(is_claimed=False)
    Identity.objects.filter(customer=formed).update(is_primary=False)
    Identity.objects.filter(customer=formed, value_index=_index(STRANGER)).update(is_primary=True)
    later = Identity.objects.get(customer=formed, value_index=_index(OTHER)).created_at + timedelta(hours=1)
    Identity.objects.filter(customer=formed, value_index=_index(OTHER)).update(created_at=later)
    with connection.cursor() as cursor:
        for sql in (step.MARK, step.MAKE_ROOM, step.CHOOSE):
            cursor.execute(sql)
    assert marks(formed) == {STRANGER: (False, True), OTHER: (True, False)}
    assert marks(shop) == {HERS: (True, False)}


def _index(address: str) -> bytes:
    from customers.selectors import identity_index

    return identity_index("email", address)
