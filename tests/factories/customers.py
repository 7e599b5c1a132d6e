"""Customers for tests, made through the service as in life."""

import itertools
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM
from customers.models import Customer
from customers.services import find_or_add_customer

_number = itertools.count(1)


def make_customer(*, phone: str | None = "", email: str | None = "", name: str = "", **fields: Any) -> Customer:
    """Make a customer with a phone and a mail address of their own; None leaves one out."""
    n = next(_number)
    customer = find_or_add_customer(
        phone=f"138{n:08d}" if phone == "" else phone,
        email=f"customer{n}@example.com" if email == "" else email,
        name=name or f"顾客{n}",
        source="api",
        actor=SYSTEM,
        at=timezone.now(),
    )
    if fields:
        Customer.objects.filter(pk=customer.pk).update(**fields)
        customer.refresh_from_db()
    return customer
