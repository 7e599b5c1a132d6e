"""Customers: who is it, what did they allow, blocking, editing."""

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput, NotFound, StaleEdit
from core.models import Event
from customers import selectors, services
from customers.errors import AlreadyErased, IdentityTaken
from customers.models import ContactChoice, Identity
from customers.services.records import CustomerDraft
from tests.factories.customers import make_customer

pytestmark = pytest.mark.django_db


def meet(**fields):
    return services.find_or_add_customer(**{"source": "api", "actor": SYSTEM, "at": timezone.now(), **fields})


def test_contacts_are_encrypted_masked_and_found_however_written():
    customer = meet(phone="138 0013 8000", email="Wang@Example.COM", name=" 王小明 ")
    assert (customer.name, customer.name_key) == ("王小明", "wang2 xiao3 ming2")
    for row in Identity.objects.all():
        stored = bytes(row.value_enc)
        assert b"13800138000" not in stored
        assert b"example" not in stored
    assert [row.masked for row in selectors.identities_of(customer.pk)] == ["w***@example.com", "138****8000"]
    assert selectors.find_customer_by_phone("+86-138-0013-8000") == customer
    assert selectors.find_customer_by_phone("１３８００１３８０００") == customer
    assert selectors.find_customer_by_email("WANG@example.com") == customer
    assert list(selectors.customers_by_last4("8000")) == [customer]
    assert list(selectors.customers_by_last4("80")) == []
    assert selectors.primary_address(customer.pk, "phone") == "+8613800138000"
    assert selectors.find_customer_by_phone("abc") is None


def test_account_wins_over_phone_and_phone_over_mail():
    by_phone, by_mail = meet(phone="13800138001"), meet(email="m@example.com")
    by_account = meet(account="u-1", shop_id=5)
    assert meet(phone="13800138001", email="m@example.com") == by_phone
    assert meet(phone="13800138001", account="u-1", shop_id=5) == by_account
    assert meet(account="u-1", shop_id=6, phone="13800138009") not in {by_account, by_phone, by_mail}


def test_nothing_usable_is_refused():
    for fields in ({}, {"phone": "12"}, {"email": "x", "phone": " "}):
        with pytest.raises(InvalidInput):
            meet(**fields)


def test_what_is_new_is_added_and_a_name_is_not_overwritten():
    customer = meet(phone="13800138000")
    assert meet(phone="13800138000", email="a@example.com", name="王").name == "王"
    assert meet(phone="13800138000", name="李").name == "王"
    assert Event.objects.filter(kind="customer.identity_added").count() == 1
    assert selectors.primary_address(customer.pk, "email") == "a@example.com"


def test_an_unproven_address_is_never_primary():
    customer = meet(phone="13800138000")
    meet(phone="13800138000", email="a@example.com", source="form")
    assert selectors.primary_address(customer.pk, "email") is None
    services.add_identity(
        customer_id=customer.pk, kind="email", value="a@example.com", source="form", actor=SYSTEM, at=timezone.now(),
        is_primary=True, verified_at=timezone.now(),
    )  # fmt: skip
    assert selectors.primary_address(customer.pk, "email") == "a@example.com"


def test_add_identity_refuses_anothers():
    one, two = make_customer(email="a@example.com"), make_customer()
    act = {"source": "staff", "actor": SYSTEM, "at": timezone.now()}
    with pytest.raises(IdentityTaken):
        services.add_identity(customer_id=two.pk, kind="email", value="a@example.com", **act)
    with pytest.raises(InvalidInput):
        services.add_identity(customer_id=one.pk, kind="email", value="nope", **act)
    with pytest.raises(NotFound):
        services.add_identity(customer_id=999_999, kind="email", value="z@example.com", **act)


def test_choices_keep_their_history():
    customer, at = make_customer(), timezone.now()
    choose = {"customer_id": customer.pk, "channel": "email", "source": "link", "actor": SYSTEM, "at": at}
    assert selectors.may_contact(customer.pk, "email", "survey")
    assert not selectors.may_contact(customer.pk, "email", "marketing")
    services.set_contact_choice(purpose="survey", is_allowed=False, **choose)
    services.set_contact_choice(purpose="survey", is_allowed=False, **choose)
    assert not selectors.may_contact(customer.pk, "email", "survey")
    services.set_contact_choice(purpose="survey", is_allowed=True, **choose)
    assert selectors.may_contact(customer.pk, "email", "survey")
    assert ContactChoice.objects.count() == 2
    assert Event.objects.filter(kind="customer.contact_choice_made").count() == 2
    assert selectors.may_contact(customer.pk, "email", "service")
    with pytest.raises(InvalidInput):
        services.set_contact_choice(purpose="service", is_allowed=False, **choose)


def test_editing_needs_the_version_one_saw():
    customer, draft = make_customer(name="王"), CustomerDraft("王小明", "gold", ("VIP", " VIP "), "喜欢顺丰")
    act = {"customer_id": customer.pk, "actor": SYSTEM, "at": timezone.now()}
    saved = services.edit_customer(version=customer.version, draft=draft, **act)
    assert (saved.tags, saved.tier, saved.version) == (["VIP"], "gold", customer.version + 1)
    with pytest.raises(StaleEdit) as caught:
        services.edit_customer(version=customer.version, draft=CustomerDraft("李", "gold", ("VIP",), "喜欢顺丰"), **act)
    assert caught.value.changes == [{"field": "name", "yours": "李", "theirs": "王小明"}]
    services.edit_customer(version=customer.version, draft=draft, **act)
    assert Event.objects.get(kind="customer.changed").data == {"fields": ["name", "tier", "tags", "note"]}


def test_block_and_let_in_again():
    act = {"customer_id": make_customer().pk, "actor": SYSTEM, "at": timezone.now()}
    services.block_customer(reason="by_agent", **act)
    services.block_customer(reason="by_agent", **act)
    assert services.unblock_customer(**act).is_blocked is False
    assert Event.objects.filter(kind="customer.blocked").count() == 1


def test_an_erased_customer_cannot_be_written_to():
    customer, at = make_customer(), timezone.now()
    services.erase_customer(customer_id=customer.pk, reason="on_request", actor=SYSTEM, at=at)
    assert services.erase_customer(customer_id=customer.pk, reason="on_request", actor=SYSTEM, at=at) == 0
    with pytest.raises(AlreadyErased):
        services.block_customer(customer_id=customer.pk, reason="x", actor=SYSTEM, at=at)
