"""Incidents for tests, made through the services as in life."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Staff
from core.actors import SYSTEM, Actor
from orders.models import AttachRun, Incident, Order
from orders.services import incidents as orders_side
from orders.services.incidents import IncidentDraft
from tests.factories.accounts import make_staff
from tests.factories.feedback import run_jobs
from tickets.models import IncidentUpdate
from tickets.services import incidents as tickets_side

ZH = "{customer_name}您好：您的订单 {order_number}（运单 {tracking_number}）因“{incident_title}”延误，我们正在处理。"
EN = "Hello {customer_name}, your order {order_number} is delayed."


def make_incident(owner: Staff | None = None, *, at: datetime | None = None, **fields: Any) -> Incident:
    """Declare an incident."""
    owner = owner or make_staff(roles=["manager"])
    draft = IncidentDraft(**{"title": "沪昆高速货车事故", "kind": "lost_truck", "owner_id": owner.pk, **fields})
    return orders_side.declare_incident(draft=draft, actor=Actor.staff(owner), at=at or timezone.now())


def attach(incident: Incident, *orders: Order, **conditions: Any) -> AttachRun:
    """Attach orders, by name or by conditions, to their end; reactions run too."""
    run = orders_side.start_attaching(
        incident_id=incident.pk,
        conditions=conditions or {"ids": [order.pk for order in orders]},
        client_id=uuid4(),
        actor=SYSTEM,
        at=timezone.now(),
        version=None,
    )
    orders_side.attach_all(run_id=run.pk)
    run_reactions()
    run.refresh_from_db()
    return run


def run_reactions() -> None:
    """Let tickets react to what happened to orders."""
    run_jobs("tickets.link_")
    run_jobs("tickets.unlink_")


def prepare(incident: Incident, *, zh: str = ZH, en: str = EN, is_final: bool = False) -> IncidentUpdate:
    """Prepare an answer."""
    return tickets_side.save_draft(
        incident_id=incident.pk, texts={"zh-hans": zh, "en": en}, is_final=is_final, version=0, actor=SYSTEM,
        at=timezone.now(),
    )  # fmt: skip


def send(incident: Incident, **fields: Any) -> IncidentUpdate:
    """Prepare an answer and send it on its way; nobody is told yet."""
    draft = prepare(incident, **fields)
    return tickets_side.send_update(incident_id=incident.pk, version=draft.version, actor=SYSTEM, at=timezone.now())
