"""Ask providers: subscribe what waits, query what nobody pushed in time. No transaction is held over the wire.

A worker leases some due rows, takes a turn for each, writes down that it begins, asks, and writes down what came. One
that is killed leaves a lease that runs out and a `queried_at` that stands: the number rests its half hour all the same.
"""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from core.crypto import CannotDecrypt, decrypt
from core.errors import InvalidInput
from orders.carriers import (
    AccountStopped,
    CarrierAdapter,
    CarrierError,
    LockedOut,
    NotFollowed,
    NothingYet,
    Number,
    NumberRefused,
    Trace,
    Transient,
    adapter_for,
)
from orders.carrying_enums import TRACKING_LIVE, TrackingState
from orders.models import CarrierAccount, CarrierCompany, Parcel, Tracking
from orders.services.carrying.following import end_arrived, note_heard, refresh_after
from orders.services.carrying.pacing import halt_account, note_failure, note_well, take_turn
from orders.services.carrying.traces import take_trace

logger = logging.getLogger(__name__)
BATCH = 10
LEASE, CALL_LEASE = timedelta(minutes=2), timedelta(seconds=60)
SLICE_SECONDS = 9.0
FIRST_REST, LONGEST_REST = timedelta(seconds=40), timedelta(minutes=30)

_LEASE = """
UPDATE orders_tracking SET leased_until = clock_timestamp() + make_interval(secs => %(lease)s), fence = fence + 1
 WHERE id IN (SELECT id FROM orders_tracking
               WHERE account_id = %(account)s AND state IN ('waiting', 'subscribed') AND next_query_at <= %(at)s
                 AND (leased_until IS NULL OR leased_until < clock_timestamp())
               ORDER BY next_query_at, id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING id, fence
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A row this worker holds, with the fence that proves it."""

    id: int
    fence: int


def ask_due(*, account_id: int, seconds: float = SLICE_SECONDS) -> int:
    """Ask for what is due at one account, for some seconds; return how many numbers were asked for.

    Call it outside a transaction, from as many workers as you like: no two ask for the same number.
    """
    account = CarrierAccount.objects.filter(pk=account_id, is_active=True, halted_code="").first()
    if account is None:
        return 0
    adapter, asked, end = adapter_for(account.provider), 0, time.monotonic() + seconds
    while time.monotonic() < end and (held := lease_due(account_id, at=timezone.now())):
        if end_arrived(at=timezone.now(), tracking_ids=[one.id for one in held]):
            live = Tracking.objects.filter(pk__in=[one.id for one in held], state__in=TRACKING_LIVE)
            left = set(live.values_list("pk", flat=True))
            held = [one for one in held if one.id in left]
        for index, one in enumerate(held):
            if not _wait_for_turn(account_id, end):
                release(held[index:])
                return asked
            asked += ask_one(account, adapter, one)
    return asked


def lease_due(account_id: int, *, at: datetime, limit: int = BATCH) -> list[Held]:
    """Take some due rows of an account that nobody holds, the longest due first."""
    with connection.cursor() as cursor:
        cursor.execute(_LEASE, {"account": account_id, "at": at, "limit": limit, "lease": LEASE.total_seconds()})
        return [Held(*row) for row in cursor.fetchall()]


def release(held: list[Held]) -> None:
    """Give rows back that were not asked for."""
    for one in held:
        Tracking.objects.filter(pk=one.id, fence=one.fence).update(leased_until=None)


def ask_one(account: CarrierAccount, adapter: CarrierAdapter, held: Held) -> int:
    """Subscribe or query one number that we hold, and write down what came of it; return 1 when it was asked for."""
    row = Tracking.objects.filter(pk=held.id, fence=held.fence, state__in=TRACKING_LIVE).first()
    if row is None:
        return 0
    is_query = row.state == TrackingState.SUBSCRIBED
    if not _begin(row, adapter, is_query=is_query):
        return 0
    try:
        number = number_of(account, row)
    except (NumberRefused, CannotDecrypt):
        _refuse(row, "no_company", at=timezone.now())
        return 0
    try:
        trace = adapter.query(account, number) if is_query else None
        if not is_query:
            adapter.subscribe(account, number)
    except CarrierError as error:
        _take_error(account, row, error, at=timezone.now())
        return 1
    except (CannotDecrypt, KeyError):
        _take_error(account, row, AccountStopped("key_missing"), at=timezone.now())
        return 1
    note_well(account_id=account.pk, at=timezone.now())
    _take_answer(account, row, trace, at=timezone.now())
    return 1


def number_of(account: CarrierAccount, row: Tracking) -> Number:
    """Return a number as an adapter wants it. Raises NumberRefused for a carrier the account does not know any more."""
    company = row.company or CarrierCompany.objects.filter(account=account, carrier_id=row.carrier_id).values_list(
        "code", flat=True
    ).first()  # fmt: skip
    if not company:
        raise NumberRefused("no_company")
    parcels = Parcel.objects.filter(tracking_number=row.tracking_number, carrier_id=row.carrier_id)
    sealed = parcels.order_by("-pk").values_list("order__phone_enc", flat=True).first()
    phone = decrypt(sealed) if sealed else ""
    return Number(company, row.tracking_number, phone, push_url(account))


def push_url(account: CarrierAccount) -> str:
    """Return the address the provider pushes to."""
    return settings.PUBLIC_URL.rstrip("/") + reverse("api-carrier-push", args=[account.push_token])


def _wait_for_turn(account_id: int, end: float) -> bool:
    while True:
        turn = take_turn(account_id)
        if turn.is_given:
            return True
        if turn.wait is None or time.monotonic() + turn.wait > end:
            return False
        time.sleep(turn.wait)


def _begin(row: Tracking, adapter: CarrierAdapter, *, is_query: bool) -> bool:
    """Write down that we ask now, before we do; a query within its half hour is put off instead."""
    at = timezone.now()
    mine = Tracking.objects.filter(pk=row.pk, fence=row.fence, state=row.state)
    if not is_query:
        return bool(mine.update(leased_until=at + CALL_LEASE))
    rested = Q(queried_at__isnull=True) | Q(queried_at__lte=at - adapter.query_gap)
    free = Q(locked_until__isnull=True) | Q(locked_until__lte=at)
    if mine.filter(rested, free).update(queried_at=at, leased_until=at + CALL_LEASE):
        return True
    rests = [moment for moment in (row.locked_until, row.queried_at and row.queried_at + adapter.query_gap) if moment]
    soonest = max([at, *rests]) + timedelta(seconds=random.uniform(1, 60))
    mine.update(next_query_at=soonest, leased_until=None)
    return False


def _take_answer(account: CarrierAccount, row: Tracking, trace: Trace | None, *, at: datetime) -> None:
    mine = Tracking.objects.filter(pk=row.pk, fence=row.fence, state=row.state)
    done: dict[str, Any] = {"attempts": 0, "error_code": "", "leased_until": None, "version": F("version") + 1}
    if trace is None:  # subscribed; the first push comes soon, or we ask
        mine.update(**done, state=TrackingState.SUBSCRIBED, subscribed_at=at, next_query_at=at + refresh_after())
        return
    try:
        take_trace(account_id=account.pk, trace=trace, at=at, pushed=False)
    except InvalidInput as wrong:
        rest = max(rest_after(row.attempts + 1), adapter_for(account.provider).query_gap)
        code = wrong.code if wrong.code != "invalid" else "answer_not_read"
        mine.update(leased_until=None, attempts=F("attempts") + 1, error_code=code[:40], next_query_at=at + rest)
        return
    Tracking.objects.filter(pk=row.pk, fence=row.fence).update(leased_until=None)


def _take_error(account: CarrierAccount, row: Tracking, error: CarrierError, *, at: datetime) -> None:
    """Write down what the provider refused; only what is its own fault or the wire's counts for the breaker."""
    mine = Tracking.objects.filter(pk=row.pk, fence=row.fence, state=row.state)
    code = error.code
    if isinstance(error, AccountStopped):
        halt_account(account_id=account.pk, code=code, at=at)
        mine.update(leased_until=None)
        return
    if isinstance(error, Transient):
        note_failure(account_id=account.pk, code=code, at=at)
        rest = error.wait or rest_after(row.attempts + 1)
        mine.update(leased_until=None, attempts=F("attempts") + 1, error_code=code, next_query_at=at + rest)
        logger.info("carrier.transient account=%s tracking=%s code=%s", account.pk, row.pk, code)
        return
    note_well(account_id=account.pk, at=at)
    if isinstance(error, NothingYet):
        note_heard(
            account_id=account.pk, carrier_id=row.carrier_id, tracking_number=row.tracking_number, over=False,
            pushed=False, at=at,
        )  # fmt: skip
        Tracking.objects.filter(pk=row.pk, fence=row.fence).update(leased_until=None)
    elif isinstance(error, LockedOut):
        soonest = error.until + timedelta(seconds=random.uniform(1, 120))
        mine.update(leased_until=None, locked_until=error.until, error_code=code, next_query_at=soonest)
    elif isinstance(error, NotFollowed):
        mine.update(
            leased_until=None, state=TrackingState.WAITING, subscribed_at=None, error_code=code, next_query_at=at
        )  # fmt: skip
    else:
        _refuse(row, code, at=at)


def _refuse(row: Tracking, code: str, *, at: datetime) -> None:
    """Ask no more for a number until a person begins anew."""
    Tracking.objects.filter(pk=row.pk, fence=row.fence, state=row.state).update(
        leased_until=None, state=TrackingState.REFUSED, subscribed_at=None, error_code=code, next_query_at=None,
        attempts=F("attempts") + 1, version=F("version") + 1,
    )  # fmt: skip
    logger.warning("carrier.number_refused account=%s tracking=%s code=%s", row.account_id, row.pk, code)


def rest_after(attempts: int) -> timedelta:
    """Return how long a number rests after so many failures in a row, with jitter."""
    rest: timedelta = min(FIRST_REST * 2 ** min(attempts - 1, 10), LONGEST_REST)
    return rest * random.uniform(0.8, 1.2)
