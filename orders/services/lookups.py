"""Let a customer look a parcel up: limits against guessing, the same answer for every failure, each one counted.

No transaction around: a refusal must not take back what was counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from core import ratelimit
from core.errors import NotFound, RateLimited
from core.text import normalise_order_number
from orders.models import Order, TrackingLookup
from orders.selectors.track import NUMBER_LENGTH, Found, find_by_link, find_by_number
from orders.track_enums import LookupOutcome, LookupWay

TEN_MINUTES, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)
# Four digits are ten thousand pairs. For one order at most twenty wrong tries a day are read, wherever they come from.
PER_NUMBER = (("track.number", 10, HOUR), ("track.number-day", 20, DAY))
PER_PLACE = (("track.place", 20, TEN_MINUTES), ("track.place-day", 120, DAY))
WRONG_LINKS = 30
KEPT = timedelta(days=400)


def look_up_by_number(*, number: str, phone: str, place: str, shop_id: int | None, at: datetime) -> Order:
    """Return the order whose number and phone (whole, or the last four digits) belong together.

    Raises NotFound for whatever does not fit, RateLimited after too many wrong tries of one place or for one number,
    then for right and wrong alike.
    """
    wanted = normalise_order_number(number)[:NUMBER_LENGTH]
    limits = [(scope, place, limit, period) for scope, limit, period in PER_PLACE]
    limits += [(scope, wanted, limit, period) for scope, limit, period in PER_NUMBER]
    for scope, key, limit, period in limits:  # counted before anything is read: of many at once no one slips through
        try:
            ratelimit.check(scope, key, limit=limit, period=period)
        except RateLimited:
            _note(LookupWay.NUMBER, Found(None, LookupOutcome.LIMITED), at)
            raise
    found = find_by_number(number, phone, shop_id)
    _note(LookupWay.NUMBER, found, at)
    if found.order is None:
        raise NotFound
    for scope, key, _limit, period in limits:
        ratelimit.refund(scope, key, period=period)
    return found.order


def look_up_by_link(*, token: str, place: str, at: datetime, is_counted: bool = True) -> Order:
    """Return the order behind a secret link.

    Raises NotFound for a link that is wrong, withdrawn or too old, RateLimited for a place that tried many wrong ones.
    """
    if ratelimit.peek("track.link", place, period=TEN_MINUTES) >= WRONG_LINKS:
        raise RateLimited(retry_after=int(TEN_MINUTES.total_seconds()))
    found = find_by_link(token, at)
    if found.order is None:
        wrong = ratelimit.hit("track.link", place, period=TEN_MINUTES)
        _note(LookupWay.LINK, Found(None, LookupOutcome.LIMITED) if wrong > WRONG_LINKS else found, at)
        raise NotFound
    if is_counted:
        _note(LookupWay.LINK, found, at)
    return found.order


def _note(way: LookupWay, found: Found, at: datetime) -> None:
    """Write down what came of a look-up: the row behind the figure."""
    order = found.order
    TrackingLookup.objects.create(
        at=at, way=way, outcome=found.outcome, order=order, shop_id=order.shop_id if order else None
    )


@transaction.atomic
def forget_lookups(*, at: datetime) -> int:
    """Delete look-ups older than a year and a month; return how many."""
    deleted, _by_model = TrackingLookup.objects.filter(at__lt=at - KEPT).delete()
    return deleted
