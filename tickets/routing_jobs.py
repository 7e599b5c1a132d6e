"""Routing's jobs and upkeep: thin leaves over the services; loaded with tickets.jobs."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.utils import timezone

from core.jobs import RunningJob, every_tick, job, schedule
from tickets.selectors.routing import automatic_teams, pool_of, queue_of
from tickets.services.handing_over import take_back_ticket
from tickets.services.routing.absence import release_absent
from tickets.services.routing.draining import drain_team
from tickets.services.routing.owing import DRAIN_JOB, TAKE_BACK_JOB

logger = logging.getLogger(__name__)
SECONDS = 30.0


@job(DRAIN_JOB, outside=True, max_attempts=6)
def drain_queue(*, job: RunningJob, team_id: int, part: int = 0) -> None:
    """Hand out a team's queue for half a minute at most, then owe the rest; run again it changes nothing more."""
    now = timezone.now()
    done = drain_team(team_id=team_id, at=now, seconds=SECONDS)
    if done.given:
        logger.info("routing.drained team_id=%s given=%s", team_id, done.given)
    if not done.is_done:
        base = job.key.partition("#")[0]
        schedule(DRAIN_JOB, key=f"{base}#{part + 1}", due_at=now, payload={"team_id": team_id, "part": part + 1})


@job(TAKE_BACK_JOB)
def take_back(*, job: RunningJob, ticket_id: int) -> None:
    """Take a ticket that came back to somebody off shift into the queue."""
    take_back_ticket(ticket_id=ticket_id, at=timezone.now())


@every_tick("tickets.look_at_queues", at_most_every=timedelta(seconds=30))
def look_at_queues(now: datetime) -> None:
    """Release who is absent, and owe a round wherever something waits while somebody has room.

    What should have started one did so already; this finds what a lost moment left, and tickets that have waited long
    enough for somebody without their skill.
    """
    release_absent(at=now)
    for team in automatic_teams():
        if queue_of([team.pk]).exists() and pool_of(team.pk).has_room():
            key = f"{team.pk}:look:{int(now.timestamp()) // 30}"
            schedule(DRAIN_JOB, key=key, due_at=now, payload={"team_id": team.pk})
