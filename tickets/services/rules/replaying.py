"""What a rule would have met: recorded events played over past tickets, writing nothing.

A ticket's events are folded in the order they were recorded. Those of one transaction are folded together before the
rule is asked, as the engine too is asked after the commit. What the log holds (status, category, priority, team,
assignee, tier, channel, language, order, texts) is taken as it stood; the rest (BY_TODAY) as it stands now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import groupby

from core.actors import ActorType
from core.models import Event, Origin
from tickets.enums import TICKET_TRANSITIONS, AuthorType, TicketStatus
from tickets.models import Category, FieldValue, Message, RuleVersion, Ticket
from tickets.rule_enums import TIMED, Do, StepState, Trigger, What
from tickets.services.rules.definitions import Action, Definition
from tickets.services.rules.facts import MOST_TEXT, had_written, top_of
from tickets.services.rules.hours import Hours
from tickets.services.rules.judging import NONE, judge
from tickets.services.rules.timers import DONE, OPEN
from tickets.services.rules.wanted import triggers_of
from tickets.team_reach import reach_of_teams

COLUMNS = (
    "id", "kind", "at", "origin", "actor_type", "subject_type", "shop_id", "order_id", "ticket_id", "cause_id", "xid",
    "data",
)  # fmt: skip


@dataclass
class Past:
    """A ticket as the log tells it so far."""

    status: str = TicketStatus.NEW
    priority: int = 20
    category: str | None = None
    tier: str = ""
    channel: str = ""
    language: str = ""
    team_id: int | None = None
    assignee_id: int | None = None
    shop_id: int | None = None
    order_id: int | None = None
    is_spam: bool = False
    is_merged: bool = False
    waiting_since: datetime | None = None
    resolved_at: datetime | None = None
    touched_at: datetime | None = None

    def take(self, event: Event) -> None:
        """Fold one event in."""
        data, kind = event.data, event.kind
        if event.subject_type in {"ticket", "message", "sla_clock"}:
            self.shop_id, self.order_id = event.shop_id, event.order_id
        if "priority" in data and "channel" in data:
            self.priority, self.category, self.channel = data["priority"], data.get("category"), data["channel"]
            self.tier, self.team_id = data.get("tier") or "", data.get("team_id")
        if kind in {"ticket.opened", "ticket.changed", "ticket.reopened"}:
            self.assignee_id = data.get("agent_id")
        if kind == "ticket.opened":
            self.language = data.get("language", "")
        elif kind == "ticket.resolved" and self.assignee_id is None and event.actor_type == ActorType.STAFF:
            self.assignee_id = data.get("agent_id")  # whoever solves an untaken ticket is its agent
        elif kind == "ticket.assigned":
            self.assignee_id, self.team_id = data.get("agent_id"), data.get("team_id")
        elif kind in {"ticket.marked_spam", "ticket.unmarked_spam"}:
            self.is_spam = kind == "ticket.marked_spam"
        elif kind in {"ticket.merged", "ticket.unmerged"}:
            self.is_merged = kind == "ticket.merged"
        self._move(event)

    def _move(self, event: Event) -> None:
        after = {
            "ticket.opened": TicketStatus.NEW.value, "ticket.resolved": TicketStatus.RESOLVED.value,
            "ticket.reopened": TicketStatus.OPEN.value,
        }.get(event.kind)  # fmt: skip
        if event.kind in {"ticket.status_changed", "ticket.closed"}:
            after = event.data.get("after")
        is_touch = event.actor_type == ActorType.STAFF
        if after is not None:
            was, self.status = self.status, after
            self.waiting_since = event.at if after == TicketStatus.WAITING_CUSTOMER else None
            if after == TicketStatus.RESOLVED:
                self.resolved_at = event.at
            elif after not in DONE:
                self.resolved_at = None
            is_touch = is_touch or event.kind == "ticket.opened" or (after == TicketStatus.OPEN and was != after)
        if is_touch and (self.touched_at is None or event.at > self.touched_at):
            self.touched_at = event.at

    def since(self, trigger: str) -> datetime | None:
        """Return since when a timed trigger's state has lasted, as timers.since_of does for a live ticket."""
        if self.is_spam or self.is_merged:
            return None
        if trigger == Trigger.WAITING:
            return self.waiting_since
        if trigger == Trigger.SOLVED:
            return self.resolved_at if self.status in DONE else None
        return self.touched_at if self.status in OPEN else None


@dataclass(frozen=True)
class Hit:
    """One moment at which the rule would have acted."""

    at: datetime
    event_id: int | None
    since: datetime | None
    held: list[int]
    steps: list[str]


@dataclass
class Batch:
    """What a batch of tickets needs besides its events, read once; texts and fields only when the rule asks."""

    tickets: dict[int, Ticket]
    categories: dict[str, Category]
    hours: Hours
    texts: dict[int, list[tuple[int, str, datetime, str]]] = field(default_factory=dict)
    fields: dict[int, dict[int, str]] = field(default_factory=dict)


class PastFacts:
    """What conditions look at, as it stood at a past moment."""

    def __init__(self, ticket: Ticket, past: Past, batch: Batch, at: datetime, seq: int | None) -> None:
        self._ticket, self._past, self._batch, self._at, self._seq = ticket, past, batch, at, seq
        self.channel = past.channel or ticket.channel
        self.priority, self.status = past.priority, past.status
        self.shop_id, self.team_id, self.assignee_id = past.shop_id, past.team_id, past.assignee_id
        self.order_id, self.tier = past.order_id, past.tier
        self.language = past.language or ticket.language
        self.tags, self.subject = ticket.tags, ticket.subject

    @property
    def category_ids(self) -> tuple[int, ...]:
        """Return the category and the one above it."""
        category = self._batch.categories.get(self._past.category or "")
        return (NONE,) if category is None else (category.pk, category.parent_id or category.pk)

    @property
    def order_status(self) -> str:
        """Return the status of the order, as it is today."""
        return self._ticket.order.status if self._ticket.order else ""

    @property
    def text(self) -> str:
        """Return the message of the moment, else the customer's newest until then, else the first."""
        found = ""
        for seq, author, at, text in self._batch.texts.get(self._ticket.pk, ()):
            if self._seq is not None:
                found = text if seq == self._seq else found
            elif at <= self._at and (author == AuthorType.CUSTOMER or seq == 1):
                found = text
        return found

    @cached_property
    def is_repeat(self) -> bool:
        """Return whether the customer had written about the same within seven days before."""
        ticket = self._ticket
        return had_written(ticket.pk, ticket.customer_id, top_of(self.category_ids), ticket.opened_at)

    def field(self, field_id: int) -> str:
        """Return the value of an own field, as it is today."""
        return self._batch.fields.get(self._ticket.pk, {}).get(field_id, "")

    def is_open(self, calendar_id: int | None) -> bool:
        """Return whether the moment lay within business hours, as they are set today."""
        return self._batch.hours.calendar(calendar_id).is_open(self._at)


class Replay:
    """One rule's version played over tickets between two moments."""

    def __init__(self, version: RuleVersion, since: datetime, until: datetime) -> None:
        self.version, self.since, self.until = version, since, until
        self.definition, self.hours = Definition.of(version), Hours()
        self.reach = reach_of_teams(version.team_ids)
        self.is_timed = version.trigger in TIMED
        asked = {one.what for one in self.definition.conditions}
        self.wants_texts = bool(asked & {What.TEXT, What.WORDS})
        self.wants_fields = any(one.field_id is not None for one in self.definition.conditions)

    def play(self, tickets: list[Ticket]) -> Iterator[tuple[Ticket, list[Hit]]]:
        """Yield each ticket the rule would have met, with the moments: four statements a batch at most."""
        batch = self._read(tickets)
        rows = Event.objects.filter(ticket_id__in=list(batch.tickets), at__lte=self.until).only(*COLUMNS)
        for pk, events in groupby(rows.order_by("ticket_id", "id").iterator(2000), key=lambda event: event.ticket_id):
            ticket = batch.tickets.get(pk or 0)
            hits = self.hits(ticket, list(events), batch) if ticket is not None else []
            if ticket is not None and hits:
                yield ticket, hits

    def _read(self, tickets: list[Ticket]) -> Batch:
        categories = {row.key: row for row in Category.objects.all()}
        batch = Batch({ticket.pk: ticket for ticket in tickets}, categories, self.hours)
        if self.wants_texts:
            rows = Message.objects.filter(ticket_id__in=list(batch.tickets), at__lte=self.until).order_by(
                "ticket_id", "seq"
            )
            for pk, seq, author, at, text in rows.values_list("ticket_id", "seq", "author_type", "at", "text").iterator(
                2000
            ):
                batch.texts.setdefault(pk, []).append((seq, author, at, text[:MOST_TEXT]))
        if self.wants_fields:
            values = FieldValue.objects.filter(ticket_id__in=list(batch.tickets))
            for pk, field_id, value in values.values_list("ticket_id", "field_id", "value"):
                batch.fields.setdefault(pk, {})[field_id] = value
        return batch

    def hits(self, ticket: Ticket, events: list[Event], batch: Batch) -> list[Hit]:
        """Return the moments at which the rule would have acted on one ticket, its events given in order."""
        past, found = Past(), []
        chains: set[int] = set()
        causes = {event.pk: event.cause_id for event in events}
        waits = _Waits(self, ticket, batch)
        for group in _together(events):
            if self.is_timed:
                found += waits.before(past, group[0].at)
            before_team = past.team_id
            for event in group:
                past.take(event)
            if self.is_timed:
                continue
            for event in group:
                if self._listens(event, before_team) and self.since <= event.at and not past.is_spam:
                    found += self._hit(ticket, past, batch, event, chains, causes)
        if self.is_timed:
            found += waits.before(past, self.until)
        return found

    def _listens(self, event: Event, before_team: int | None) -> bool:
        if event.kind == "ticket.assigned" and "before_team_id" not in event.data:  # recorded before it was kept
            data = {**event.data, "before_team_id": before_team}
            return self.version.trigger in triggers_of(event.kind, event.actor_type, data)
        return self.version.trigger in triggers_of(event.kind, event.actor_type, event.data)

    def _hit(
        self, ticket: Ticket, past: Past, batch: Batch, event: Event, chains: set[int], causes: dict[int, int | None]
    ) -> Iterable[Hit]:
        held = self.judge(ticket, past, batch, event.at, event.data.get("seq"))
        root = _root(event.pk, causes)
        if held is None or root in chains:
            return []
        chains.add(root)
        return [Hit(event.at, event.pk, None, held, self.steps(past))]

    def judge(self, ticket: Ticket, past: Past, batch: Batch, at: datetime, seq: int | None) -> list[int] | None:
        """Return what judge() says of a past moment, None for a ticket that was not with the rule's teams then."""
        if self.reach is not None and not self.reach.covers(past.team_id, past.shop_id):
            return None
        return judge(self.definition, PastFacts(ticket, past, batch, at, seq))

    def steps(self, past: Past) -> list[str]:
        """Return for each action whether it would have changed something, as far as the log tells."""
        return [str(_would(action, past)) for action in self.definition.actions]


class _Waits:
    """The stretches of time of one ticket's past."""

    def __init__(self, replay: Replay, ticket: Ticket, batch: Batch) -> None:
        self.replay, self.ticket, self.batch = replay, ticket, batch
        self.acted: set[datetime] = set()

    def before(self, past: Past, next_at: datetime) -> list[Hit]:
        """Return the hit that fell due before the next thing happened, if any."""
        replay = self.replay
        since = past.since(replay.version.trigger)
        if since is None or since in self.acted:
            return []
        due_at = replay.hours.due_of(replay.version, since)
        if due_at is None or due_at > next_at or not replay.since <= due_at <= replay.until:
            return []
        self.acted.add(since)
        held = replay.judge(self.ticket, past, self.batch, due_at, None)
        return [] if held is None else [Hit(due_at, None, since, held, replay.steps(past))]


def _together(events: list[Event]) -> Iterator[list[Event]]:
    """Yield events by transaction; history told from outside in one transaction goes by its own times."""
    for _key, group in groupby(
        events, key=lambda event: (event.xid, None if event.origin == Origin.LIVE else event.at)
    ):
        yield list(group)


def _root(event_id: int, causes: dict[int, int | None]) -> int:
    """Return the event a chain of causes began with, as far as this ticket's events tell."""
    for _step in range(16):
        cause = causes.get(event_id)
        if cause is None:
            return event_id
        event_id = cause
    return event_id


def _would(action: Action, past: Past) -> StepState:
    """Say whether an action would have changed a past ticket, or been refused by its status."""
    value = action.value
    if action.do == Do.PRIORITY:
        return StepState.SAME if past.priority == value["priority"] else StepState.DONE
    if action.do == Do.STATUS:
        if past.status == value["status"]:
            return StepState.SAME
        return StepState.DONE if value["status"] in TICKET_TRANSITIONS[past.status] else StepState.FAILED
    if action.do == Do.TEAM:
        return StepState.SAME if past.team_id == value["id"] else StepState.DONE
    if action.do == Do.AGENT:
        return StepState.SAME if past.assignee_id == value["id"] else StepState.DONE
    return StepState.DONE
