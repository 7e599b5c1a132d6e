"""Tell customers ahead that their order comes later than it was promised."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import translation

from core.ui.times import date_words, local
from orders.models import PlanOrder
from orders.notice_enums import NoticeStep
from orders.services.notices import notify_order
from orders.services.promising.plans import close_extension, find_extension


@transaction.atomic
def tell_plan(*, plan_id: int, order_id: int, at: datetime) -> bool:
    """Tell of one order's extension and settle it; return whether she was told now.

    A notice of the same step that went before is not told again: then on time is still measured by the old day.
    """
    row = find_extension(plan_id=plan_id, order_id=order_id)
    if row is None:
        return False
    sent = None
    if row.plan.is_told:
        step = NoticeStep.DELAYED
        sent = notify_order(order_id=order_id, step=step, happened_at=at, details=_details(row), at=at)
    is_told = sent is not None and sent.notice_id is not None and sent.happened_at == at
    close_extension(row, is_told=is_told, at=at)
    return is_told


def _details(row: PlanOrder) -> dict[str, str]:
    with translation.override(row.order.shop.language):
        day = local(row.after_at)
        return {"expected": date_words(day, this_year=day.year), "reason": str(row.plan.get_kind_display())}
