"""A call by click is set up once, however often and however fast the button is pressed."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from core.models import Job
from tests.factories.calls import Office
from tests.factories.customers import make_customer
from tests.tickets.test_races import at_once
from tickets.calls_errors import AlreadyDialling
from tickets.models import Call
from tickets.services.calls.dialing import GIVEN_UP_AFTER, Target, dial


@pytest.fixture
def office() -> Office:
    found = Office()
    type(found.line).objects.filter(pk=found.line.pk).update(control_url="https://pbx.example/dial")
    return found


@pytest.mark.django_db(transaction=True)
def test_two_presses_at_once_dial_once(office: Office) -> None:
    customer, now = make_customer(phone="13800138000"), timezone.now()
    for round_ in range(3):
        Call.objects.filter(state="asked").delete()
        press = partial(dial, target=Target(customer_id=customer.pk), staff_id=office.agent.pk, at=now)
        found = at_once(press, press)
        assert sorted(type(one).__name__ for one in found) == ["AlreadyDialling", "Call"], (round_, found)
        assert Call.objects.filter(asked_by=office.agent, state="asked").count() == 1
    assert Job.objects.filter(name="tickets.dial").count() == 3


@pytest.mark.django_db
def test_the_database_holds_one_asked_call_of_a_person(office: Office) -> None:
    customer = make_customer(phone="13800138000")
    first = dial(target=Target(customer_id=customer.pk), staff_id=office.agent.pk, at=timezone.now())
    with pytest.raises(IntegrityError, match="call_one_asked"), transaction.atomic():
        Call.objects.create(
            line=office.line, ref="other", direction="out", state="asked", started_at=first.started_at,
            asked_by=office.agent,
        )  # fmt: skip
    Call.objects.create(line=office.line, ref="in", direction="in", state="asked", started_at=first.started_at)
    Call.objects.create(line=office.line, ref="in2", direction="in", state="asked", started_at=first.started_at)


@pytest.mark.django_db
def test_a_call_that_rings_is_being_set_up_and_one_that_never_ended_is_not(office: Office) -> None:
    customer, now = make_customer(phone="13800138000"), timezone.now()
    target = Target(customer_id=customer.pk)
    call = dial(target=target, staff_id=office.agent.pk, at=now)
    Call.objects.filter(pk=call.pk).update(state="ringing", rang_at=now)
    with pytest.raises(AlreadyDialling):
        dial(target=target, staff_id=office.agent.pk, at=now + timedelta(seconds=2))
    dial(target=target, staff_id=office.agent.pk, at=now + GIVEN_UP_AFTER + timedelta(seconds=1))
