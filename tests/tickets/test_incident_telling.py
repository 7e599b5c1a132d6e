"""Customers of an incident are told once each, in the conversation or by mail, whoever presses and whatever dies."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import InvalidInput, StaleEdit
from customers.models import Customer
from notifications.models import Delivery
from notifications.services import suppress_address
from orders.models import Incident
from tests.factories.incidents import (
    attach,
    copies,
    make_incident,
    order_of,
    prepare,
    send,
    tell,
)
from tests.factories.orders import make_order, make_parcel
from tests.factories.tickets import make_ticket
from tests.tickets.test_races import at_once
from tickets.incident_errors import NobodyToTell, UpdateGoingOut, UpdateSentAlready
from tickets.incident_words import Subjects, fill, unknown_variables
from tickets.models import IncidentNotice, IncidentTicket, IncidentUpdate, Message, Ticket
from tickets.permissions import customer_url
from tickets.selectors.reaching import reach_of
from tickets.services import incidents as services
from tickets.services.incidents import telling

pytestmark = pytest.mark.django_db


def test_each_is_told_in_the_open_conversation_or_by_mail_or_not_and_why() -> None:
    talking, mailed, nowhere = order_of("a@mail.example"), order_of("b@mail.example"), order_of()
    bounced = order_of("c@mail.example")
    make_parcel(talking, tracking="SF9000000001")
    ticket = make_ticket(customer=talking.customer, order_id=talking.pk, contact_email="x@mail.example")
    suppress_address(address_index=_index("c@mail.example"), reason="bounce", actor=SYSTEM, at=timezone.now())
    incident = make_incident()
    attach(incident, talking, mailed, nowhere, bounced)
    assert list(IncidentTicket.objects.values_list("ticket_id", "how")) == [(ticket.pk, "found")]
    reach = reach_of(incident.pk)
    assert (reach.by_ticket, reach.by_mail, reach.silent) == (1, 1, 0)
    assert sorted(reach.unreachable) == [("bounce", 1), ("no_address", 1)]
    update = tell(send(incident))
    assert update.state == "sent"
    assert copies(update) == {
        talking.customer_id: ("told", "ticket", ""), mailed.customer_id: ("told", "email", ""),
        nowhere.customer_id: ("unreachable", "", "no_address"), bounced.customer_id: ("unreachable", "", "bounce"),
    }  # fmt: skip
    answer = Message.objects.filter(ticket=ticket, author_type="staff").get()
    assert talking.number in answer.text
    assert "SF9000000001" in answer.text
    assert "{" not in answer.text
    assert Ticket.objects.get(pk=ticket.pk).assignee_id is None  # nobody becomes the agent of five hundred tickets
    mail = Delivery.objects.get(template="tickets.incident_update")
    assert (mail.to, mail.order_id, mail.customer_id) == ("b@mail.example", mailed.pk, mailed.customer_id)
    assert "暂无" in mail.text or "not known yet" in mail.text  # no parcel yet, and no braces
    assert Incident.objects.get(pk=incident.pk).state == "under_way"


def test_who_writes_in_under_anothers_phone_hears_nothing_of_her_order(client: Client) -> None:
    victim = order_of("her@mail.example")
    strangers = make_ticket(customer=victim.customer, order_id=None, contact_email="stranger@mail.example")
    own = order_of("own@mail.example")
    hers = make_ticket(customer=own.customer, order_id=None, contact_email="OWN@mail.example")
    incident = make_incident()
    attach(incident, victim, own)
    update = tell(send(incident))
    assert {key: value[1] for key, value in copies(update).items()} == {
        victim.customer_id: "email", own.customer_id: "ticket",
    }  # fmt: skip
    assert Delivery.objects.get(template="tickets.incident_update").to == "her@mail.example"
    assert not Message.objects.filter(ticket=strangers, author_type="staff").exists()
    assert Message.objects.filter(ticket=hers, author_type="staff").count() == 1
    page = client.get(customer_url(strangers)).content.decode()
    assert victim.number not in page
    assert victim.customer.name not in page


def _index(address: str) -> bytes:
    from notifications.services.deliveries import address_index

    return address_index(address)


def test_a_person_with_several_orders_or_records_is_told_once() -> None:
    first = order_of("a@mail.example", phone="13655550009")
    second = make_order(phone="13655550009")
    alias = order_of("z@mail.example")
    assert first.customer_id == second.customer_id
    Customer.objects.filter(pk=alias.customer_id).update(merged_into=first.customer)
    incident = make_incident()
    attach(incident, first, second, alias)
    update = tell(send(incident))
    assert list(copies(update)) == [first.customer_id]
    assert Delivery.objects.filter(template="tickets.incident_update").count() == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        IncidentNotice.objects.create(update=update, customer_id=first.customer_id)


def test_english_readers_get_the_english_text() -> None:
    order = order_of("a@mail.example")
    Customer.objects.filter(pk=order.customer_id).update(language="en", name="")
    incident = make_incident()
    attach(incident, order)
    tell(send(incident))
    mail = Delivery.objects.get(template="tickets.incident_update")
    assert mail.text.startswith(f"Hello there, your order {order.number} is delayed.")
    assert mail.subject == f"About your order {order.number}: {incident.title}"


def test_variables_are_checked_and_values_make_no_marks() -> None:
    assert unknown_variables("{customer_name} {order} {order_number}") == ["order"]
    words = fill("{customer_name}：{order_number}", Subjects(customer_name="**李** [点](http://x.example)"), "zh-hans")
    assert "**" not in words
    assert "](" not in words
    incident = make_incident()
    for zh in ("", "{nonsense}", "长" * 4001):
        with pytest.raises(InvalidInput):
            prepare(incident, zh=zh)


def test_two_who_prepare_or_send_at_once_do_not_overwrite_each_other() -> None:
    incident = make_incident()
    attach(incident, order_of("a@mail.example"))
    draft = prepare(incident)
    with pytest.raises(StaleEdit):
        prepare(incident)
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": timezone.now()}
    with pytest.raises(StaleEdit):
        services.send_update(**given, version=draft.version + 1)
    services.send_update(**given, version=draft.version)
    with pytest.raises(UpdateSentAlready):
        services.send_update(**given, version=draft.version)
    second = prepare(incident)
    with pytest.raises(UpdateGoingOut):
        services.send_update(**given, version=second.version)
    assert IncidentUpdate.objects.filter(number__isnull=False).count() == 1
    empty = make_incident()
    with pytest.raises(NobodyToTell):
        send(empty)
    assert IncidentUpdate.objects.get(incident=empty).state == "draft"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_two_supervisors_and_three_workers_at_once_tell_each_customer_once() -> None:
    orders = [order_of(f"c{number}@mail.example") for number in range(12)]
    for order in orders[:4]:
        make_ticket(customer=order.customer, order_id=order.pk)
    incident = make_incident()
    attach(incident, *orders)
    draft = prepare(incident)

    def press() -> None:
        services.send_update(incident_id=incident.pk, version=draft.version, actor=SYSTEM, at=timezone.now())

    refused = [one for one in at_once(press, press) if one is not None]
    assert [type(one) for one in refused] == [UpdateSentAlready]
    update = IncidentUpdate.objects.get(state="sending")
    at_once(*[lambda: services.tell_all(update_id=update.pk)] * 3)
    assert {state for state, _channel, _reason in copies(update).values()} == {"told"}
    assert Delivery.objects.filter(template="tickets.incident_update").count() == 8
    answers = Message.objects.filter(ticket__order__in=orders, author_type="staff")
    assert sorted(answers.values_list("ticket__order_id", flat=True)) == sorted(order.pk for order in orders[:4])
    update.refresh_from_db()
    assert update.state == "sent"


def test_a_worker_that_dies_tells_nobody_twice_and_forgets_nobody() -> None:
    orders = [order_of(f"d{number}@mail.example") for number in range(4)]
    make_ticket(customer=orders[1].customer, order_id=orders[1].pk)
    incident = make_incident()
    attach(incident, *orders)
    update = send(incident)
    assert telling.tell_next(update, at=timezone.now()) is True
    with transaction.atomic():
        telling.tell_next(update, at=timezone.now())
        transaction.set_rollback(True)  # killed before its commit: its answer and mail are gone with it
    assert IncidentNotice.objects.filter(update=update, state="told").count() == 1
    tell(update)
    assert [state for state, _channel, _reason in copies(update).values()] == ["told"] * 4
    assert Message.objects.filter(ticket__order=orders[1], author_type="staff").count() == 1
    assert Delivery.objects.filter(template="tickets.incident_update").count() == 3
    services.tell_by_job(update_id=update.pk, turn=0, part=1)  # the job again
    assert Delivery.objects.filter(template="tickets.incident_update").count() == 3
