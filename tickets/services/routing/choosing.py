"""Choose the agent of a ticket; pure, so that every decision can be told and tested."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.enums import Skill
from customers.enums import Tier
from tickets.selectors.routing import Agent, Need, Pool

REASONS = (
    "dedicated_agent", "best_skill", "best_language", "last_agent", "vip_trained", "least_load", "longest_idle",
    "longest_idle",
)  # fmt: skip
"""What set the first apart from the second, in the order of `_rank`."""
VALUED = frozenset({Tier.VIP, Tier.GOLD})


@dataclass(frozen=True)
class Choice:
    """Who gets a ticket and why: `reason` is the first rule that set her apart, `rivals` how many others could have."""

    agent: Agent
    reason: str
    rivals: int


def choose(need: Need, pool: Pool, *, at: datetime, widen_after: timedelta, but: Iterable[int] = ()) -> Choice | None:
    """Return who gets the ticket, None when nobody who is here and has room fits.

    Who fits: of the team, with the category's skill and the customer's language, if anybody of the team has them at
    all and the ticket has not waited longer than `widen_after`; the dedicated agent always fits. Who comes first: the
    dedicated agent, the customer's last one, for VIP and gold customers whoever is trained for them, then whoever has
    least in work, then whoever has been without a new ticket longest.
    """
    is_wide = at - need.opened_at >= widen_after
    out = need.not_to | set(but)
    fits = [
        agent
        for agent in pool.agents
        if agent.pk not in out and agent.has_room(need.channel) and fits_need(agent, need, pool, is_wide=is_wide)
    ]
    if not fits:
        return None
    ranked = sorted(fits, key=lambda agent: _rank(agent, need, pool))
    return Choice(ranked[0], _reason(ranked, need, pool), len(ranked) - 1)


def fits_need(agent: Agent, need: Need, pool: Pool, *, is_wide: bool) -> bool:
    """Tell whether somebody may have a ticket by team, skill and language."""
    if agent.pk == need.dedicated_id:
        return True
    return agent.is_member and (is_wide or (_has_skill(agent, need, pool) and _speaks(agent, need, pool)))


def _has_skill(agent: Agent, need: Need, pool: Pool) -> bool:
    return not need.skill or need.skill in agent.skills or need.skill not in pool.known_skills


def _speaks(agent: Agent, need: Need, pool: Pool) -> bool:
    return not agent.languages or need.language in agent.languages or need.language not in pool.known_languages


def _rank(agent: Agent, need: Need, pool: Pool) -> tuple[bool, bool, bool, bool, bool, int, datetime, int]:
    return (
        agent.pk != need.dedicated_id,
        not _has_skill(agent, need, pool),
        not _speaks(agent, need, pool),
        agent.pk != need.last_id,
        need.tier in VALUED and Skill.VIP not in agent.skills,
        agent.load,
        agent.idle_since,
        agent.pk,
    )


def _reason(ranked: list[Agent], need: Need, pool: Pool) -> str:
    """Return the code of the first rule by which the first stands before the second."""
    first = ranked[0]
    if first.pk == need.dedicated_id:
        return "dedicated_agent"
    if len(ranked) == 1:
        return "only_one_free"
    one, two = _rank(first, need, pool), _rank(ranked[1], need, pool)
    return next(code for code, mine, hers in zip(REASONS, one, two, strict=True) if mine != hers)
