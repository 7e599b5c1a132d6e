"""Events of routing's settings; a ticket's own way from hand to hand is `ticket.assigned`."""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class RoutingChanged:
    """A team's way of routing was set; minutes."""

    mode: Code
    widen_after: int
    release_after: int


declare("team_routing.changed", RoutingChanged)
