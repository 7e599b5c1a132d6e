"""Joinings at once, on real connections: no ring of locks, no circle, nothing half done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import DomainError
from customers import services
from customers.models import Customer, CustomerMerge
from tests.factories.customers import make_customer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls in threads of their own that start together; return results and refusals."""
    gate = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(number: int) -> None:
        try:
            gate.wait(timeout=20)
            results[number] = calls[number]()
        except DomainError as error:
            results[number] = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return results


def join(source: int, target: int) -> Callable[[], Any]:
    return lambda: services.merge_customers(source_id=source, target_id=target, actor=SYSTEM, at=timezone.now())


def part(source: int) -> Callable[[], Any]:
    return lambda: services.unmerge_customer(source_id=source, actor=SYSTEM, at=timezone.now())


def check_shape() -> None:
    rows = {row.pk: row.merged_into_id for row in Customer.objects.all()}
    for pk, into in rows.items():
        assert into is None or (into != pk and rows[into] is None)
    standing = set(CustomerMerge.objects.filter(undone_at=None).values_list("source_id", flat=True))
    assert standing == {pk for pk, into in rows.items() if into is not None}


def test_each_into_the_other_and_into_a_third() -> None:
    for _round in range(12):
        a, b, c = (make_customer(name="王小明").pk for _n in range(3))
        results = at_once(join(a, b), join(b, a), join(a, c), join(c, b))
        assert all(isinstance(one, CustomerMerge | DomainError) for one in results), results
        assert any(isinstance(one, CustomerMerge) for one in results)
        check_shape()


def test_joined_taken_apart_and_erased_at_once() -> None:
    for _round in range(10):
        a, b, c = (make_customer(name="王小明").pk for _n in range(3))
        with transaction.atomic():
            join(a, b)()

        def erase(pk: int = b) -> int:
            return services.erase_customer(customer_id=pk, reason="on_request", actor=SYSTEM, at=timezone.now())

        results = at_once(part(a), join(b, c), erase, join(c, b))
        assert all(isinstance(one, CustomerMerge | Customer | DomainError | int) for one in results), results
        check_shape()
        for row in Customer.objects.filter(pk__in=[a, b, c]):
            if row.merged_into_id:
                assert (row.erased_at is None) == (row.merged_into.erased_at is None)


def test_new_contacts_while_joining() -> None:
    for round_ in range(10):
        a, b = (make_customer(phone=f"1381{n}{round_:06d}", name="王小明").pk for n in range(2))

        def meet(n: int, number: int = round_) -> Callable[[], Any]:
            return lambda: services.find_or_add_customer(
                phone=f"1381{n}{number:06d}", email=f"m{n}-{number}@example.com", source="form", actor=SYSTEM,
                at=timezone.now(),
            )  # fmt: skip

        results = at_once(join(a, b), meet(0), meet(1), meet(0))
        assert not [one for one in results if isinstance(one, Exception)], results
        assert Customer.objects.count() == 2 * (round_ + 1)
        check_shape()
