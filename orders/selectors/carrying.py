"""Read how fresh what we know of parcels is, by carrier, and how the accounts at providers do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from core.errors import NotFound
from orders.carrying_enums import TRACKING_LIVE, PushState, TrackingState
from orders.models import Carrier, CarrierAccount, CarrierPush, Tracking

FRESH_FOR = timedelta(hours=2)
FORGOTTEN = timedelta(days=60)


@dataclass(frozen=True)
class Freshness:
    """One carrier's parcels under way: how many we heard of within two hours, the longest silence, who is followed."""

    carrier_id: int
    carrier: Carrier
    under_way: int
    fresh: int
    followed: int
    refused: int
    oldest: datetime | None
    pushed_at: datetime | None

    @property
    def share(self) -> float:
        """Return the part that is fresh; 1 while nothing is under way."""
        return self.fresh / self.under_way if self.under_way else 1.0

    @property
    def stale(self) -> int:
        """Return how many we have not heard of for two hours."""
        return self.under_way - self.fresh


# A parcel is as fresh as the latest word of it, by whatever door; one that just appeared has its first two hours.
_FRESHNESS = """
SELECT p.carrier_id, count(*),
       count(*) FILTER (WHERE heard.at > %(limit)s),
       count(*) FILTER (WHERE t.state IN ('waiting', 'subscribed')),
       count(*) FILTER (WHERE t.state = 'refused'),
       min(heard.at), max(t.pushed_at)
  FROM orders_parcel p
  LEFT JOIN LATERAL (SELECT k.state, k.fresh_at, k.pushed_at FROM orders_tracking k
                      WHERE k.carrier_id = p.carrier_id AND k.tracking_number = p.tracking_number
                      ORDER BY k.fresh_at DESC NULLS LAST LIMIT 1) t ON true
 CROSS JOIN LATERAL (SELECT greatest(p.created_at, p.refreshed_at, t.fresh_at) AS at) heard
 WHERE p.status IN ('created', 'picked_up', 'in_transit', 'out_for_delivery', 'ready_for_pickup', 'refused',
                    'returning')
   AND coalesce(p.shipped_at, p.created_at) > %(since)s
 GROUP BY p.carrier_id
"""


def freshness(now: datetime) -> list[Freshness]:
    """Return the freshness of every carrier with parcels under way, the stalest first; two queries."""
    with connection.cursor() as cursor:
        cursor.execute(_FRESHNESS, {"limit": now - FRESH_FOR, "since": now - FORGOTTEN})
        rows = cursor.fetchall()
    carriers = Carrier.objects.in_bulk([row[0] for row in rows])
    found = [Freshness(row[0], carriers[row[0]], *row[1:]) for row in rows]
    return sorted(found, key=lambda one: (one.share, -one.under_way, one.carrier_id))


@dataclass(frozen=True)
class AccountState:
    """How one account does: `state` is ok, off, paused (breaker) or halted."""

    account: CarrierAccount
    state: str
    waiting: int
    followed: int
    refused: int
    stored: int
    unread: int
    pushed_at: datetime | None


def account_states(now: datetime) -> list[AccountState]:
    """Return the accounts by name with what they follow and what was pushed; four queries."""
    newest = CarrierPush.objects.filter(account=OuterRef("pk")).order_by("-received_at").values("received_at")[:1]
    accounts = list(CarrierAccount.objects.annotate(newest=Subquery(newest)).order_by("name", "pk"))
    numbers: dict[int, Any] = {
        row["account_id"]: row
        for row in Tracking.objects.exclude(state=TrackingState.ENDED)
        .values("account_id")
        .annotate(
            waiting=Count("pk", filter=Q(state=TrackingState.WAITING)),
            followed=Count("pk", filter=Q(state=TrackingState.SUBSCRIBED)),
            refused=Count("pk", filter=Q(state=TrackingState.REFUSED)),
        )
    }
    pushes = {
        (row["account_id"], row["state"]): row["n"]
        for state in (PushState.STORED, PushState.REFUSED)  # each by its own small index
        for row in CarrierPush.objects.filter(state=state).values("account_id", "state").annotate(n=Count("pk"))
    }
    return [_state(one, numbers.get(one.pk, {}), pushes, now) for one in accounts]


def _state(
    account: Any, numbers: dict[str, Any], pushes: dict[tuple[int, str], int], now: datetime
) -> AccountState:  # fmt: skip
    return AccountState(
        account,
        state_of(account, now),
        numbers.get("waiting", 0),
        numbers.get("followed", 0),
        numbers.get("refused", 0),
        pushes.get((account.pk, PushState.STORED), 0),
        pushes.get((account.pk, PushState.REFUSED), 0),
        account.newest,
    )


def state_of(account: CarrierAccount, now: datetime) -> str:
    """Return ok, off, paused or halted."""
    if not account.is_active:
        return "off"
    if account.halted_code:
        return "halted"
    return "paused" if account.open_until is not None and account.open_until > now else "ok"


def numbers_behind(*, carrier_id: int, what: str, now: datetime) -> QuerySet[Tracking]:
    """Return the followed numbers of a carrier: `stale` (not heard of for two hours), `refused` or all live ones."""
    rows = Tracking.objects.select_related("account").filter(carrier_id=carrier_id)
    if what == "refused":
        return rows.filter(state=TrackingState.REFUSED).order_by("-pk")
    rows = rows.filter(state__in=TRACKING_LIVE)
    if what == "stale":
        rows = rows.filter(Q(fresh_at__lte=now - FRESH_FOR) | Q(fresh_at=None, created_at__lte=now - FRESH_FOR))
    return rows.order_by("fresh_at", "pk")


def refused_pushes(limit: int = 100) -> list[CarrierPush]:
    """Return the newest pushes that could not be applied."""
    rows = CarrierPush.objects.filter(state=PushState.REFUSED).select_related("account").defer("body_enc")
    return list(rows.order_by("-pk")[:limit])


def get_account(account_id: int) -> CarrierAccount:
    """Return an account. Raises NotFound."""
    account = CarrierAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound
    return account


def company_codes(account: CarrierAccount | None) -> dict[int, str]:
    """Return what an account calls our carriers."""
    if account is None:
        return {}
    return dict(account.companies.values_list("carrier_id", "code"))
