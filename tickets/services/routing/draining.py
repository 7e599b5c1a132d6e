"""Hand out a team's queue, in its order, to those who are here and have room."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.actors import SYSTEM
from tickets.selectors.routing import Need, Pool, needs_of, pool_of, queue_of, routing_of
from tickets.services.routing.choosing import choose
from tickets.services.routing.giving import Outcome, give_ticket

BATCH = 100
TRIES = 8


@dataclass
class Round:
    """What a round did; `is_done` is False when the time was up before the queue or the room was."""

    given: int = 0
    is_done: bool = True
    met_others: bool = False


def drain_team(*, team_id: int, at: datetime, seconds: float = 20.0) -> Round:
    """Hand out what waits in a team until nobody has room or nothing fits.

    Each ticket is a short transaction of its own: a worker killed in the middle loses one undecided ticket, which
    still waits. Two rounds at once share the queue. A pass that gave something is followed by another, as tickets
    taken meanwhile shift the rest.
    """
    end, widen = time.monotonic() + seconds, timedelta(minutes=routing_of(team_id).widen_after_minutes)
    result, pool = Round(), pool_of(team_id)
    while pool.has_room():
        result.met_others = False
        given = _pass(team_id, pool, result, at=at, widen=widen, end=end)
        if not result.is_done:
            break
        result.given += given
        if not given:
            if not result.met_others:
                break
            time.sleep(0.02)  # what others held they may have let go again
        pool = pool_of(team_id)
    return result


def _pass(team_id: int, pool: Pool, result: Round, *, at: datetime, widen: timedelta, end: float) -> int:
    """Go through the queue once; return how many tickets were given."""
    left, given = 0, 0
    while pool.has_room():
        needs = needs_of(queue_of([team_id])[left : left + BATCH], at=at)
        if not needs:
            break
        for need in needs:
            if time.monotonic() > end:
                result.given += given
                result.is_done = False
                return given
            if not pool.has_room():
                break
            if _place(need, team_id, pool, result, at=at, widen=widen):
                given += 1
            else:
                left += 1
    return given


def _place(need: Need, team_id: int, pool: Pool, result: Round, *, at: datetime, widen: timedelta) -> bool:
    """Find the ticket its agent; what the database knows better about somebody is learnt on the way."""
    for _try in range(TRIES):
        choice = choose(need, pool, at=at, widen_after=widen)
        if choice is None:
            return False
        agent = choice.agent
        outcome = give_ticket(
            ticket_id=need.ticket_id,
            team_id=team_id,
            staff_id=agent.pk,
            actor=SYSTEM,
            at=at,
            reason=choice.reason,
            rivals=choice.rivals,
        )
        if outcome is Outcome.GIVEN:
            agent.loads[need.channel] = agent.loads.get(need.channel, 0) + 1
            agent.idle_since = max(agent.idle_since, at)
            return True
        if outcome is Outcome.GONE:
            result.met_others = True
            return False
        fresh = pool_of(team_id)  # somebody filled her or she left: look again at everybody
        pool.agents = fresh.agents
    result.met_others = True
    return False
