"""Tell an incident's customers: each in a transaction of its own, with the copy marked in the same one.

A worker that dies leaves the rest waiting and the mails of what it had not committed unsent; two workers share the
copies; the row per (update, customer) is unique, and message and mail carry keys made of it.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime
from uuid import UUID, uuid5

from django.db import OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from core.actors import SYSTEM
from core.errors import DomainError
from core.live import announce
from notifications.services import queue_message
from orders.models import Incident, Order
from tickets.incident_enums import NoticeChannel, NoticeState, Reason, UpdateState
from tickets.incident_words import Subjects, fill, text_for
from tickets.models import IncidentNotice, IncidentUpdate
from tickets.rich_text import as_html, as_text
from tickets.selectors.reaching import Way, ways_to
from tickets.services.conversation import reply_to_ticket
from tickets.services.incidents.preparing import TELL_JOB, add_latecomers, finish_update, owe_telling

logger = logging.getLogger(__name__)
TEMPLATE = "tickets.incident_update"
NAMESPACE = UUID("5b0c7c5e-3c5b-4a53-9a3f-0f7b6a3b9b21")
__all__ = ["TELL_JOB", "TEMPLATE", "subjects_of", "tell_all", "tell_by_job", "tell_latecomers", "tell_next"]


def tell_latecomers(*, incident_id: int, at: datetime) -> int:
    """Owe the newest update to customers whose orders were attached after it; return how many."""
    return add_latecomers(incident_id=incident_id, at=at)


def tell_by_job(*, update_id: int, turn: int, part: int) -> None:
    """Tell customers for part of a lease, then owe the rest."""
    if tell_all(update_id=update_id, seconds=40):
        with transaction.atomic():
            owe_telling(update_id, turn, part + 1, timezone.now())


def tell_all(*, update_id: int, seconds: float = 20) -> bool:
    """Tell one customer after the other for so long; return whether somebody is left."""
    end, told = time.monotonic() + seconds, time.monotonic()
    update = IncidentUpdate.objects.select_related("incident").get(pk=update_id)
    while tell_next(update, at=timezone.now()):
        now = time.monotonic()
        if now - told > 1:
            told = now
            announce(f"incident.{update.incident_id}", "update", update.pk, int(time.time()))
        if now > end:
            return True
    return not finish_update(update_id=update_id, at=timezone.now())


@transaction.atomic
def tell_next(update: IncidentUpdate, *, at: datetime) -> bool:
    """Tell the next customer nobody else is telling; return False when none waits, or the update is held."""
    rows = IncidentNotice.objects.select_for_update(skip_locked=True, of=("self",))
    waiting = rows.filter(update_id=update.pk, state=NoticeState.WAITING, update__state=UpdateState.SENDING)
    notice = waiting.order_by("pk").first()
    if notice is None:
        return False
    way = ways_to(update.incident_id, [notice.customer_id]).get(notice.customer_id)
    try:
        with transaction.atomic():
            _tell(update, notice, way, at)
    except OperationalError:  # the database is away or was asked too much: tried again, nothing is decided
        raise
    except Exception as error:  # noqa: BLE001 - those behind this one are told all the same; it is shown as failed
        level = logging.INFO if isinstance(error, DomainError) else logging.ERROR
        logger.log(level, "incident.notice_refused id=%s error=%s", notice.pk, type(error).__name__)
        notice.state, notice.reason, notice.channel = NoticeState.FAILED, Reason.REFUSED, ""
        notice.ticket_id, notice.delivery_id, notice.told_at = None, None, None
    notice.save(update_fields=["state", "channel", "reason", "order", "ticket", "delivery_id", "told_at"])
    return True


def _tell(update: IncidentUpdate, notice: IncidentNotice, way: Way | None, at: datetime) -> None:
    """Write one customer's copy into the open conversation, or owe its mail; or note why neither can be."""
    if way is None or way.order_id is None or not way.channel:
        notice.reason = way.reason if way else Reason.ERASED
        left_out = notice.reason == Reason.TAKEN_OUT
        notice.state = NoticeState.DROPPED if left_out else NoticeState.UNREACHABLE
        return
    order = Order.objects.select_related("customer__merged_into", "shop").get(pk=way.order_id)
    language, text = text_for(update.texts, way.language)
    words = fill(text, subjects_of(order, update.incident), language)
    notice.order_id, notice.channel = order.pk, way.channel
    if way.channel == NoticeChannel.TICKET and way.ticket_id is not None:
        client_id = uuid5(NAMESPACE, f"{update.pk}:{notice.customer_id}")
        message = reply_to_ticket(ticket_id=way.ticket_id, text=words, actor=SYSTEM, at=at, client_id=client_id)
        notice.ticket_id, notice.delivery_id = way.ticket_id, message.delivery_id
    else:
        delivery = queue_message(
            key=f"incident-update:{update.pk}:{notice.customer_id}",
            template=TEMPLATE,
            language=language,
            to=way.address,
            context=_context(order, update.incident, as_text(words)),
            rich={"text": html} if (html := as_html(words)) else None,
            purpose="service",
            customer_id=notice.customer_id,
            order_id=order.pk,
            shop_id=order.shop_id,
            at=at,
        )
        notice.delivery_id = delivery.pk
    notice.state, notice.reason, notice.told_at = NoticeState.TOLD, "", at


def subjects_of(order: Order, incident: Incident) -> Subjects:
    """Return what the variables stand for in the copy about an order: the tracking number of its newest parcel."""
    person = order.customer.merged_into or order.customer
    parcels = order.parcels.order_by(F("shipped_at").desc(nulls_last=True), "-pk")
    tracking = parcels.values_list("tracking_number", flat=True).first()
    return Subjects(person.name, order.number, tracking or "", order.shop.name, incident.title)


def _context(order: Order, incident: Incident, words: str) -> dict[str, str]:
    return {
        "text": words,
        "incident_title": incident.title,
        "order_number": order.number,
        "shop_name": order.shop.name,
        "shop_colour": order.shop.color,
    }
