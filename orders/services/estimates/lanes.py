"""The present model in memory: looked up per parcel without a statement, read anew when a newer one holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from orders.enums import ParcelStatus
from orders.estimate_enums import Level, StatKind
from orders.models import LaneModel, LaneStat
from orders.services.estimates.learning import QUIET_POINT, USUAL_SILENCE, Place, wider_places
from orders.services.estimates.quantiles import GRID

LEAST_SILENCE = 8.0
MIN_ARRIVALS = 20
"""Before so many arrivals of a leg are known at all, nothing is expected."""
_QUIET = GRID.index(QUIET_POINT)


@dataclass
class Lanes:
    """What is known of lanes: legs and silences by place."""

    model_id: int | None = None
    legs: dict[Place, list[float]] = field(default_factory=dict)
    silences: dict[Place, float] = field(default_factory=dict)

    def place(self, status: str, carrier_id: int, origin: str, destination: str) -> Place:
        """Return where to look first for a parcel."""
        return Place(str(status), carrier_id, origin if destination else "", destination)

    def leg(self, place: Place) -> tuple[list[float], Level] | None:
        """Return how long a leg takes at the nearest level that is known, and that level; None when none is."""
        for near in _from_near(place):
            if near in self.legs:
                return self.legs[near], _level(near)
        return None

    def silence(self, place: Place) -> float:
        """Return the hours of silence that 19 of 20 parcels there never reach."""
        for near in _from_near(place):
            if near in self.silences:
                return max(LEAST_SILENCE, self.silences[near])
        return USUAL_SILENCE[ParcelStatus(place.status)]


def _from_near(place: Place) -> list[Place]:
    """Return the place and the wider ones; a place without origin begins with its province."""
    if place.origin or not place.destination:
        return [place, *wider_places(place)]
    province = place._replace(destination=place.destination.partition("/")[0])
    return [province, *wider_places(province)]


def _level(place: Place) -> Level:
    if place.origin:
        return Level.LANE
    if place.destination:
        return Level.DESTINATION
    return Level.CARRIER if place.carrier_id is not None else Level.ALL


def current_lanes() -> Lanes:
    """Return what the present model knows: one statement, and more only after a new learning."""
    model_id = LaneModel.objects.filter(is_current=True).values_list("pk", flat=True).first()
    return Lanes() if model_id is None else _load(model_id)


@lru_cache(maxsize=2)
def _load(model_id: int) -> Lanes:
    lanes = Lanes(model_id)
    rows = LaneStat.objects.filter(model_id=model_id).values_list(
        "kind", "status", "carrier_id", "origin", "destination", "count", "quantiles"
    )
    enough = set(
        LaneStat.objects.filter(
            model_id=model_id, kind=StatKind.LEG, carrier=None, destination="", count__gte=MIN_ARRIVALS
        ).values_list("status", flat=True)
    )
    for kind, status, carrier_id, origin, destination, _count, quantiles in rows:
        place = Place(status, carrier_id, origin, destination)
        if kind == StatKind.GAP:
            lanes.silences[place] = quantiles[_QUIET]
        elif status in enough:
            lanes.legs[place] = quantiles
    return lanes
