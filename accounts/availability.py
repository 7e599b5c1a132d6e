"""Who can be given work: capacity by role, and what other apps want to know when somebody comes or goes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import Staff

ABSENT_AFTER = timedelta(seconds=90)
"""How long a console may be silent before its person counts as away; three heartbeats of the desk's socket."""
HEARD_EVERY = timedelta(seconds=20)
DEFAULT_CAPACITY = 20
ANSWERING_ROLES = frozenset({"agent_junior", "agent", "agent_senior", "agent_lead", "tech_support"})
"""Roles whose daily work is answering; others are given tickets only when somebody sets a capacity for them."""

PresenceWatcher = Callable[[int, str, str, datetime], None]
LeavingCheck = Callable[[Staff], str | None]
WATCHERS: list[PresenceWatcher] = []
LEAVING_CHECKS: list[LeavingCheck] = []


@dataclass(frozen=True)
class Limits:
    """How many conversations at once, in total and per channel code."""

    in_total: int
    per_channel: Mapping[str, int]

    def has_room(self, loads: Mapping[str, int], channel: str) -> bool:
        """Tell whether one more conversation of this channel fits beside those in work (channel -> number)."""
        limit = self.per_channel.get(channel)
        return sum(loads.values()) < self.in_total and (limit is None or loads.get(channel, 0) < limit)


def default_capacity(roles: Iterable[str]) -> int:
    """Return how many conversations somebody with these roles holds when nobody said so."""
    return DEFAULT_CAPACITY if ANSWERING_ROLES & set(roles) else 0


def limits_of(staff: Staff) -> Limits:
    """Return a person's limits; her `capacity` should be loaded."""
    row = getattr(staff, "capacity", None)
    return Limits(row.in_total, row.per_channel) if row else Limits(default_capacity(staff.roles), {})


def watch_presence(watcher: PresenceWatcher) -> None:
    """Call (staff id, status before, status after, at) inside the transaction of each change of status."""
    WATCHERS.append(watcher)


def ask_before_leaving(check: LeavingCheck) -> None:
    """Ask before somebody goes off shift: a path sends her there first, None lets her go."""
    LEAVING_CHECKS.append(check)
