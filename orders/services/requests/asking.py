"""Ask the shop to do something with an order: what was seen still holds, nothing is asked twice or too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import require
from core.actors import Actor
from core.calendar.arithmetic import DeadlineUnreachable, due
from core.calendar.selectors import default_calendar
from core.crypto import short_mac
from core.errors import Conflict, InvalidInput, StaleEdit
from core.events import Code, record
from core.inserting import insert_once
from orders.enums import OrderStatus
from orders.models import Order, OrderRequest
from orders.request_enums import (
    ASK_REASONS,
    BEFORE_SENT,
    KIND_RIGHTS,
    ONE_OPEN,
    REQUEST_OPEN,
    WITH_LINES,
    RequestKind,
    RequestState,
)
from orders.request_events import RequestAsked
from orders.services.data import clean_line, clean_phone
from orders.services.requests.moving import is_sent, lock_order, tell_pages
from orders.services.requests.wording import Told, address_of, seal

ANSWER_HOURS = 4
"""Within so many business hours a shop is expected to have done or answered a request."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a kind, why, the new address and words to the shop, and (line, quantity) of its items."""

    kind: str
    why: str
    told: Told = Told()
    lines: tuple[tuple[int, int], ...] = ()


def seen_of(order: Order) -> str:
    """Return the token of what a page showed of an order: status, address and items; nothing can be read from it."""
    items = order.items.order_by("line").values_list("line", "sku", "title", "quantity")
    where = address_of(order)
    return ".".join([
        str(order.status),
        short_mac("\0".join([where.recipient, where.phone, where.whole]), "order.address"),
        short_mac("\0".join(map(str, items)), "order.items"),
    ])  # fmt: skip


@transaction.atomic
def open_request(*, order_id: int, asked: Asked, seen: str, key: UUID, staff: Staff, at: datetime) -> OrderRequest:
    """Ask the shop for something; asked with the same key before, that request is returned.

    The order is locked as whoever ships it does. Raises NotFound, NotAllowed, InvalidInput, StaleEdit when status,
    address or items are not those that were seen, Conflict when it is too late or asked already. After commit: the shop
    is told by webhook, queue and order pages look again.
    """
    require(staff, KIND_RIGHTS[asked.kind])
    order = lock_order(order_id)
    before = OrderRequest.objects.filter(key=key).first()
    if before is not None:
        if (before.order_id, before.asked_by_id, before.kind) != (order.pk, staff.pk, asked.kind):
            raise Conflict
        return before
    _check_seen(order, seen)
    _check_possible(order, asked.kind)
    told, lines = _checked(order, asked)
    request = OrderRequest(
        order=order, shop_id=order.shop_id, kind=asked.kind, key=key, why=asked.why, told_enc=seal(told), lines=lines,
        order_version=order.version, asked_by=staff, asked_at=at, due_at=_due(at),
    )  # fmt: skip
    if not insert_once(request):
        raise Conflict(_("This is asked already."), code="asked_already")
    data = RequestAsked(Code(asked.kind), Code(asked.why), len(lines))
    record("order_request.asked", subject=request, actor=Actor.staff(staff), at=at, data=data)
    tell_pages(request)
    return request


def _due(at: datetime) -> datetime:
    try:
        return due(default_calendar(), at, timedelta(hours=ANSWER_HOURS))
    except DeadlineUnreachable:
        return at + timedelta(hours=ANSWER_HOURS)


def _check_seen(order: Order, seen: str) -> None:
    now = seen_of(order)
    if seen == now:
        return
    parts = zip(("status", "address", "items"), [*seen.split("."), "", "", ""][:3], now.split("."), strict=True)
    raise StaleEdit(
        _("The order changed while you were writing. What you typed is kept; look at what is new, then ask again."),
        changes=[{"field": name} for name, was, is_now in parts if was != is_now],
    )


def _check_possible(order: Order, kind: str) -> None:
    """Refuse what comes too late or twice. The order's lock is held: nobody ships or asks beside us."""
    if order.customer.erased_at is not None:
        raise Conflict(_("This customer's data were erased."), code="erased")
    if order.status == OrderStatus.CANCELLED:
        raise Conflict(_("This order is cancelled."), code="cancelled")
    sent = is_sent(order)
    if sent and kind in BEFORE_SENT:
        raise Conflict(_("A parcel of this order has been sent. It is too late for this."), code="sent")
    if not sent and kind == RequestKind.RESEND:
        raise Conflict(_("Nothing of this order has been sent yet."), code="not_sent")
    if kind in ONE_OPEN:
        same = [RequestKind.HOLD, RequestKind.RELEASE] if kind in ("hold", "release") else [kind]
        if order.requests.filter(kind__in=same, state__in=REQUEST_OPEN).exists():
            raise Conflict(_("This is asked already."), code="asked_already")
    if kind in (RequestKind.HOLD, RequestKind.RELEASE) and is_held(order) == (kind == RequestKind.HOLD):
        held, free = _("The shop holds this order already."), _("The shop does not hold this order.")
        raise Conflict(held if kind == RequestKind.HOLD else free, code="held" if kind == "hold" else "not_held")


def is_held(order: Order) -> bool:
    """Say whether the shop was asked to hold an order, did so, and has not released it."""
    rows = order.requests.filter(kind__in=["hold", "release"], state=RequestState.DONE)
    return rows.order_by("-closed_at", "-pk").values_list("kind", flat=True).first() == RequestKind.HOLD


def _checked(order: Order, asked: Asked) -> tuple[Told, list[dict[str, int]]]:
    """Return what is asked, cleaned. Raises InvalidInput with everything wrong."""
    fields: dict[str, list[Any]] = {}
    if asked.why not in ASK_REASONS[asked.kind]:
        fields["why"] = [_("Choose why.")]
    told = asked.told
    said = Told(note=told.note.strip()[:400])
    if asked.kind == RequestKind.ADDRESS:
        phone = clean_phone(told.phone) if told.phone.strip() else ("", "")
        if phone is None or (told.phone.strip() and not phone[0]):
            fields["phone"] = [_("This is not a phone number.")]
        said = Told(
            clean_line(told.recipient)[:120], phone[0] if phone else "", clean_line(told.region)[:120],
            clean_line(told.street)[:300], said.note,
        )  # fmt: skip
        if not said.street:
            fields["street"] = [_("Enter the new street and house number.")]
        if not said.region:
            fields["region"] = [_("Enter province, city and district.")]
    lines = _lines(order, asked, fields) if asked.kind in WITH_LINES else []
    if fields:
        raise InvalidInput(fields=fields)
    return said, lines


def _lines(order: Order, asked: Asked, fields: dict[str, list[Any]]) -> list[dict[str, int]]:
    """Return the items asked for; never more than were ordered, those asked for before counted in."""
    have = dict(order.items.values_list("line", "quantity"))
    wanted = {line: count for line, count in asked.lines if count}
    if not wanted:
        fields["lines"] = [_("Choose at least one item.")]
    elif any(line not in have or not 0 < count <= have[line] for line, count in wanted.items()):
        fields["lines"] = [_("More than was ordered.")]
    elif asked.kind == RequestKind.SPLIT and wanted == have:
        fields["lines"] = [_("Leave something for the second parcel.")]
    else:
        gone = ~Q(state__in=[RequestState.REFUSED, RequestState.WITHDRAWN])
        for earlier in order.requests.filter(gone, kind=asked.kind).values_list("lines", flat=True):
            for row in earlier:
                have[row["line"]] = have.get(row["line"], 0) - row["quantity"]
        if any(count > have[line] for line, count in wanted.items()):
            fields["lines"] = [_("These items were asked for before.")]
    return [{"line": line, "quantity": count} for line, count in sorted(wanted.items())]
