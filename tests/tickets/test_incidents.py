"""Incidents in conversations: tickets linked, customers told once, held and gone on with, ended together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Staff
from core.actors import SYSTEM, Actor
from core.errors import TransitionNotAllowed
from core.models import Event
from customers.models import Customer
from notifications.models import Delivery
from orders.models import AffectedOrder, AttachRun, Incident, Order
from orders.services import incidents as orders_side
from orders.services.incidents import attaching
from tests.factories.accounts import make_staff
from tests.factories.incidents import (
    attach,
    copies,
    make_incident,
    order_of,
    prepare,
    run_reactions,
    send,
    send_prepared,
    tell,
)
from tests.factories.orders import make_shop
from tests.factories.tickets import make_reply, make_ticket
from tests.factories.work import make_department, make_task
from tickets.incident_errors import UpdateGoingOut
from tickets.models import IncidentNotice, IncidentTicket, IncidentUpdate, Ticket
from tickets.permissions import customer_url
from tickets.selectors.incidents import figures_of, updates_of, waiting_only
from tickets.selectors.reaching import reach_of
from tickets.services import incidents as services
from tickets.services.incidents import telling

pytestmark = pytest.mark.django_db


def test_held_gone_on_with_and_stopped() -> None:
    orders = [order_of(f"e{number}@mail.example") for number in range(3)]
    incident = make_incident()
    attach(incident, *orders)
    update = send(incident)
    given: dict[str, Any] = {"incident_id": incident.pk, "update_id": update.pk, "actor": SYSTEM, "at": timezone.now()}
    assert telling.tell_next(update, at=timezone.now()) is True
    services.pause_update(**given)
    assert telling.tell_next(update, at=timezone.now()) is False
    with pytest.raises(TransitionNotAllowed):
        services.pause_update(**given)
    services.continue_update(**given)
    assert telling.tell_next(update, at=timezone.now()) is True
    services.cancel_update(**given)
    for step in (services.pause_update, services.continue_update, services.cancel_update):
        with pytest.raises(TransitionNotAllowed):
            step(**given)
    progress = updates_of(incident.pk)[0]
    assert (progress.told, progress.left, progress.dropped, progress.update.state) == (2, 0, 1, "cancelled")
    kinds = Event.objects.filter(kind__startswith="incident_update.").order_by("id").values_list("kind", flat=True)
    assert [kind.split(".")[1] for kind in kinds] == ["sent", "paused", "continued", "stopped"]


def test_who_is_found_later_gets_the_newest_update_once() -> None:
    shop = make_shop()
    first = order_of("f1@mail.example", shop=shop)
    incident = make_incident()
    attach(incident, first)
    tell(send(incident))
    newest = tell(send(incident, zh="第二次通报：{order_number}"))
    late = order_of("f2@mail.example", shop=shop)
    attach(incident, shops=[shop.pk])
    newest.refresh_from_db()
    assert (newest.state, newest.audience) == ("sending", 2)
    tell(newest)
    mails = Delivery.objects.filter(customer_id=late.customer_id, template="tickets.incident_update")
    assert [mail.text.startswith("第二次通报") for mail in mails] == [True]
    attach(incident, shops=[shop.pk])
    newest.refresh_from_db()
    assert newest.state == "sent"
    assert Delivery.objects.filter(template="tickets.incident_update").count() == 3


def test_an_order_taken_out_is_not_told_and_its_ticket_is_let_go() -> None:
    kept, out = order_of("g1@mail.example"), order_of("g2@mail.example")
    ticket = make_ticket(customer=out.customer, order_id=out.pk)
    incident = make_incident()
    attach(incident, kept, out)
    update = send(incident)
    version = Incident.objects.get(pk=incident.pk).version
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": timezone.now()}
    orders_side.take_out_orders(**given, order_ids=[out.pk], version=version)
    run_reactions()
    tell(update)
    assert copies(update)[out.customer_id] == ("dropped", "", "taken_out")
    assert IncidentTicket.objects.get(ticket=ticket).removed_at is not None
    orders_side.put_back_order(**given, order_id=out.pk, version=version + 1)
    run_reactions()
    assert IncidentTicket.objects.get(ticket=ticket).removed_at is None


def test_new_tickets_about_it_are_linked_and_show_the_prepared_answer() -> None:
    order, stranger = order_of("h@mail.example"), order_of("i@mail.example")
    incident = make_incident()
    attach(incident, order)
    prepare(incident, zh="您好 {customer_name}，{order_number} 延误。")
    about = make_ticket(customer=order.customer, order_id=order.pk)
    nameless = make_ticket(customer=order.customer)
    other = make_ticket(customer=stranger.customer, order_id=stranger.pk)
    run_reactions()
    linked = IncidentTicket.objects.filter(incident=incident, removed_at__isnull=True)
    assert set(linked.values_list("ticket_id", "how")) == {(about.pk, "opened"), (nameless.pk, "opened")}
    agent = make_staff(roles=["agent"])
    client = Client()
    client.force_login(agent)
    tell(send_prepared(incident))
    page = client.get(reverse("tickets:ticket", args=[about.pk])).content.decode()
    assert "以公司名义" in page  # and not a colleague who left
    assert incident.title in page
    assert f"{order.number} 延误。" in page
    assert incident.title not in client.get(reverse("tickets:ticket", args=[other.pk])).content.decode()
    listed = client.get(f"{reverse('tickets:desk')}?view=incident-{incident.pk}").content.decode()
    assert str(about.number) in listed
    assert str(other.number) not in listed


def test_the_customers_page_shows_the_newest_news() -> None:
    order = order_of("j@mail.example")
    ticket = make_ticket(customer=order.customer, order_id=order.pk)
    incident = make_incident()
    attach(incident, order)
    path = customer_url(ticket).split("/", 3)[3]
    assert incident.title not in Client().get(f"/{path}").content.decode()
    tell(send(incident, zh="第一次：{order_number}"))
    tell(send(incident, zh="第二次：{order_number}，运单 {tracking_number}"))
    told = Client().get(f"/{path}").context["incident"]
    assert told.text.startswith(f"第二次：{order.number}，运单 ")
    assert "{" not in told.text


def test_ended_together_by_the_bulk_change_that_can_be_undone() -> None:
    supervisor = make_staff(roles=["manager"])
    orders = [order_of(f"k{number}@mail.example") for number in range(4)]
    tickets = [make_ticket(customer=order.customer, order_id=order.pk) for order in orders]
    incident = make_incident(supervisor)
    attach(incident, *orders)
    update = send(incident, is_final=True)
    given: dict[str, Any] = {"incident_id": incident.pk, "actor": SYSTEM, "at": timezone.now()}
    version = Incident.objects.get(pk=incident.pk).version
    with pytest.raises(UpdateGoingOut):
        services.close_incident(**given, reason="", version=version)
    tell(update)
    make_task(tickets[1], make_department())
    make_reply(tickets[2], supervisor)
    _write_again(tickets[3])
    waiting = waiting_only(incident.pk, Ticket.objects.all())
    assert set(waiting.values_list("pk", flat=True)) == {tickets[0].pk, tickets[2].pk}
    services.close_incident(**given, reason="", version=version)
    assert Incident.objects.get(pk=incident.pk).state == "over"
    client = Client()
    client.force_login(supervisor)
    path = reverse("tickets:incident_resolve", args=[incident.pk])
    assert client.post(path, {"client_id": "nonsense"}).status_code == 422
    answer = client.post(path, {"client_id": "5b0c7c5e-3c5b-4a53-9a3f-0f7b6a3b9b22"})
    assert "/desk/bulk/run/" in answer["Location"]
    states = [Ticket.objects.get(pk=ticket.pk).status for ticket in tickets]
    assert (states[0], states[2]) == ("resolved", "resolved")
    assert "resolved" not in {states[1], states[3]}
    client.post(f"{answer['Location']}undo/")
    assert Ticket.objects.get(pk=tickets[0].pk).status == "open"


def _write_again(ticket: Ticket) -> None:
    from tickets.services import add_customer_message

    add_customer_message(
        ticket_id=ticket.pk, text="到底什么时候到？", channel="form", actor=Actor.customer(ticket.customer),
        at=timezone.now(),
    )  # fmt: skip


def test_figures_add_up() -> None:
    asked, spared, lost = order_of("l1@mail.example"), order_of("l2@mail.example"), order_of()
    incident = make_incident(at=timezone.now() - timedelta(minutes=30))
    make_ticket(customer=asked.customer, order_id=asked.pk)
    attach(incident, asked, spared, lost)
    tell(send(incident))
    counts = orders_side_counts(incident)
    figures = figures_of(incident, counts)
    assert (figures.orders, figures.customers, figures.told, figures.linked, figures.spared) == (3, 3, 2, 1, 1)
    assert round(figures.reach or 0, 2) == 0.67
    assert figures.first_after is not None
    assert timedelta(minutes=29) < figures.first_after < timedelta(minutes=32)
    Delivery.objects.filter(customer_id=spared.customer_id).update(
        state="failed", failed_at=timezone.now(), provider_code="550"
    )
    after = figures_of(incident, counts)
    assert (after.told, after.failed, after.spared) == (1, 1, 0)
    assert updates_of(incident.pk)[0].failed == 1


def orders_side_counts(incident: Incident) -> Any:
    from orders.selectors.incidents import count_affected

    return count_affected(incident)


def test_agents_look_and_supervisors_act() -> None:
    supervisor, agent = make_staff(roles=["manager"]), make_staff(roles=["agent"])
    orders = [order_of(f"m{number}@mail.example") for number in range(3)]
    incident = make_incident(supervisor)
    attach(incident, orders[0])
    looking, acting = Client(), Client()
    looking.force_login(agent)
    acting.force_login(supervisor)
    updates, preview = (reverse(f"tickets:incident_{name}", args=[incident.pk]) for name in ("updates", "preview"))
    typed = {"version": 0, "text_zh": "{customer_name}您好，{order_number} 延误。", "text_en": ""}
    for path in (updates, preview, reverse("tickets:incident_close", args=[incident.pk])):
        assert looking.post(path, typed).status_code == 403
    assert acting.post(updates, {**typed, "text_zh": "{x}"}).status_code == 422
    assert acting.post(updates, typed)["Location"] == preview
    assert acting.post(updates, typed).status_code == 409
    page = acting.get(preview)
    assert orders[0].number in page.content.decode()
    assert IncidentNotice.objects.count() == 0
    assert acting.post(preview, {"version": 1})["Location"] == reverse("orders:incident", args=[incident.pk])
    update = IncidentUpdate.objects.get()
    costs: dict[str, set[int]] = {}
    for rows in (1, 3):
        if rows == 3:
            attach(incident, *orders[1:])
            make_ticket(customer=orders[1].customer, order_id=orders[1].pk)
            make_ticket(customer=orders[2].customer, order_id=orders[2].pk)
            run_reactions()
        else:
            make_ticket(customer=orders[0].customer, order_id=orders[0].pk)
            run_reactions()
        tell(update)
        for language in ("zh-hans", "en"):
            Staff.objects.filter(pk=agent.pk).update(language=language)
            for name in ("updates", "figures", "tickets", "close"):
                with CaptureQueriesContext(connection) as counted:
                    assert looking.get(reverse(f"tickets:incident_{name}", args=[incident.pk])).status_code == 200
                costs.setdefault(name, set()).add(len(counted))
    assert {name: len(found) for name, found in costs.items()} == dict.fromkeys(costs, 1), costs
    assert max(max(found) for found in costs.values()) <= 10, costs
    step = reverse("tickets:incident_update", args=[incident.pk, update.pk])
    assert looking.get(step).status_code == 200
    assert looking.post(step, {"do": "pause"}).status_code == 403
    assert acting.post(step, {"do": "nonsense"}).status_code == 422


@pytest.mark.slow
def test_five_thousand_orders_are_attached_and_counted_in_bounded_statements() -> None:
    shop, now = make_shop(), timezone.now()
    people = Customer.objects.bulk_create([Customer(name=f"顾客{number}") for number in range(5000)], batch_size=1000)
    Order.objects.bulk_create(
        [
            Order(shop=shop, number=f"BIG{number:06d}", customer=person, placed_at=now, status="shipped")
            for number, person in enumerate(people)
        ],
        batch_size=1000,
    )
    incident = make_incident()
    with CaptureQueriesContext(connection) as attaching_cost:
        run = attach(incident, shops=[shop.pk])
    assert (run.added, run.state) == (5000, "done")
    batches = 5000 // attaching.BATCH
    assert len(attaching_cost) <= 60 * batches
    with CaptureQueriesContext(connection) as counting:
        assert reach_of(incident.pk).lost == 5000
    assert len(counting) <= 1 + 6 * 5
    with CaptureQueriesContext(connection) as sending:
        update = send(incident)
    assert len(sending) <= 40
    assert update.audience == 5000
    assert AffectedOrder.objects.filter(incident=incident).count() == 5000
    with CaptureQueriesContext(connection) as one:
        telling.tell_next(update, at=now)
    assert len(one) <= 12
    assert AttachRun.objects.count() == 1
    with CaptureQueriesContext(connection) as page:
        updates_of(incident.pk)
    assert len(page) == 2
