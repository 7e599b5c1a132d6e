"""What somebody's coming, going or new limits mean for the queues of her teams."""

from __future__ import annotations

from datetime import datetime

from accounts.enums import PresenceStatus
from accounts.models import Membership
from tickets.models.routing import RoutingMode
from tickets.services.routing.owing import owe_drain


def owe_for_person(*, staff_id: int, key: str, at: datetime) -> None:
    """Owe a round in each team of hers that hands tickets out."""
    teams = Membership.objects.filter(staff_id=staff_id, team__routing__mode=RoutingMode.AUTOMATIC)
    for team_id in teams.order_by("team_id").values_list("team_id", flat=True):
        owe_drain(team_id=team_id, key=f"staff:{staff_id}:{key}", at=at)


def watch_coming(staff_id: int, before: str, after: str, at: datetime) -> None:
    """Owe a round when somebody comes online."""
    if after == PresenceStatus.ONLINE != before:
        owe_for_person(staff_id=staff_id, key=f"came:{at.timestamp():.6f}", at=at)
