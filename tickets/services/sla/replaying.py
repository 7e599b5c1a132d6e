"""Work out a ticket's clocks from its events alone: what the kept rows must agree with.

Pauses are collected first and each deadline is then reached once from the clock's start, while
`tickets.services.clocks` moves deadlines step by step. The two ways share the calendar's arithmetic and nothing else;
tests hold them together, and repair, previews and new terms use this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.calendar import Pause
from core.models import Event
from tickets.enums import ClockKind, ClockState, TicketStatus
from tickets.models import Ticket
from tickets.services.sla.pricing import reach
from tickets.services.sla.terms import DONE, Terms

MATTERS = (
    "message.received", "message.sent", "ticket.status_changed", "ticket.resolved", "ticket.reopened", "ticket.closed",
    "ticket.marked_spam", "ticket.unmarked_spam", "ticket.merged", "ticket.unmerged",
)  # fmt: skip
MACHINES = ("bot", "rule")


@dataclass(frozen=True)
class Standing:
    """How a ticket stands, as far as clocks care."""

    status: str
    is_spam: bool = False
    is_merged: bool = False

    def pause_reason(self, terms: Terms) -> str:
        """Return why clocks stand still by these terms, "" when they run."""
        return "merged" if self.is_merged else terms.pause_reason(self.status, self.is_spam)


@dataclass(frozen=True)
class Stretch:
    """Some time of a ticket's life in which it stood one way; `until` None = still."""

    since: datetime
    until: datetime | None
    standing: Standing


@dataclass(frozen=True)
class Turn:
    """Some time a clock runs through: what the customer waited for, until it was there."""

    since: datetime
    until: datetime | None


@dataclass
class Life:
    """A ticket's life as far as clocks care; `turns` are those after the first reply."""

    opened_at: datetime
    stretches: list[Stretch] = field(default_factory=list)
    first_answer_at: datetime | None = None
    turns: list[Turn] = field(default_factory=list)

    def pauses(self, terms: Terms, *, after: datetime | None = None) -> list[tuple[Pause, str]]:
        """Return when and why clocks stood still by these terms; stretches that meet for one reason are joined."""
        found: list[tuple[Pause, str]] = []
        for stretch in self.stretches:
            reason = stretch.standing.pause_reason(terms)
            if not reason or stretch.since == stretch.until:
                continue
            if found and found[-1][0][1] == stretch.since and found[-1][1] == reason:
                found[-1] = ((found[-1][0][0], stretch.until), reason)
            else:
                found.append(((stretch.since, stretch.until), reason))
        return [one for one in found if after is None or one[0][1] is None or one[0][1] > after]

    @property
    def solved_at(self) -> datetime | None:
        """Return since when the ticket is done, None when it is not."""
        since = None
        for stretch in reversed(self.stretches):
            if stretch.standing.status not in DONE:
                break
            since = stretch.since
        return since


@dataclass(frozen=True)
class Replayed:
    """A clock as the events say it should be; fields as in SlaClock. Missed: its deadline passed before it stopped."""

    kind: str
    round: int
    started_at: datetime
    target: int
    state: str
    due_at: datetime | None
    warn_at: datetime | None
    paused_at: datetime | None
    met_at: datetime | None

    @property
    def place(self) -> tuple[str, datetime | None]:
        """Return what tells a ticket's clocks apart: next replies by when their turn began."""
        return place_of(self.kind, self.started_at)

    def is_late(self, now: datetime) -> bool:
        """Say whether the deadline had passed when it stopped or stood still, or has by now."""
        until = self.met_at or self.paused_at or now
        return self.due_at is not None and until > self.due_at


def place_of(kind: str, started_at: datetime) -> tuple[str, datetime | None]:
    """Return what tells a ticket's clocks apart, whatever their numbers."""
    return str(kind), started_at if kind == ClockKind.NEXT_RESPONSE else None


def live(ticket: Ticket, events: Iterable[Event]) -> Life:
    """Return a ticket's life from its events in order of their ids."""
    rows = [event for event in events if event.kind in MATTERS]
    marks = [event for event in rows if event.kind in {"ticket.marked_spam", "ticket.unmarked_spam"}]
    was_spam = marks[0].kind == "ticket.unmarked_spam" if marks else ticket.is_spam
    life = Life(ticket.opened_at)
    since, stands = ticket.opened_at, Standing(TicketStatus.NEW.value, was_spam)
    turn: datetime | None = ticket.opened_at
    for event in rows:
        turn = _turn(life, event, turn)
        after = _after(event, stands)
        if after != stands:
            life.stretches.append(Stretch(since, event.at, stands))
            since, stands = event.at, after
    life.stretches.append(Stretch(since, None, stands))
    if turn is not None and life.first_answer_at is not None:
        life.turns.append(Turn(turn, None))
    return life


def _turn(life: Life, event: Event, turn: datetime | None) -> datetime | None:
    """Return since when the customer waits after an event, None when answered."""
    if event.kind == "message.received":
        return turn or event.at
    if event.kind != "message.sent" or event.actor_type in MACHINES:
        return turn
    is_first, ends_turn = bool(event.data.get("is_first")), event.data.get("turn_seconds") is not None
    if is_first:
        life.first_answer_at = event.at
    elif ends_turn and turn is not None:
        life.turns.append(Turn(turn, event.at))
    return None if ends_turn else turn


def _after(event: Event, stands: Standing) -> Standing:
    match event.kind:
        case "ticket.marked_spam" | "ticket.unmarked_spam":
            return replace(stands, is_spam=event.kind == "ticket.marked_spam")
        case "ticket.merged" | "ticket.unmerged":
            return replace(stands, is_merged=event.kind == "ticket.merged")
        case "ticket.resolved":
            return replace(stands, status=TicketStatus.RESOLVED.value)
        case "ticket.closed":
            return replace(stands, status=TicketStatus.CLOSED.value)
        case "ticket.reopened":
            return replace(stands, status=TicketStatus.OPEN.value)
        case "ticket.status_changed":
            return replace(stands, status=str(event.data.get("after") or stands.status))
    return stands


def standing_of(ticket: Ticket) -> Standing:
    """Return how a ticket's row stands."""
    return Standing(str(ticket.status), ticket.is_spam, ticket.merged_into_id is not None)


def life_by_row(ticket: Ticket) -> Life:
    """Return what a ticket's row alone tells of its life: for one whose log begins later than it does."""
    life = Life(ticket.opened_at, first_answer_at=ticket.first_response_at)
    turned_at = ticket.waiting_since or ticket.resolved_at
    if turned_at is not None and turned_at > ticket.opened_at:
        life.stretches.append(Stretch(ticket.opened_at, turned_at, Standing(TicketStatus.OPEN.value)))
    life.stretches.append(Stretch(turned_at or ticket.opened_at, None, standing_of(ticket)))
    if ticket.customer_turn_at is not None and ticket.first_response_at is not None:
        life.turns.append(Turn(ticket.customer_turn_at, None))
    return life


def replay(life: Life, terms: Terms) -> list[Replayed]:
    """Return every clock a ticket had by these terms, in the order of their kinds."""
    found = [replay_clock(life, terms, ClockKind.FIRST_RESPONSE, Turn(life.opened_at, life.first_answer_at))]
    if terms.target(ClockKind.NEXT_RESPONSE):
        turns = enumerate(life.turns, start=1)
        found += [replay_clock(life, terms, ClockKind.NEXT_RESPONSE, turn, n) for n, turn in turns]
    return [*found, replay_clock(life, terms, ClockKind.RESOLUTION, Turn(life.opened_at, life.solved_at))]


def replay_clock(life: Life, terms: Terms, kind: str, turn: Turn, round_: int = 1) -> Replayed:
    """Return one clock over a turn, by these terms and the pauses of the ticket's life."""
    target = terms.target(kind) or 1
    ended, paused_at = _clip([pause for pause, _reason in life.pauses(terms)], turn)
    state = ClockState.MET if turn.until else ClockState.PAUSED if paused_at else ClockState.RUNNING
    return Replayed(
        kind=str(kind),
        round=round_,
        started_at=turn.since,
        target=target,
        state=str(state),
        due_at=reach(terms.calendar, turn.since, timedelta(seconds=target), ended),
        warn_at=reach(terms.calendar, turn.since, terms.warning(target), ended),
        paused_at=paused_at,
        met_at=turn.until,
    )


def _clip(pauses: Sequence[Pause], turn: Turn) -> tuple[list[Pause], datetime | None]:
    """Return the pauses inside a clock's life that have ended, and since when one still goes on."""
    ended: list[Pause] = []
    open_since: datetime | None = None
    for since, until in pauses:
        if turn.until is not None and since >= turn.until:
            break
        if until is None and turn.until is None:
            open_since = max(since, turn.since)
            continue
        stop = until if turn.until is None or (until is not None and until < turn.until) else turn.until
        if stop is not None and stop > turn.since:
            ended.append((max(since, turn.since), stop))
    while open_since is not None and ended and ended[-1][1] == open_since:  # one pause, for several reasons
        open_since = ended.pop()[0]
    return ended, open_since


def events_of(ticket_ids: Iterable[int]) -> dict[int, list[Event]]:
    """Return what clocks care about of several tickets, in one statement, in causal order."""
    found: dict[int, list[Event]] = {pk: [] for pk in ticket_ids}
    rows = Event.objects.filter(ticket_id__in=list(found), kind__in=MATTERS).order_by("id")
    for event in rows.only("id", "kind", "at", "actor_type", "ticket_id", "data"):
        if event.ticket_id is not None:
            found[event.ticket_id].append(event)
    return found
