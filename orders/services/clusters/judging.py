"""When silent parcels are a standstill: a pure function of who is silent and how many are under way.

A lane's silence is the point 19 of 20 of its parcels never reach, so one in twenty is usual by construction. At a place
the usual share is that or, if it is higher, the share among the carrier's other parcels. A place stands still when its
silent parcels are many (LEAST), a large part (SHARE), and by chance so many less than once in a million looks
(Chernoff's bound of the binomial tail). A carrier is asked first, then its hubs, then its lanes; a parcel explains one
thing only.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from orders.incident_enums import ClusterLevel

USUAL_SHARE = 0.05
CHANCE = 1e-6
LEAST = {ClusterLevel.CARRIER: 20, ClusterLevel.HUB: 8, ClusterLevel.LANE: 8}
SHARE = {ClusterLevel.CARRIER: 0.25, ClusterLevel.HUB: 0.4, ClusterLevel.LANE: 0.4}
CARRIER_PLACES = 3
"""A carrier stands still only when at so many places, and none of them has half of the silent parcels."""
LEFT = 2
LEFT_SHARE = 0.2
"""A standstill has dissolved when no more than so many, or this part of its peak, are still silent."""


class Spot(NamedTuple):
    """Where a parcel is: its carrier, the place it was last seen, the lane it is on; empty = not known."""

    carrier_id: int
    hub: str
    lane: str

    def key(self, level: str) -> Key | None:
        """Return what it belongs to at a level, None when that is not known."""
        place = {ClusterLevel.CARRIER: "", ClusterLevel.HUB: self.hub, ClusterLevel.LANE: self.lane}[
            ClusterLevel(level)
        ]
        return None if level != ClusterLevel.CARRIER and not place else Key(self.carrier_id, str(level), place)


class Key(NamedTuple):
    """What may stand still."""

    carrier_id: int
    level: str
    place: str


class Silent(NamedTuple):
    """A silent parcel."""

    parcel_id: int
    order_id: int
    spot: Spot


@dataclass(frozen=True)
class Standstill:
    """What stands still: its silent parcels of those under way, against the usual share."""

    key: Key
    members: tuple[Silent, ...]
    under_way: int
    usual: float


def is_standstill(level: str, silent: int, under_way: int, usual: float) -> bool:
    """Say whether so many silent parcels of so many are beyond what is usual there."""
    if silent < LEAST[ClusterLevel(level)] or under_way < silent or silent < SHARE[ClusterLevel(level)] * under_way:
        return False
    return chance_of(silent, under_way, max(USUAL_SHARE, usual)) <= CHANCE


def chance_of(silent: int, under_way: int, usual: float) -> float:
    """Return an upper bound of the chance of so many silent ones (Chernoff); 1.0 when it is no more than usual."""
    share = silent / under_way
    if share <= usual:
        return 1.0
    if usual <= 0.0:
        return 0.0
    far = share * math.log(share / usual)
    far += 0.0 if share >= 1.0 else (1 - share) * math.log((1 - share) / (1 - usual))
    return math.exp(-under_way * far)


def has_dissolved(still: int, peak: int) -> bool:
    """Say whether so few are silent that the standstill is over."""
    return still <= max(LEFT, LEFT_SHARE * peak)


def join_known(silent: Iterable[Silent], known: Iterable[Key]) -> tuple[dict[Key, list[Silent]], list[Silent]]:
    """Share silent parcels out among standstills known already, the widest first; return them and the rest."""
    joined: dict[Key, list[Silent]] = {key: [] for key in known}
    rest = []
    for one in silent:
        keys = (one.spot.key(level) for level in ClusterLevel)
        mine = next((key for key in keys if key in joined), None)
        if mine is None:
            rest.append(one)
        else:
            joined[mine].append(one)
    return joined, rest


def find_standstills(silent: list[Silent], crowd: Mapping[Spot, int], known: Iterable[Key] = ()) -> list[Standstill]:
    """Return what stands still among silent parcels no known standstill explains; `crowd` counts all under way."""
    joined, rest = join_known(silent, known)
    gone = set(joined)
    here = Counter({spot: n for spot, n in crowd.items() if not _is_in(spot, gone)})
    found: list[Standstill] = []
    for level in ClusterLevel:
        fresh = _at_level(level, rest, here)
        found += fresh
        gone = {one.key for one in fresh}
        rest = [one for one in rest if not _is_in(one.spot, gone)]
        here = Counter({spot: n for spot, n in here.items() if not _is_in(spot, gone)})
    return found


def _is_in(spot: Spot, keys: set[Key]) -> bool:
    return any(spot.key(level) in keys for level in ClusterLevel)


def _at_level(level: ClusterLevel, silent: list[Silent], crowd: Counter[Spot]) -> list[Standstill]:
    members: dict[Key, list[Silent]] = {}
    for one in silent:
        if key := one.spot.key(level):
            members.setdefault(key, []).append(one)
    many: Counter[Key] = Counter()
    of_carrier: Counter[int] = Counter()
    for spot, n in crowd.items():
        of_carrier[spot.carrier_id] += n
        if key := spot.key(level):
            many[key] += n
    silent_of = Counter(one.spot.carrier_id for one in silent)
    found = []
    for key, mine in sorted(members.items()):
        under_way = max(many[key], len(mine))
        beside = of_carrier[key.carrier_id] - under_way
        usual = (silent_of[key.carrier_id] - len(mine)) / beside if beside > 0 else 0.0
        if is_standstill(level, len(mine), under_way, usual) and _is_spread(level, mine):
            found.append(Standstill(key, tuple(mine), under_way, max(USUAL_SHARE, usual)))
    return found


def _is_spread(level: ClusterLevel, members: list[Silent]) -> bool:
    if level != ClusterLevel.CARRIER:
        return True
    places = Counter(one.spot.hub for one in members)
    return len(places) >= CARRIER_PLACES and max(places.values()) * 2 <= len(members)
