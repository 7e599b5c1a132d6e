"""Notes on orders, for colleagues."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, require
from core.actors import Actor
from core.crypto import encrypt
from core.errors import Conflict, InvalidInput
from core.events import record
from core.live import announce
from orders.models import OrderNote
from orders.request_events import OrderNoted
from orders.services.requests.moving import lock_order

LONGEST = 2000


@transaction.atomic
def add_order_note(*, order_id: int, text: str, key: UUID, staff: Staff, at: datetime) -> OrderNote:
    """Write a note on an order; sent again with the same key, it is the same note.

    Raises NotFound, NotAllowed, InvalidInput for an empty one, Conflict for an erased customer.
    """
    require(staff, Permission.ORDER_NOTE)
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise InvalidInput(fields={"text": [_("Write 1 to %(n)s characters.") % {"n": LONGEST}]})
    order = lock_order(order_id)
    if order.customer.erased_at is not None:
        raise Conflict(_("This customer's data were erased."), code="erased")
    note = OrderNote.objects.filter(key=key).first()
    if note is not None:
        if (note.order_id, note.author_id) != (order.pk, staff.pk):
            raise Conflict
        return note
    note = OrderNote.objects.create(order=order, key=key, text_enc=encrypt(text), author=staff, at=at)
    record("order.noted", subject=order, actor=Actor.staff(staff), at=at, data=OrderNoted(note.pk))
    announce(f"order.{order.pk}", "order_note", note.pk, 0)
    return note
