"""Give an agent the next ticket that is for her, when she asks."""

from __future__ import annotations

import random
from datetime import datetime

from accounts.models import Membership
from core.actors import Actor
from tickets.errors import NoRoomLeft, NothingWaits, OffShift
from tickets.selectors.routing import Agent, Need, Pool, abilities_of, agent_of, needs_of, queue_of, widen_after
from tickets.services.routing.choosing import fits_need
from tickets.services.routing.giving import Outcome, give_ticket

BATCH = 50
ROUNDS = 400


def claim_next(*, staff_id: int, at: datetime) -> int:
    """Take the most urgent ticket of one's teams that one may have now; return its id.

    Of any number who ask at once each gets another ticket: who finds the first one gone tries any of the next fifty,
    rather than stand in line for each. Raises NothingWaits, NoRoomLeft, OffShift.
    """
    me = agent_of(staff_id)
    if me is None:
        raise OffShift
    if me.load >= me.limits.in_total:
        raise NoRoomLeft
    teams = _teams_of(staff_id)
    abilities, patience = abilities_of(teams), widen_after(teams)
    for _round in range(ROUNDS):  # each round but the last met others who were quicker
        met_others, offset = False, 0
        while needs := needs_of(queue_of(teams)[offset : offset + BATCH], at=at):
            mine = [
                need
                for need in needs
                if _is_for(me, need, abilities[need.team_id], at - need.opened_at >= patience[need.team_id])
            ]
            for need in _first_then_any(mine):
                outcome = _take(me, need, at)
                if outcome is Outcome.GIVEN:
                    return need.ticket_id
                if outcome is Outcome.FULL:
                    raise NoRoomLeft
                met_others = True
            offset += BATCH
        if not met_others:
            break
    raise NothingWaits


def _teams_of(staff_id: int) -> list[int]:
    rows = Membership.objects.filter(staff_id=staff_id, team__archived_at__isnull=True)
    return list(rows.order_by("team_id").values_list("team_id", flat=True))


def _first_then_any(needs: list[Need]) -> list[Need]:
    rest = needs[1:]
    random.shuffle(rest)
    return needs[:1] + rest


def _is_for(me: Agent, need: Need, pool: Pool, is_wide: bool) -> bool:
    return me.pk not in need.not_to and me.has_room(need.channel) and fits_need(me, need, pool, is_wide=is_wide)


def _take(me: Agent, need: Need, at: datetime) -> Outcome:
    actor = Actor.staff(me.pk)
    return give_ticket(
        ticket_id=need.ticket_id,
        team_id=need.team_id,
        staff_id=me.pk,
        actor=actor,
        at=at,
        reason="claimed",
        rivals=None,
    )
