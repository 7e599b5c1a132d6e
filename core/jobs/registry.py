"""What jobs exist: functions by name, periodic ones by period, and work done at every tick."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

MAX_ATTEMPTS = 3
BACKOFF = (
    timedelta(seconds=2),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
)


@dataclass(frozen=True)
class RunningJob:
    """A claimed job as its function sees it: `key` is the idempotency key for receivers outside."""

    id: int
    name: str
    key: str
    shard: str
    payload: dict[str, Any]
    due_at: datetime
    attempts: int
    fence: int
    event_id: int | None
    cause_depth: int

    @property
    def idempotency_key(self) -> str:
        """Return a key that stays the same over all attempts of this job."""
        return f"{self.name}:{self.key}"


@dataclass(frozen=True)
class JobKind:
    """How one kind of job is run."""

    name: str
    run: Callable[..., None]
    outside: bool
    max_attempts: int
    lease: timedelta
    backoff: tuple[timedelta, ...] = field(default=BACKOFF)


@dataclass(frozen=True)
class Periodic:
    """A job made once for each period; missed periods are filled in, the oldest first."""

    name: str
    every: timedelta
    fill: bool


class RetryLater(Exception):
    """Raised by a job for a named transient reason: try again after `delay` (counts as an attempt)."""

    def __init__(self, reason: str, delay: timedelta | None = None) -> None:
        self.reason = reason
        self.delay = delay
        super().__init__(reason)


JOBS: dict[str, JobKind] = {}
PERIODIC: dict[str, Periodic] = {}
TICKS: dict[str, tuple[timedelta, Callable[[datetime], None]]] = {}


def job(
    name: str,
    *,
    outside: bool = False,
    max_attempts: int = MAX_ATTEMPTS,
    lease: timedelta = timedelta(seconds=90),
    backoff: tuple[timedelta, ...] = BACKOFF,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `def f(*, job: RunningJob, **payload)` under an explicit name (`tickets.send_reply`).

    With `outside` it runs without a transaction and may use the network, at least once, with `job.idempotency_key` for
    the receiver; otherwise inside one transaction together with the done mark, exactly once.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        known = JOBS.get(name)
        if known is not None and known.run.__qualname__ != function.__qualname__:
            raise ValueError(f"job {name!r} is registered twice")
        JOBS[name] = JobKind(name, function, outside, max_attempts, lease, backoff)
        return function

    return register


def periodic(
    name: str, *, every: timedelta, fill: bool = True, outside: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register `def f(*, period_start: datetime)` to run once for each period of length `every` (aligned to UTC).

    With `fill` every missed period gets its own run, in order; without, only the newest.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def run(*, job: RunningJob, period_start: str) -> None:
            function(period_start=datetime.fromisoformat(period_start))

        run.__qualname__ = f"periodic.{function.__qualname__}"
        JOBS[name] = JobKind(name, run, outside, MAX_ATTEMPTS, timedelta(minutes=5))
        PERIODIC[name] = Periodic(name, every, fill)
        return function

    return register


def every_tick(
    name: str, *, at_most_every: timedelta = timedelta(0)
) -> Callable[[Callable[[datetime], None]], Callable[[datetime], None]]:
    """Register `def f(now)` for light, idempotent upkeep at every tick; one process at a time runs it."""

    def register(function: Callable[[datetime], None]) -> Callable[[datetime], None]:
        TICKS[name] = (at_most_every, function)
        return function

    return register
