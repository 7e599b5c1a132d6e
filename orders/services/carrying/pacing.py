"""When a provider may be asked: its pace, its breaker, its halt, all decided by one statement on the account's row."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from django.urls import reverse

from accounts.models import Staff
from accounts.permissions import Permission, has
from accounts.services import notify
from core.actors import SYSTEM
from core.events import Code, record
from core.live import announce
from orders.carrying_events import CarrierAccountFault
from orders.models import CarrierAccount

OPEN_AFTER = 5  # failures in a row
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=30)
PROBE = timedelta(seconds=60)  # while one asks whether it is well again, the others wait
BURST_SECONDS = 5.0
OK_EVERY = timedelta(seconds=10)  # one row of many requests: not written for each


@dataclass(frozen=True, slots=True)
class Turn:
    """Whether one request may leave now; if not, in how many seconds to look again (None: not in this round)."""

    is_given: bool
    wait: float | None = None


_TAKE = """
UPDATE orders_carrier_account AS a
   SET tokens = least(greatest(1, a.per_minute * %(burst)s / 60.0),
                      a.tokens + extract(epoch FROM clock_timestamp() - a.tokens_at) * a.per_minute / 60.0) - 1,
       tokens_at = clock_timestamp(),
       open_until = CASE WHEN a.open_until IS NOT NULL THEN clock_timestamp() + make_interval(secs => %(probe)s) END
 WHERE a.id = %(id)s AND a.is_active AND a.halted_code = ''
   AND (a.open_until IS NULL OR a.open_until <= clock_timestamp())
   AND a.tokens + extract(epoch FROM clock_timestamp() - a.tokens_at) * a.per_minute / 60.0 >= 1
RETURNING a.id
"""
_WAIT = """
SELECT CASE WHEN NOT is_active OR halted_code <> '' OR open_until > clock_timestamp() THEN NULL
            ELSE greatest(0.01, (1 - tokens) * 60.0 / per_minute - extract(epoch FROM clock_timestamp() - tokens_at))
       END FROM orders_carrier_account WHERE id = %s
"""


def take_turn(account_id: int) -> Turn:
    """Take one token of the account's bucket, whoever else takes one at the same moment.

    While the breaker is open nobody gets one; when its rest is over one asker does, the others wait for how it goes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"id": account_id, "burst": BURST_SECONDS, "probe": PROBE.total_seconds()})
        if cursor.fetchone():
            return Turn(True)
        cursor.execute(_WAIT, [account_id])
        row = cursor.fetchone()
    return Turn(False, None if row is None or row[0] is None else float(row[0]))


def note_well(*, account_id: int, at: datetime) -> None:
    """Note that the provider answered as it should: the breaker closes."""
    stale = Q(failures__gt=0) | Q(last_ok_at__isnull=True) | Q(last_ok_at__lt=at - OK_EVERY)
    CarrierAccount.objects.filter(stale, pk=account_id).update(failures=0, open_until=None, last_ok_at=at)


@transaction.atomic
def note_failure(*, account_id: int, code: str, at: datetime) -> None:
    """Count a failure that is the provider's or the wire's; the fifth in a row opens the breaker, each longer.

    When it opens, supervisors hear of it once.
    """
    account = CarrierAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None:
        return
    account.failures += 1
    account.last_error_code, account.last_error_at = code[:40], at
    if account.failures >= OPEN_AFTER:
        account.open_until = at + rest_after(account.failures)
    account.save(update_fields=["failures", "last_error_code", "last_error_at", "open_until"])
    if account.failures == OPEN_AFTER:
        data = CarrierAccountFault(_code(code))
        record("carrier_account.paused", subject=account, actor=SYSTEM, at=at, data=data)
        _alert(account, "carrier.paused", at)


def rest_after(failures: int) -> timedelta:
    """Return how long to rest after so many failures in a row, a fifth more or less: not all come back at once."""
    rest = min(FIRST_REST * 2 ** min(failures - OPEN_AFTER, 10), LONGEST_REST)
    return rest * random.uniform(0.8, 1.2)


@transaction.atomic
def halt_account(*, account_id: int, code: str, at: datetime) -> bool:
    """Stop asking until a person says so: the provider refuses the account itself. Return whether it was going."""
    account = CarrierAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None or account.halted_code:
        return False
    account.halted_code, account.halted_at = code[:40] or "stopped", at
    account.last_error_code, account.last_error_at = account.halted_code, at
    account.save(update_fields=["halted_code", "halted_at", "last_error_code", "last_error_at"])
    data = CarrierAccountFault(_code(account.halted_code))
    record("carrier_account.halted", subject=account, actor=SYSTEM, at=at, data=data)
    _alert(account, "carrier.halted", at)
    return True


def announce_board() -> None:
    """After commit, have the board of freshness look again."""
    announce("carriers", "board", 0, 0)


def _alert(account: CarrierAccount, kind: str, at: datetime) -> None:
    url = reverse("orders:carrier_board")
    for staff in Staff.objects.filter(is_active=True).order_by("pk"):
        if has(staff, Permission.SETTINGS_MANAGE):
            notify(staff_id=staff.pk, kind=kind, params={"account_id": account.pk}, url=url, at=at)
    announce_board()


def _code(code: str) -> Code:
    return Code(code if code.replace("_", "").isalnum() and code.isascii() else "other")
