"""Events of what is told to an incident's customers: ids, codes and counts."""

from dataclasses import dataclass

from core.events import declare


@dataclass(frozen=True)
class UpdateFact:
    """A step of an update; `audience` customers are to be told, `told` are by now, `unreachable` cannot be."""

    incident_id: int
    number: int
    audience: int = 0
    told: int = 0
    unreachable: int = 0
    is_final: bool = False


@dataclass(frozen=True)
class TicketLinkedToIncident:
    """A ticket was found to be about an incident, or not to be."""

    incident_id: int


for _step in ("sent", "paused", "continued", "stopped", "finished"):
    declare(f"incident_update.{_step}", UpdateFact)
declare("incident_ticket.linked", TicketLinkedToIncident)
declare("incident_ticket.unlinked", TicketLinkedToIncident)
