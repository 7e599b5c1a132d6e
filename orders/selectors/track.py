"""What the public tracking page reads: who may see which order, and how many look-ups succeed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import Coalesce

from core.crypto import hash_token, same
from core.text import normalise, normalise_order_number, normalise_phone
from customers.models import Identity
from customers.selectors import last4_index, phone_index
from orders.models import Order, TrackingLink, TrackingLookup
from orders.track_enums import LookupOutcome

LIVES_AFTER = timedelta(days=180)
"""A link works for so long after the last step of its order; while the order is on its way it does not age."""
LONGEST = timedelta(days=730)
SAME_NUMBER = 5
NUMBER_LENGTH = 64


@dataclass(frozen=True)
class Found:
    """An order a stranger may see, or why not."""

    order: Order | None
    outcome: LookupOutcome


@dataclass(frozen=True)
class LookupRate:
    """How many look-ups were made in a time, how many of them succeeded, and why the others did not.

    `rate` is None without look-ups. Tries that were turned away unread (`limited`) count in neither.
    """

    total: int
    found: int
    limited: int
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """Return the share that succeeded, 0 to 1."""
        return self.found / self.total if self.total else None


def find_by_link(token: str, at: datetime) -> Found:
    """Return the order behind a secret link, whatever is wrong with the link; one statement."""
    rows = TrackingLink.objects.select_related("order__shop", "order__customer")
    link = rows.filter(token_hash=hash_token(token)).first()
    if link is None:
        return Found(None, LookupOutcome.UNKNOWN_LINK)
    order = link.order
    is_dead = link.revoked_at is not None or order.customer.erased_at is not None or at >= link_ends_at(order)
    return Found(None, LookupOutcome.DEAD_LINK) if is_dead else Found(order, LookupOutcome.FOUND)


def link_ends_at(order: Order) -> datetime:
    """Return until when an order's link works: half a year after its end, two years when it never ended."""
    ends = [at for at in (order.delivered_at, order.completed_at, order.cancelled_at) if at is not None]
    return max(ends) + LIVES_AFTER if ends else order.placed_at + LONGEST


def find_by_number(number: str, phone: str, shop_id: int | None = None) -> Found:
    """Return the order whose number and phone a stranger names: the whole phone, or its last four digits.

    The phone is the order's own or its customer's. The same statement runs whatever is right or wrong, so that the
    time taken tells a stranger nothing.
    """
    wanted = normalise_order_number(number)[:NUMBER_LENGTH]
    digits = "".join(char for char in normalise(phone) if char.isdigit())
    whole = None if len(digits) == 4 else normalise_phone(phone)
    is_phone = whole is not None or len(digits) == 4
    tail = last4_index(whole or digits) if is_phone else None
    owned = _owned(tail or b"", phone_index(whole) if whole else None)
    rows = Order.objects.select_related("shop", "customer").filter(number=wanted).annotate(is_owned=Exists(owned))
    orders = list((rows.filter(shop_id=shop_id) if shop_id else rows).order_by("-placed_at", "-pk")[:SAME_NUMBER])
    if not wanted or tail is None:
        return Found(None, LookupOutcome.MALFORMED)
    match = next((order for order in orders if _fits(order, whole, tail)), None)
    if match is not None and match.customer.erased_at is None:
        return Found(match, LookupOutcome.FOUND)
    if not orders:
        return Found(None, LookupOutcome.UNKNOWN_NUMBER)
    has_phone = any(order.phone_index or order.phone_last4_index for order in orders)
    return Found(None, LookupOutcome.OTHER_PHONE if has_phone else LookupOutcome.NO_PHONE)


def _owned(tail: bytes, digest: bytes | None) -> QuerySet[Identity]:
    """Return, for a statement over orders, the phones by which an order's customer is known, in any joined record."""
    same_person = Coalesce(OuterRef("customer__merged_into_id"), OuterRef("customer_id"))
    rows = Identity.objects.filter(kind="phone", last4_index=tail)
    rows = rows.filter(value_index=digest) if digest else rows
    return rows.alias(root=Coalesce("customer__merged_into_id", "customer_id")).filter(root=same_person)


def _fits(order: Any, whole: str | None, tail: bytes) -> bool:
    """Tell whether the phone is the order's own, or its customer's. Of a phone told masked the last four count."""
    told = same(bytes(order.phone_index or b""), phone_index(whole or ""))
    ends = same(bytes(order.phone_last4_index or b""), tail)
    return bool(told | (ends & (whole is None or order.phone_index is None)) | order.is_owned)


def tracking_lookup_rate(since: datetime, until: datetime) -> LookupRate:
    """Count the look-ups in a time, `until` not included, from their rows."""
    rows = TrackingLookup.objects.filter(at__gte=since, at__lt=until)
    counts = dict(rows.values_list("outcome").annotate(n=Count("pk")).order_by("outcome"))
    limited = counts.pop(LookupOutcome.LIMITED, 0)
    found = counts.pop(LookupOutcome.FOUND, 0)
    return LookupRate(found + sum(counts.values()), found, limited, {str(key): n for key, n in counts.items()})
