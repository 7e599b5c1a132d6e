"""Tell a customer about a step of an order, once, by the channel she prefers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import translation

from core.actors import Actor
from core.crypto import CannotDecrypt, decrypt
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from core.inserting import insert_once
from core.live import announce
from core.ui.times import date_words
from customers.models import Customer
from customers.selectors import aliases_of, find_canonical, may_contact, primary_address
from notifications.enums import Channel, Purpose
from notifications.quiet import zone_named
from notifications.selectors.notices import notice_policy
from notifications.selectors.providers import push_places
from notifications.services import NoticeDraft, Place, drop_notice, give_notice
from orders.enums import OrderStatus, ParcelStatus, ScanStatus
from orders.models import NoticeRule, Order, OrderNotice, Parcel
from orders.notice_enums import OVERTAKES, USUAL, NoticeStep
from orders.notice_events import NoticeRulesChanged
from orders.selectors.notices import notice_rule
from orders.services.tracking_links import tracking_url

_PICKUP_CODE = re.compile(
    r"(?:取件码|提货码|取货码|pickup code)\s*[为是：:]*\s*([A-Za-z0-9][A-Za-z0-9-]{1,15})", re.IGNORECASE
)
_FEW = 2


@transaction.atomic
def notify_order(
    *,
    order_id: int,
    step: str,
    parcel_id: int | None = None,
    happened_at: datetime,
    expected_at: datetime | None = None,
    details: Mapping[str, Any] | None = None,
    at: datetime,
) -> OrderNotice | None:
    """Tell a customer about one step of an order, or of one parcel of it; told before, the first row is returned.

    `happened_at` is when it came about: too long ago, nobody is told. `details` are values for its words beside the
    usual ones: `reason` (words), `code` and `place` of a pickup. `expected_at` is when it comes now, in place of the
    promise. None when the step is switched off or the order is history. After commit: its first message is on its way
    or waits for the morning. Raises InvalidInput for an unknown step.
    """
    if step not in NoticeStep.values:
        raise InvalidInput(code="unknown_step")
    order = (
        Order.objects.select_for_update(no_key=True, of=("self",)).select_related("shop").filter(pk=order_id).first()
    )
    rule = notice_rule(step)
    if order is None or order.is_history or not rule.is_on:
        return None
    parcel = Parcel.objects.select_related("carrier").filter(pk=parcel_id, order=order).first() if parcel_id else None
    row = OrderNotice(order=order, parcel=parcel, step=step, happened_at=happened_at)
    row.reason = needless(order, parcel, step)
    if not insert_once(row):
        return OrderNotice.objects.get(order=order, parcel=parcel, step=step)
    if not row.reason:
        row.notice = give_notice(draft=_draft(row, rule, details or {}, expected_at), at=at)
        row.save(update_fields=["notice"])
    _take_back(order, parcel, step, at)
    announce(f"order.{order.pk}", "order", order.pk, order.version)
    return row


def needless(order: Order, parcel: Parcel | None, step: str) -> str:
    """Return why nobody needs to hear of a step any more, as a code."""
    if order.status == OrderStatus.CANCELLED:
        return "cancelled"
    is_over = parcel.status == ParcelStatus.DELIVERED if parcel else order.delivered_at is not None
    if is_over and step not in {NoticeStep.CONFIRMATION, NoticeStep.DELIVERED}:
        return "overtaken"
    return ""


def _take_back(order: Order, parcel: Parcel | None, step: str, at: datetime) -> None:
    older = OrderNotice.objects.filter(order=order, step__in=OVERTAKES.get(step, ()), notice__state="open")
    for row in older.order_by("pk"):
        if row.notice_id and (row.parcel_id is None or parcel is None or row.parcel_id == parcel.pk):
            drop_notice(notice_id=row.notice_id, reason="overtaken", at=at)


def draft_of(row: OrderNotice) -> NoticeDraft:
    """Return a step's message as it would be sent with what is true now."""
    return _draft(row, notice_rule(row.step), {}, None)


def _draft(row: OrderNotice, rule: NoticeRule, details: Mapping[str, Any], expected_at: datetime | None) -> NoticeDraft:
    order = row.order
    customer = find_canonical(order.customer_id)
    language = order.shop.language if customer is None else customer.language
    places, skips = _ways(order, customer)
    return NoticeDraft(
        key=f"order:{order.pk}:{row.step}:{row.parcel_id or 0}",
        template=f"order.{row.step}",
        language=language,
        zone=order.shop.timezone,
        places=places,
        skips=skips,
        context=_context(row, language, expected_at or row.order.promised_at) | dict(details),
        is_urgent=rule.is_urgent,
        is_critical=rule.is_critical,
        is_everywhere=rule.is_everywhere,
        shop_id=order.shop_id,
        customer_id=order.customer_id,
        order_id=order.pk,
        expires_at=row.happened_at + timedelta(hours=rule.hours),
    )


def _ways(order: Order, customer: Customer | None) -> tuple[list[Place], list[dict[str, str]]]:
    """Return the ways to the customer in the order to try, and the channels left out with the reason."""
    if customer is None or customer.erased_at is not None:
        return [], [{"channel": "", "reason": "erased"}]
    first = [customer.preferred_channel] if customer.preferred_channel else []
    places, skips = [], []
    for channel in dict.fromkeys([*first, *notice_policy().channels]):
        addresses = _addresses(order, customer, channel)
        if not addresses:
            skips.append({"channel": channel, "reason": "no_address"})
        elif not may_contact(customer.pk, channel, Purpose.NOTICE):
            skips.append({"channel": channel, "reason": "refused"})
        else:
            places += [Place(channel, address) for address in addresses]
    return places, skips


def _addresses(order: Order, customer: Customer, channel: str) -> list[str]:
    """Return where a channel reaches her: every device that gets push, else one address or none."""
    try:
        if channel == Channel.PUSH:
            return push_places(list(aliases_of(customer.pk)))
        if channel == Channel.SMS:  # the order's own phone: a parcel to somebody else's door is told there
            own = decrypt(order.phone_enc) if order.phone_enc else ""
            found = own or primary_address(customer.pk, "phone")
        else:
            found = primary_address(customer.pk, "wechat" if channel == Channel.WECHAT else "email")
    except CannotDecrypt:
        return []
    return [found] if found else []


def _context(row: OrderNotice, language: str, comes_at: datetime | None) -> dict[str, Any]:
    order, shop, parcel = row.order, row.order.shop, row.parcel or _only_parcel(row.order)
    with translation.override(language):
        day = comes_at.astimezone(zone_named(shop.timezone)).date() if comes_at else None
        year = row.happened_at.astimezone(zone_named(shop.timezone)).year
        expected = date_words(day, this_year=year) if day else ""
    is_english = language.lower().startswith("en")
    return {
        "customer_name": order.recipient,
        "shop_name": shop.name,
        "shop_colour": shop.color,
        "order_number": order.number,
        "items": _items(order, is_english),
        "expected": expected,
        "carrier": _carrier(parcel, is_english),
        "tracking_number": parcel.tracking_number if parcel else "",
        "shipped_by": _shipped_by(parcel, is_english),
        "contact": shop.contact_phone or shop.contact_email,
        "url": tracking_url(order_id=order.pk),
        **(_pickup(parcel) if parcel is not None and row.step == NoticeStep.PICKUP_CODE else {}),
    }


def _carrier(parcel: Parcel | None, is_english: bool) -> str:
    carrier = parcel.carrier if parcel else None
    return ((carrier.name_en if is_english else "") or carrier.name) if carrier else ""


def _shipped_by(parcel: Parcel | None, is_english: bool) -> str:
    """Return the line that names carrier and number, empty (and so left out) while no carrier is known."""
    if parcel is None or not (carrier := _carrier(parcel, is_english)):
        return ""
    return f"{'Carrier: ' if is_english else '快递：'}{carrier} {parcel.tracking_number}"


def _only_parcel(order: Order) -> Parcel | None:
    found = list(order.parcels.select_related("carrier").order_by("pk")[:2])
    return found[0] if len(found) == 1 else None


def _items(order: Order, is_english: bool) -> str:
    lines = list(order.items.order_by("line"))
    shown = [f"{item.title} × {item.quantity}" for item in lines[:_FEW]]
    words = (", " if is_english else "、").join(shown)
    left = len(lines) - _FEW
    if left <= 0:
        return words
    return f"{words} and {left} more" if is_english else f"{words} 等 {len(lines)} 种商品"


def _pickup(parcel: Parcel) -> dict[str, str]:
    scans = parcel.scans.filter(status=ScanStatus.READY_FOR_PICKUP).order_by("-at", "-pk")
    texts = list(scans[:5])
    found = next((match for scan in texts if (match := _PICKUP_CODE.search(scan.text))), None)
    place = next((scan.place for scan in texts if scan.place), "")
    return {"code": found[1] if found else "", "place": place}


@dataclass(frozen=True)
class RuleDraft:
    """How one step is to be told."""

    step: str
    version: int
    is_on: bool
    is_urgent: bool
    is_critical: bool
    hours: int
    is_everywhere: bool = False


TOLD = ("is_on", "is_urgent", "is_critical", "is_everywhere", "hours")


@transaction.atomic
def save_notice_rules(*, drafts: list[RuleDraft], actor: Actor, at: datetime) -> list[str]:
    """Save the rules that differ; return their steps. Raises InvalidInput, StaleEdit when somebody was faster."""
    known = {row.step: row for row in NoticeRule.objects.select_for_update().order_by("step")}
    changed: list[NoticeRule] = []
    for draft in drafts:
        if draft.step not in USUAL or not 1 <= draft.hours <= 240:
            raise InvalidInput(code="unknown_step")
        row = known.get(draft.step)
        now = row or notice_rule(draft.step)
        if all(getattr(now, name) == getattr(draft, name) for name in TOLD):
            continue
        if (row.version if row else 0) != draft.version:
            raise StaleEdit(changes=[])
        row = row or NoticeRule(step=draft.step, version=0)
        for name in TOLD:
            setattr(row, name, getattr(draft, name))
        row.version += 1
        if row.pk is None:
            if not insert_once(row):
                raise StaleEdit(changes=[])
        else:
            row.save()
        changed.append(row)
    if changed:
        data = NoticeRulesChanged(tuple(Code(row.step) for row in changed))
        record("notice_rules.changed", subject=changed[0], actor=actor, at=at, data=data)
    return [row.step for row in changed]
