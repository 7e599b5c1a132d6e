"""Events of incidents: codes, ids, counts and times."""

from dataclasses import dataclass
from decimal import Decimal

from core.events import Code, declare


@dataclass(frozen=True)
class IncidentDeclared:
    """Something went wrong for many orders."""

    kind: Code
    severity: int
    owner_id: int
    shops: tuple[int, ...] = ()


@dataclass(frozen=True)
class IncidentChanged:
    """What was said of an incident was corrected; which fields (codes)."""

    fields: tuple[Code, ...]


@dataclass(frozen=True)
class IncidentStep:
    """An incident moved on; `before` is the state it had, `seconds` since it was declared."""

    before: Code
    seconds: int = 0


@dataclass(frozen=True)
class IncidentReviewed:
    """The review is written; the cost is an estimate."""

    cost: Decimal | None = None
    currency: Code | None = None


@dataclass(frozen=True)
class OrdersAttached:
    """A batch of orders was attached; `last_order_id` is where the search stands."""

    run_id: int
    added: int
    last_order_id: int


@dataclass(frozen=True)
class OrderAffected:
    """An order was attached to an incident, taken out of it or put back."""

    incident_id: int


declare("incident.declared", IncidentDeclared)
declare("incident.changed", IncidentChanged)
declare("incident.started", IncidentStep)
declare("incident.ended", IncidentStep)
declare("incident.reopened", IncidentStep)
declare("incident.reviewed", IncidentReviewed)
declare("incident.orders_attached", OrdersAttached)
declare("incident.order_affected", OrderAffected)
declare("incident.order_taken_out", OrderAffected)
declare("incident.order_put_back", OrderAffected)
