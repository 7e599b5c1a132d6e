"""Follow-up visits come from completed orders: planned once, due by a job, counted when their time is over."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from core.actors import SYSTEM
from core.events import Code, record
from core.jobs import schedule
from customers.models import Customer
from customers.selectors import may_contact
from feedback.enums import SkipReason, VisitState
from feedback.events import VisitPlanned, VisitSkipped, VisitWindowClosed
from feedback.models import Answer, FollowUpPlan, Visit, VisitAttempt
from feedback.services.dimensions import announce_visit, move_visit, visit_dimensions
from orders.models import Order

logger = logging.getLogger(__name__)
DUE_JOB = "feedback.visit_due"
WINDOW_JOB = "feedback.close_window"
FOLLOW_UP = "follow_up"


def find_plan(shop_id: int) -> FollowUpPlan | None:
    """Return the plan for a shop's orders: its own, else the one for all shops."""
    own = FollowUpPlan.objects.filter(is_active=True, shop_id=shop_id).first()
    return own or FollowUpPlan.objects.filter(is_active=True, shop__isnull=True).first()


@transaction.atomic
def plan_visit(*, order_id: int, at: datetime) -> Visit | None:
    """Owe a visit for a completed order; the same order twice is one visit. None without a plan, for history.

    A customer who wants no visits gets none, but stays in the figures as not visited.
    """
    order = Order.objects.select_for_update(no_key=True, of=("self",)).filter(pk=order_id).first()
    if order is None or order.completed_at is None or order.is_history:
        return None
    known = Visit.objects.filter(order=order).first()
    if known is not None:
        return known
    plan = find_plan(order.shop_id)
    customer = Customer.objects.get(pk=order.customer_id)
    if plan is None or customer.erased_at is not None:
        return None
    due_at = order.completed_at + timedelta(days=plan.due_after_days)
    visit = Visit(
        plan=plan,
        order=order,
        customer=customer,
        shop_id=order.shop_id,
        channel=plan.channel,
        tier=customer.tier,
        completed_at=order.completed_at,
        due_at=due_at,
        deadline_at=order.completed_at + timedelta(days=plan.within_days),
        show_at=due_at,
    )
    visit.save(force_insert=True)
    record(
        "visit.planned",
        subject=visit,
        actor=SYSTEM,
        at=at,
        data=VisitPlanned(**visit_dimensions(visit), due_at=visit.due_at, deadline_at=visit.deadline_at),
    )
    payload = {"visit_id": visit.pk}
    schedule(WINDOW_JOB, key=str(visit.pk), due_at=visit.deadline_at, payload=payload)
    if may_contact(customer.pk, plan.channel, FOLLOW_UP):
        schedule(DUE_JOB, key=f"{visit.pk}:0", due_at=visit.due_at, payload=payload)
    else:
        skip_unlocked(visit, SkipReason.REFUSED_CONTACT, at)
    announce_visit(visit)
    return visit


def skip_unlocked(visit: Visit, why: str, at: datetime) -> None:
    """End a visit that is new or locked by the caller without an attempt, in the system's name."""
    move_visit(visit, VisitState.SKIPPED)
    visit.skip_reason = why
    visit.done_at = at
    visit.version += 1
    visit.save(update_fields=["state", "skip_reason", "done_at", "version"])
    data = VisitSkipped(**visit_dimensions(visit), why=Code(why))
    record("visit.skipped", subject=visit, actor=SYSTEM, at=at, data=data)


@transaction.atomic
def make_visit_due(*, visit_id: int, at: datetime) -> bool:
    """Put a visit into the list now that its time has come, first or again; return whether it stands there."""
    visit = Visit.objects.select_for_update(no_key=True).filter(pk=visit_id).first()
    if visit is None or visit.done_at is not None or visit.show_at > at:
        return False
    if visit.state == VisitState.PLANNED:
        move_visit(visit, VisitState.DUE)
    visit.version += 1
    visit.save(update_fields=["state", "version"])
    announce_visit(visit)
    return True


@transaction.atomic
def close_window(*, visit_id: int, at: datetime) -> bool:
    """Count a visit when its days are over, attempted or not; return whether it was not counted yet.

    Feedback is collected when the visit was answered or the customer answered a survey about this order in time.
    """
    visit = Visit.objects.select_for_update(no_key=True).filter(pk=visit_id).first()
    if visit is None or visit.window_closed_at is not None or visit.deadline_at > at:
        return False
    tries = VisitAttempt.objects.filter(visit=visit, at__lte=visit.deadline_at)
    is_answered = (
        visit.state == VisitState.ANSWERED and visit.done_at is not None and visit.done_at <= visit.deadline_at
    )
    surveyed = Answer.objects.filter(
        invitation__order_id=visit.order_id, is_valid=True, submitted_at__lte=visit.deadline_at
    )
    visit.window_closed_at = at
    visit.version += 1
    visit.save(update_fields=["window_closed_at", "version"])
    record(
        "visit.window_closed",
        subject=visit,
        actor=SYSTEM,
        at=at,
        data=VisitWindowClosed(
            **visit_dimensions(visit),
            completed_at=visit.completed_at,
            is_attempted=tries.exists(),
            is_collected=is_answered or surveyed.exists(),
        ),
    )
    announce_visit(visit)
    return True
