"""Resolved tickets, invitations with their tokens, completed orders with their visits; made through the services."""

import itertools
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.models import Job
from customers.models import Customer
from customers.services import find_or_add_customer
from feedback import services
from feedback.models import Invitation, Visit
from feedback.services import inviting
from orders.models import Order
from orders.services import complete_order
from tests.factories.orders import make_order, make_shop
from tickets.models import Ticket
from tickets.services import NewTicket, open_ticket, resolve_ticket

_number = itertools.count(1)


def make_customer(email: str = "", **fields: Any) -> Customer:
    """Make a customer whose mail address is proven."""
    n = next(_number)
    customer = find_or_add_customer(
        email=email or f"buyer{n}@mail.example",
        name=fields.pop("name", "李小红"),
        source="form",
        actor=SYSTEM,
        at=timezone.now(),
        **fields,
    )
    customer.identities.filter(kind="email").update(is_primary=True)
    return customer


def make_ticket(customer: Customer | None = None, **fields: Any) -> Ticket:
    """Open a ticket by form."""
    customer = customer or make_customer()
    data = NewTicket(
        channel=fields.pop("channel", "form"),
        text=fields.pop("text", "收到的杯子有裂纹"),
        subject=fields.pop("subject", "杯子有裂纹"),
        customer_id=customer.pk,
        contact_email=fields.pop("contact_email", "buyer@mail.example"),
        **fields,
    )
    return open_ticket(data=data, actor=Actor.customer(customer), at=timezone.now())


def resolve(ticket: Ticket, staff: Any = None) -> Ticket:
    """Resolve a ticket."""
    actor = Actor.staff(staff) if staff else SYSTEM
    return resolve_ticket(ticket_id=ticket.pk, actor=actor, at=timezone.now())


def make_invitation(
    *, survey_key: str = "ticket_csat", at: datetime | None = None, **fields: Any
) -> tuple[Invitation, str]:
    """Invite through the service; return the invitation and its token."""
    if "ticket_id" not in fields and "order_id" not in fields:
        customer = make_customer()
        fields = {"ticket_id": make_ticket(customer).pk, "customer_id": customer.pk} | fields
    fields.setdefault("shop_id", None)
    tokens: list[str] = []
    real = inviting.random_token

    def keep() -> str:
        tokens.append(real())
        return tokens[-1]

    with mock.patch.object(inviting, "random_token", keep):  # the token is nowhere else to be had, as it should be
        invitation = services.invite(survey_key=survey_key, at=at or timezone.now(), **fields)
    assert invitation is not None
    return invitation, tokens[0]


def make_completed_order(*, at: datetime | None = None, run: bool = True, **fields: Any) -> Order:
    """Make an order, complete it and do what follows at once."""
    make_shop_once()
    order = make_order(**fields)
    complete_order(order_id=order.pk, actor=SYSTEM, at=at or timezone.now())
    if run:
        run_jobs()
    order.refresh_from_db()
    return order


def make_shop_once() -> None:
    """Make the first shop unless there is one."""
    from orders.models import Shop

    if not Shop.objects.exists():
        make_shop(name="山野生活馆", color="#C2410C", contact_phone="400-820-0042")


def make_visit(*, completed: timedelta = timedelta(days=3), **fields: Any) -> Visit:
    """Make a visit for an order completed so long ago; due when that is over two days."""
    order = make_completed_order(at=timezone.now() - completed, **fields)
    return Visit.objects.get(order=order)


def run_jobs(prefix: str = "feedback.") -> int:
    """Run the jobs of this app that are due, until none is left."""
    from core.jobs.queue import claim, run_job
    from core.jobs.registry import JOBS

    names = [name for name in JOBS if name.startswith(prefix)]
    done = 0
    while claimed := claim(20, names=names):
        for running in claimed:
            assert run_job(running), Job.objects.get(pk=running.id).last_error
            done += 1
    return done


__all__ = [
    "make_completed_order",
    "make_customer",
    "make_invitation",
    "make_ticket",
    "make_visit",
    "resolve",
    "run_jobs",
]
