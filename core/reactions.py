"""React to events: `@reacts_to("order.completed")` makes a job for each such event, in the event's own transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from core.jobs.registry import RunningJob, job
from core.models import Event, Origin

MAX_PER_EVENT = 3
Reaction = Callable[[Event], None]
Predicate = Callable[[Event], bool]


@dataclass(frozen=True)
class ReactionRule:
    """One reaction: its job name and when it is wanted."""

    name: str
    when: Predicate | None
    on_import: bool


REACTIONS: dict[str, list[ReactionRule]] = defaultdict(list)


def reacts_to(
    *kinds: str, name: str, when: Predicate | None = None, on_import: bool = False
) -> Callable[[Reaction], Reaction]:
    """Register `def f(event: Event) -> None` as a reaction to the kinds; it runs once per event, in a transaction.

    `when` is asked first and must be cheap (it sees only the event). A reaction re-reads the state under lock: events
    of different subjects come in no order. Imported and demo history is skipped unless `on_import`.
    Raises ValueError past three reactions for one kind.
    """

    def register(function: Reaction) -> Reaction:
        def run(*, job: RunningJob, event_id: int) -> None:
            function(Event.objects.get(pk=event_id))

        run.__qualname__ = f"reaction.{function.__module__}.{function.__qualname__}"
        job(name, lease=timedelta(seconds=90))(run)
        rule = ReactionRule(name, when, on_import)
        for kind in kinds:
            rules = REACTIONS[kind]
            if all(known.name != name for known in rules):
                rules.append(rule)
            if len(rules) > MAX_PER_EVENT:
                raise ValueError(f"{kind} has more than {MAX_PER_EVENT} reactions")
        return function

    return register


def enqueue_reactions(events: Iterable[Event]) -> None:
    """Owe the reactions of freshly recorded events."""
    from core.jobs.queue import schedule

    for event in events:
        for rule in REACTIONS.get(event.kind, ()):
            if event.origin != Origin.LIVE and not rule.on_import:
                continue
            if rule.when is not None and not rule.when(event):
                continue
            schedule(
                rule.name,
                key=str(event.pk),
                due_at=event.recorded_at_or_now(),
                shard=f"{event.subject_type}:{event.subject_id}",
                payload={"event_id": event.pk},
                event=event,
            )
