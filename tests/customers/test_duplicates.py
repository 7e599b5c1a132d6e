"""Who looks like one person: four ways to tell, each told in words, none acted on by itself."""

import pytest
from django.utils import timezone

from core.actors import SYSTEM
from customers import services
from customers.models import DuplicatePair, Identity
from customers.selectors.duplicates import duplicates_of, open_duplicates
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer
from tests.factories.orders import make_order

pytestmark = pytest.mark.django_db


def reasons():
    services.find_duplicates(at=timezone.now())
    return {(p.low_id, p.high_id): sorted(p.reasons) for p in DuplicatePair.objects.filter(dismissed_at=None)}


def test_same_name_and_last_digits():
    one = make_customer(phone="13811115678", name="王 小明")
    two = make_customer(phone="13922225678", name="王小明")
    make_customer(phone="13933335678", name="李四")
    assert reasons() == {(one.pk, two.pk): ["phone_name"]}


def test_the_same_address_in_another_spelling():
    one = make_customer(email="li.ming+shop@gmail.com")
    two = make_customer(email="liming@googlemail.com")
    three = make_customer(email="zhao+a@example.com")
    four = make_customer(email="ZHAO@example.com")
    make_customer(email="zh.ao@example.com")
    Identity.objects.update(loose_index=None)  # rows from before get theirs by the way
    assert reasons() == {(one.pk, two.pk): ["email_spelling"], (three.pk, four.pk): ["email_spelling"]}


def test_the_same_door_and_the_same_phone_on_orders():
    first = make_order(recipient="周静", phone="13900000001", street="文三路138号 2幢301", email="z1@example.com")
    second = make_order(recipient="周静", phone="13900000002", street="文三路 138 号2幢 301", email="z2@example.com")
    make_order(recipient="周静", phone="13900000003", street="别的路 1 号", email="z3@example.com")
    account = {"account": "u-7", "email": ""}
    third = make_order(recipient="吴芳", phone="13900000009", street="甲路 1 号")
    fourth = make_order(recipient="吴先生", phone="13900000009", street="乙路 2 号", **account)
    found = reasons()
    assert found[(first.customer_id, second.customer_id)] == ["name_address"]
    if fourth.customer_id != third.customer_id:
        assert found[(third.customer_id, fourth.customer_id)] == ["order_contact"]
    assert len(found) <= 2


def test_told_apart_stays_told_apart_and_joined_is_not_proposed(client):
    one = make_customer(phone="13811115678", name="王小明")
    two = make_customer(phone="13922225678", name="王小明")
    reasons()
    client.force_login(make_staff(roles=["supervisor"]))
    page = client.get("/desk/customers/duplicates/").content.decode()
    assert f"/desk/customers/{one.pk}/merge/?with={two.pk}" in page
    client.post(f"/desk/customers/{two.pk}/told-apart/", {"other": one.pk})
    assert reasons() == {}
    client.post(f"/desk/customers/{two.pk}/told-apart/", {"other": one.pk, "again": "1"})
    assert [p.low_id for p in duplicates_of(two.pk)] == [one.pk]
    services.merge_customers(source_id=one.pk, target_id=two.pk, actor=SYSTEM, at=timezone.now())
    assert reasons() == {}
    assert open_duplicates() == []


def test_many_with_one_phone_are_a_company_not_a_person():
    for n in range(7):
        make_customer(phone=f"1381111{n}999"[:11], name="前台")
    assert reasons() == {}


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same(client, count, django_assert_max_num_queries):
    for n in range(count):
        for head in ("1381111", "1392222"):
            make_customer(phone=f"{head}567{n}", name=f"王小明{n}")
    reasons()
    client.force_login(make_staff(roles=["supervisor"]))
    client.get("/desk/customers/duplicates/")
    with django_assert_max_num_queries(8):
        page = client.get("/desk/customers/duplicates/").content.decode()
    assert page.count("?with=") == count
