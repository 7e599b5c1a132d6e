"""Many at once, on real transactions: one answer, one invitation, one visit, one agent."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from core.errors import DomainError
from core.models import Event
from feedback import services
from feedback.models import Answer, Invitation, Visit, VisitAttempt
from feedback.services import Attempt
from tests.factories.accounts import make_staff
from tests.factories.feedback import make_completed_order, make_customer, make_invitation, make_ticket, make_visit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """Run the work in threads that start together; return what each gave or raised."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(n: int) -> None:
        try:
            start.wait(30)
            results[n] = work(n)
        except Exception as error:  # noqa: BLE001 - the test looks at whatever came
            results[n] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_hundred_posts_are_one_answer() -> None:
    _invitation, token = make_invitation()

    def post(n: int) -> tuple[int, str]:
        response = Client().post(f"/s/{token}", {"csat": str(n % 2 + 4), "comment": f"{n}"})
        return response.status_code, response.get("Location", "")

    seen = [result for batch in range(10) for result in at_once(lambda n, b=batch: post(b * 20 + n), 20)]
    assert Counter(seen) == {(303, f"/s/{token}/thanks"): 200}
    assert Answer.objects.count() == 1
    assert Event.objects.filter(kind="survey.answered").count() == 1


def test_parallel_invitations_of_one_customer_are_one() -> None:
    customer = make_customer()
    tickets = [make_ticket(customer).pk for _n in range(8)]

    def ask(n: int) -> bool:
        made = services.invite(
            survey_key="ticket_csat", ticket_id=tickets[n], customer_id=customer.pk, shop_id=None, at=timezone.now()
        )
        return made is not None

    assert sorted(at_once(ask, 8)) == [False] * 7 + [True]
    assert Invitation.objects.count() == 1


def test_order_completed_in_parallel_is_one_visit() -> None:
    order = make_completed_order(run=False)
    results = at_once(lambda _n: services.plan_visit(order_id=order.pk, at=timezone.now()), 8)
    assert len({visit.pk for visit in results}) == 1
    assert Visit.objects.count() == 1
    assert Event.objects.filter(kind="visit.planned").count() == 1


def test_one_of_two_agents_takes_a_visit() -> None:
    visit = make_visit()
    staff = [make_staff().pk for _n in range(6)]
    results = at_once(lambda n: services.claim_visit(visit_id=visit.pk, staff_id=staff[n], at=timezone.now()), 6)
    assert Counter(type(result).__name__ for result in results) == {"Visit": 1, "VisitTaken": 5}


def test_one_of_two_attempts_is_written_down() -> None:
    visit = make_visit()
    staff = make_staff()
    work = Attempt("answered", satisfaction=5)

    def attempt(_n: int) -> Any:
        return services.record_attempt(
            visit_id=visit.pk, attempt=work, version=visit.version, staff_id=staff.pk, at=timezone.now()
        )

    results = at_once(attempt, 6)
    assert sum(isinstance(result, DomainError) for result in results) == 5
    assert VisitAttempt.objects.count() == 1
    assert Event.objects.filter(kind="visit.answered").count() == 1


def test_reminder_in_parallel_goes_out_once() -> None:
    from datetime import timedelta

    from notifications.models import Delivery

    invitation, _token = make_invitation()
    later = timezone.now() + timedelta(days=3)
    results = at_once(lambda _n: services.remind_invitation(invitation_id=invitation.pk, at=later), 6)
    assert sorted(results) == [False] * 5 + [True]
    assert Delivery.objects.filter(template__startswith="feedback.survey_reminder").count() == 1
