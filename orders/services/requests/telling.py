"""Send a customer one of an order's prepared notices again, because somebody asked for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, require
from core.actors import Actor
from core.errors import Conflict, NotFound
from core.events import Code, record
from core.live import announce
from notifications.services import give_notice
from orders.models import OrderNotice, RepeatedNotice
from orders.request_events import NoticeRepeated
from orders.services.notices import draft_of, needless
from orders.services.requests.moving import lock_order

REST = timedelta(hours=1)
"""Within an hour a notice is not sent again: the customer has it on the way."""


@transaction.atomic
def repeat_notice(*, notice_id: int, key: UUID, staff: Staff, at: datetime) -> RepeatedNotice:
    """Send a notice again with what is true now; the same key sends it once.

    Raises NotFound, NotAllowed, Conflict when it was never sent, is no longer true, or went out within the hour. After
    commit: its first message is on its way or waits for the morning.
    """
    require(staff, Permission.ORDER_NOTIFY)
    order_id = OrderNotice.objects.filter(pk=notice_id).values_list("order_id", flat=True).first()
    if order_id is None:
        raise NotFound
    order = lock_order(order_id)
    row = OrderNotice.objects.select_related("notice", "parcel", "parcel__carrier").get(pk=notice_id)
    row.order = order
    before = RepeatedNotice.objects.filter(key=key).first()
    if before is not None:
        if (before.order_notice_id, before.asked_by_id) != (row.pk, staff.pk):
            raise Conflict
        return before
    if row.notice is None or needless(order, row.parcel, row.step):
        raise Conflict(_("This notice is no longer true."), code="no_longer_true")
    if row.notice.made_at > at - REST or row.repeats.filter(at__gt=at - REST).exists():
        raise Conflict(_("This notice went out within the last hour."), code="sent_just_now")
    draft = draft_of(row)
    until = at + (draft.expires_at - row.happened_at) if draft.expires_at else None
    notice = give_notice(draft=replace(draft, is_everywhere=False, key=f"{draft.key}:{key}", expires_at=until), at=at)
    again = RepeatedNotice.objects.create(order_notice=row, notice=notice, key=key, asked_by=staff, at=at)
    data = NoticeRepeated(Code(row.step), notice.pk)
    record("order.notice_repeated", subject=order, actor=Actor.staff(staff), at=at, data=data)
    announce(f"order.{order.pk}", "order_notice", row.pk, 0)
    return again
