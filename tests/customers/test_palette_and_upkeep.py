"""Customers in the palette; old codes are forgotten."""

from datetime import timedelta

import pytest
from django.utils import timezone

from core import registry
from customers.models import OneTimeCode
from customers.selectors import search_customers
from customers.services.codes import forget_codes, request_code
from tests.factories.accounts import make_staff
from tests.factories.customers import make_customer

pytestmark = pytest.mark.django_db


def test_customers_are_found_by_what_people_have_in_hand():
    wang = make_customer(phone="13800138000", email="wang@example.com", name="王小明")
    li = make_customer(name="李小红")
    assert search_customers("138 0013 8000") == [wang]
    assert search_customers("WANG@example.com") == [wang]
    assert search_customers("8000") == [wang]
    assert search_customers("小") == [li, wang]
    assert search_customers("  ") == []
    _order, search = registry.SEARCHES["customers"]
    assert [row["title"] for row in search(make_staff(), "小明", 5)] == ["王小明"]
    assert search(make_staff(roles=["warehouse"]), "小明", 5) == []


def test_old_codes_are_forgotten():
    now = timezone.now()
    for name, at in (("a", now - timedelta(days=2)), ("b", now)):
        request_code(purpose="tracking", target=f"{name}@example.com", asker="", place="::1", language="en", at=at)
    assert forget_codes(now=now) == 1
    assert OneTimeCode.objects.count() == 1
