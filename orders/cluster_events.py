"""Events of standstills the system found: codes, ids and counts."""

from dataclasses import dataclass

from core.events import Code, declare
from orders.incident_events import IncidentStep


@dataclass(frozen=True)
class ClusterFound:
    """So many parcels of those under way were silent at a carrier, one of its hubs or lanes."""

    carrier_id: int
    carrier: Code
    level: Code
    silent: int
    under_way: int


@dataclass(frozen=True)
class ClusterStood:
    """A standstill dissolved or came back: how many are silent, and were at most."""

    still: int
    peak: int


declare("incident.found", ClusterFound)
declare("incident.dissolved", ClusterStood)
declare("incident.stands_again", ClusterStood)
declare("incident.dismissed", IncidentStep)
