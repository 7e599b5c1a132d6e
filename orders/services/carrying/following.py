"""Which numbers are followed at which provider: begun for every parcel under way, heard of, ended."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from core.actors import Actor
from core.errors import NotFound, TransitionNotAllowed
from core.events import Code, record
from core.live import announce
from orders.carrying_enums import TRACKING_LIVE, TRACKING_TRANSITIONS, TrackingState
from orders.carrying_events import CarrierCorrected
from orders.enums import PARCEL_FOLLOWED
from orders.models import Carrier, CarrierCompany, Order, Parcel, Tracking

FORGOTTEN = timedelta(days=60)  # what began longer ago and never arrived is history
AGAIN_AFTER = timedelta(hours=6)  # a number that ended and is borne once more is not begun anew before
KEPT = timedelta(days=30)

# One account follows a carrier's numbers: the oldest that is in use and knows the carrier.
_FOLLOW = """
INSERT INTO orders_tracking (account_id, carrier_id, tracking_number, company, state, next_query_at, fence, attempts,
                             error_code, version)
SELECT DISTINCT c.account_id, p.carrier_id, p.tracking_number, '', 'waiting', %(at)s, 0, 0, '', 1
  FROM orders_parcel p
  JOIN LATERAL (SELECT k.account_id FROM orders_carrier_company k JOIN orders_carrier_account a ON a.id = k.account_id
                 WHERE k.carrier_id = p.carrier_id AND a.is_active ORDER BY k.account_id LIMIT 1) c ON true
 WHERE p.status IN ('created', 'picked_up', 'in_transit', 'out_for_delivery', 'ready_for_pickup',
                    'refused', 'returning')
   AND coalesce(p.shipped_at, p.created_at) > %(since)s
   AND (%(parcel_id)s::bigint IS NULL OR p.id = %(parcel_id)s)
   AND NOT EXISTS (SELECT FROM orders_tracking t WHERE t.carrier_id = p.carrier_id
                      AND t.tracking_number = p.tracking_number AND t.state <> 'ended')
ON CONFLICT (account_id, tracking_number, carrier_id) DO UPDATE
   SET state = 'waiting', ended_at = NULL, subscribed_at = NULL, next_query_at = excluded.next_query_at, attempts = 0,
       error_code = '', version = orders_tracking.version + 1
 WHERE orders_tracking.state = 'ended' AND orders_tracking.ended_at < %(again)s
"""


@transaction.atomic
def follow_parcels(*, at: datetime, parcel_id: int | None = None) -> int:
    """Begin to follow every parcel under way that no account follows, or just one; return how many numbers.

    A number that ended is begun anew when a parcel under way bears it, not sooner than six hours after.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _FOLLOW, {"at": at, "since": at - FORGOTTEN, "again": at - AGAIN_AFTER, "parcel_id": parcel_id}
        )  # fmt: skip
        return int(cursor.rowcount)


def parcels_of(account_id: int, company: str, tracking_number: str) -> list[Parcel]:
    """Return the parcels a provider means by a company and a number, orders in the order of their locks.

    A company we do not know by that name may still be the one a followed number was corrected to.
    """
    carrier_id = carrier_meant(account_id, company, tracking_number)
    if carrier_id is None:
        return []
    rows = Parcel.objects.filter(tracking_number=tracking_number, carrier_id=carrier_id)
    return list(rows.order_by("order_id", "pk"))


def carrier_meant(account_id: int, company: str, tracking_number: str) -> int | None:
    """Return the carrier a provider means by its name for it; of an unknown name, the one of the only such number."""
    mapped = CarrierCompany.objects.filter(account_id=account_id, code=company).values_list("carrier_id", flat=True)
    numbers = Tracking.objects.filter(account_id=account_id, tracking_number=tracking_number)
    known = list(numbers.values_list("carrier_id", "company"))
    for carrier_id, corrected in known:
        if corrected and corrected == company:
            return int(carrier_id)
    if (found := mapped.first()) is not None:
        return int(found)
    return int(known[0][0]) if len(known) == 1 else None


def note_heard(
    *, account_id: int, carrier_id: int, tracking_number: str, over: bool, pushed: bool, at: datetime
) -> None:
    """Write down that the present state of a number is known as of `at`, and when to ask next if nobody tells.

    When all its parcels have arrived it ends.
    """
    mine = Tracking.objects.filter(account_id=account_id, carrier_id=carrier_id, tracking_number=tracking_number)
    told: dict[str, Any] = {"fresh_at": at, "attempts": 0, "error_code": "", "version": F("version") + 1}
    if pushed:
        told["pushed_at"] = at
    live = mine.filter(state__in=TRACKING_LIVE)
    if not is_under_way(carrier_id, tracking_number):
        live.update(**told, **_ended(at))
    elif pushed and not over:  # a push also proves that the number is subscribed
        waiting = mine.filter(state=TrackingState.WAITING)
        waiting.update(**told, state=TrackingState.SUBSCRIBED, subscribed_at=at, next_query_at=at + refresh_after())
        mine.filter(state=TrackingState.SUBSCRIBED).update(**told, next_query_at=at + refresh_after())
    else:  # where the provider tells no more of itself we go on asking
        live.update(**told, next_query_at=at + refresh_after())


def refresh_after() -> timedelta:
    """Return when a number is due to be asked for: early enough for a second try within two hours, spread out."""
    return timedelta(minutes=random.uniform(68, 80))


def is_under_way(carrier_id: int, tracking_number: str) -> bool:
    """Tell whether some parcel of a number is still on its way."""
    rows = Parcel.objects.filter(tracking_number=tracking_number, carrier_id=carrier_id)
    return rows.filter(status__in=PARCEL_FOLLOWED).exists()


@transaction.atomic
def end_arrived(*, at: datetime, tracking_ids: Iterable[int] | None = None) -> int:
    """End what is followed and has no parcel under way any more, or one that was forgotten; return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE orders_tracking t
                  SET state = 'ended', ended_at = %(at)s, next_query_at = NULL, subscribed_at = NULL,
                      leased_until = NULL, version = version + 1
                WHERE t.state IN ('waiting', 'subscribed') AND (%(ids)s::bigint[] IS NULL OR t.id = ANY(%(ids)s))
                  AND NOT EXISTS (SELECT FROM orders_parcel p
                                   WHERE p.tracking_number = t.tracking_number AND p.carrier_id = t.carrier_id
                                     AND coalesce(p.shipped_at, p.created_at) > %(since)s
                                     AND p.status NOT IN ('delivered', 'returned', 'lost'))""",
            {"at": at, "since": at - FORGOTTEN, "ids": None if tracking_ids is None else list(tracking_ids)},
        )
        return int(cursor.rowcount)


def sweep_ended(*, at: datetime) -> int:
    """Forget numbers that ended a month ago; what was told of them stands with their parcels. Return how many."""
    return Tracking.objects.filter(state=TrackingState.ENDED, ended_at__lt=at - KEPT).delete()[0]


@transaction.atomic
def correct_company(*, account_id: int, tracking_number: str, old: str, new: str, at: datetime) -> int | None:
    """Take in that a number is another company's: it and its parcels move to that carrier. Return the carrier.

    A company that is none of our carriers stays with the old carrier, under the provider's name for it.
    """
    carrier_id = carrier_meant(account_id, old, tracking_number)
    if carrier_id is None:
        return carrier_meant(account_id, new, tracking_number)
    parcels = _lock_parcels(carrier_id, tracking_number)
    row = (
        Tracking.objects.select_for_update(no_key=True)
        .filter(account_id=account_id, carrier_id=carrier_id, tracking_number=tracking_number)
        .first()
    )
    mapped = CarrierCompany.objects.filter(account_id=account_id, code=new).values_list("carrier_id", flat=True).first()
    if mapped is None:
        if row is not None and row.company != new:
            row.company = new[:40]
            row.version += 1
            row.save(update_fields=["company", "version"])
        return carrier_id
    if mapped != carrier_id:
        _move_parcels(parcels, mapped, at)
        if row is not None:
            _move_tracking(row, mapped, at)
    return int(mapped)


def _lock_parcels(carrier_id: int, tracking_number: str) -> list[Parcel]:
    """Lock the orders of a number, then its parcels: the order in which everybody locks them."""
    rows = Parcel.objects.filter(tracking_number=tracking_number, carrier_id=carrier_id)
    orders = Order.objects.select_for_update(no_key=True).filter(pk__in=rows.values("order_id")).order_by("pk")
    known = {order.pk: order for order in orders}
    parcels = list(rows.filter(order_id__in=known).select_for_update(no_key=True).order_by("pk"))
    for parcel in parcels:
        parcel.order = known[parcel.order_id]
    return parcels


def _move_parcels(parcels: list[Parcel], carrier_id: int, at: datetime) -> None:
    """Give parcels their real carrier; an order that names both keeps both."""
    carrier = Carrier.objects.get(pk=carrier_id)
    for parcel in parcels:
        if parcel.order.parcels.filter(carrier=carrier, tracking_number=parcel.tracking_number).exists():
            continue
        data = CarrierCorrected(parcel.carrier_id, carrier.pk, Code(carrier.code))
        parcel.carrier = carrier
        parcel.version += 1
        parcel.save(update_fields=["carrier", "version"])
        record("parcel.carrier_corrected", subject=parcel, actor=Actor.carrier(carrier.pk), at=at, data=data)
        announce(f"order.{parcel.order_id}", "order", parcel.order_id, parcel.order.version)


def _move_tracking(row: Tracking, carrier_id: int, at: datetime) -> None:
    other = Tracking.objects.filter(
        account_id=row.account_id, carrier_id=carrier_id, tracking_number=row.tracking_number
    )
    if other.exists():  # it is followed under its real company already: this one is done
        Tracking.objects.filter(pk=row.pk).update(**_ended(at), version=F("version") + 1)
        return
    row.carrier, row.company = Carrier.objects.get(pk=carrier_id), ""
    row.version += 1
    row.save(update_fields=["carrier", "company", "version"])


@transaction.atomic
def follow_again(*, tracking_id: int, at: datetime) -> Tracking:
    """Begin anew by hand with a number the provider refused, or that ended. Raises NotFound, TransitionNotAllowed."""
    row = Tracking.objects.select_for_update(no_key=True).filter(pk=tracking_id).first()
    if row is None:
        raise NotFound
    if row.state == TrackingState.WAITING or TrackingState.WAITING not in TRACKING_TRANSITIONS[row.state]:
        raise TransitionNotAllowed
    row.state, row.next_query_at, row.ended_at, row.subscribed_at = TrackingState.WAITING, at, None, None
    row.attempts, row.error_code, row.leased_until = 0, "", None
    row.version += 1
    row.save()
    return row


def _ended(at: datetime) -> dict[str, Any]:
    return {
        "state": TrackingState.ENDED, "ended_at": at, "next_query_at": None, "subscribed_at": None,
        "leased_until": None,
    }  # fmt: skip
