"""Incidents for tests, made through the services as in life."""

from datetime import datetime
from typing import Any
from uuid import uuid4

from django.utils import timezone

from accounts.models import Staff
from core.actors import SYSTEM, Actor
from customers.models import Identity
from orders.models import AttachRun, Incident, Order
from orders.services import incidents as orders_side
from orders.services.incidents import IncidentDraft
from tests.factories.accounts import make_staff
from tests.factories.feedback import run_jobs
from tests.factories.orders import make_order
from tickets.models import IncidentNotice, IncidentUpdate
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


def order_of(email: str = "", *, proven: bool = True, **fields: Any) -> Order:
    """Make an order whose customer has this mail address."""
    order = make_order(**({"email": email} if email else {}), **fields)
    if email:
        Identity.objects.filter(customer_id=order.customer_id, kind="email").update(is_primary=proven)
    return order


def send_prepared(incident: Incident) -> IncidentUpdate:
    """Send the draft there is."""
    draft = IncidentUpdate.objects.get(incident=incident, state="draft")
    return tickets_side.send_update(incident_id=incident.pk, version=draft.version, actor=SYSTEM, at=timezone.now())


def copies(update: IncidentUpdate) -> dict[int, tuple[str, str, str]]:
    """Return customer → (state, channel, reason)."""
    rows = IncidentNotice.objects.filter(update=update)
    return {row.customer_id: (row.state, row.channel, row.reason) for row in rows}


def tell(update: IncidentUpdate) -> IncidentUpdate:
    """Tell everybody."""
    assert tickets_side.tell_all(update_id=update.pk) is False
    update.refresh_from_db()
    return update
