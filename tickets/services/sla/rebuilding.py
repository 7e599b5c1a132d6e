"""Make a ticket's clocks from its events: for tickets older than the clocks, for new terms, and to repair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import SYSTEM
from core.calendar import elapsed
from core.events import record
from core.models import Event
from core.snapshot import one_snapshot
from tickets.enums import ACTIVE_STATUSES, ClockKind, ClockState
from tickets.models import SlaClock, SlaPolicy, Ticket
from tickets.services.clocks import KEPT, copy_to_ticket, disown, fact_of, owe_next
from tickets.services.locking import lock_ticket, save_ticket
from tickets.services.sla.pricing import stamp
from tickets.services.sla.replaying import (
    Replayed,
    Turn,
    events_of,
    life_by_row,
    live,
    place_of,
    replay,
    replay_clock,
    standing_of,
)
from tickets.services.sla.terms import Terms, case_of, choose_policy, load_all_terms, load_terms

BATCH = 100
RESHAPED = ("ticket.split", "ticket.took_in", "ticket.let_go")


@dataclass(frozen=True)
class Moved:
    """A clock's deadline, and since when it stands still, before and after new terms."""

    due_before: datetime | None
    paused_before: datetime | None
    due_after: datetime | None
    paused_after: datetime | None

    def was_late(self, now: datetime) -> bool:
        """Say whether the deadline had passed before."""
        return self.due_before is not None and (self.paused_before or now) > self.due_before

    def is_late(self, now: datetime) -> bool:
        """Say whether the deadline has passed now."""
        return self.due_after is not None and (self.paused_after or now) > self.due_after


def build_clocks(ticket: Ticket, *, at: datetime, by_row: bool = False) -> list[SlaClock]:
    """Make the clocks of a locked ticket that has none; what is late already is marked so without telling anyone.

    By its events, or with `by_row` (a part split off, whose messages happened elsewhere) by its row. The caller saves
    the ticket.
    """
    if ticket.policy is None:
        return []
    terms = load_terms(ticket.policy)
    life = live(ticket, events_of([ticket.pk])[ticket.pk])
    if by_row or life.stretches[-1].standing != standing_of(ticket) or life.first_answer_at != ticket.first_response_at:
        life = life_by_row(ticket)
    clocks = [_row(ticket, one, terms, at) for one in replay(life, terms)]
    SlaClock.objects.bulk_create(clocks)
    owe_next(*clocks)
    copy_to_ticket(ticket, clocks)
    return clocks


def _row(ticket: Ticket, one: Replayed, terms: Terms, at: datetime) -> SlaClock:
    clock = SlaClock(ticket=ticket, kind=one.kind, round=one.round, started_at=one.started_at)
    take_over(clock, one, terms)
    clock.breached_at = one.due_at if one.is_late(at) else None
    if one.warn_at is not None and one.warn_at <= (one.met_at or one.paused_at or at):
        clock.warned_at = one.warn_at  # that moment is behind it: whoever had to be told was
    return clock


def take_over(clock: SlaClock, one: Replayed, terms: Terms) -> None:
    """Set a clock as replayed by these terms."""
    stamp(clock, terms)
    clock.target, clock.state = one.target, one.state
    clock.due_at, clock.warn_at = one.due_at, one.warn_at
    clock.paused_at, clock.met_at = one.paused_at, one.met_at


def reprice(ticket: Ticket, terms: Terms, *, events: Iterable[Event], at: datetime) -> list[Moved]:
    """Set the open clocks of a locked ticket by new terms; what was answered or solved keeps its result.

    Returns how each stood and stands. The caller saves the ticket.
    """
    clocks = list(SlaClock.objects.filter(ticket_id=ticket.pk).select_related("policy"))
    life = live(ticket, events)
    moved = []
    for clock in clocks:
        clock.ticket = ticket
        if not clock.is_open:
            continue
        disown(clock)
        before = (clock.due_at, clock.paused_at)
        if terms.target(clock.kind) is None:  # nothing is promised here any more
            clock.state, clock.paused_at = ClockState.DROPPED, None
            stamp(clock, terms)
        else:
            one = replay_clock(life, terms, clock.kind, Turn(clock.started_at, None), clock.round)
            moved.append(Moved(*before, one.due_at, one.paused_at))
            take_over(clock, one, terms)
            _forget_what_moved(clock, one, at)
        clock.generation += 1
        clock.save(update_fields=KEPT)
        owe_next(clock)
    ticket.policy = terms.policy
    copy_to_ticket(ticket, clocks)
    return moved


def renew(ticket: Ticket, *, at: datetime) -> tuple[list[SlaClock], Terms]:
    """Set a locked ticket's open clocks by the terms that hold now, and return all its clocks with them."""
    policy = SlaPolicy.objects.get(pk=ticket.policy_id or 0)  # the one read with the ticket's lock may be older
    terms = load_terms(policy)
    reprice(ticket, terms, events=events_of([ticket.pk])[ticket.pk], at=at)
    return list(SlaClock.objects.filter(ticket_id=ticket.pk).order_by("pk")), terms


def follow_rules(ticket: Ticket, *, at: datetime) -> bool:
    """Choose a locked ticket's policy anew after what the rules look at has changed; return whether it is another.

    Running clocks follow; the caller touches the clocks and saves the ticket.
    """
    policy = choose_policy(case_of(ticket))
    if policy is None or policy.pk == ticket.policy_id:
        return False
    reprice(ticket, load_terms(policy), events=events_of([ticket.pk])[ticket.pk], at=at)
    return True


def _forget_what_moved(clock: SlaClock, one: Replayed, at: datetime) -> None:
    """Let a clock warn and breach again when its new deadline lies ahead."""
    if not one.is_late(at):
        if clock.breached_at is not None:  # what the log said of it holds no more
            data = fact_of(clock, None, at, was_kept=True)
            record("clock.spared", subject=clock, actor=SYSTEM, at=at, data=data)
        clock.breached_at = None
    elif clock.breached_at is not None:
        clock.breached_at = one.due_at
    if one.warn_at is not None and one.warn_at > at:
        clock.warned_at = None


@dataclass(frozen=True)
class Difference:
    """A clock that is not what the events say; `field` names what differs, or missing, surplus."""

    ticket_id: int
    kind: str
    round: int
    field: str


def differences(ticket: Ticket, *, at: datetime) -> list[Difference]:
    """Compare a ticket's kept clocks with its events. A stopped clock is compared by the terms it was priced by.

    Deadlines priced by a version of a policy or calendar that is no more cannot be checked and are not, nor are
    tickets that were split or took others in: part of their life stands in another ticket's log.
    """
    if Event.objects.filter(ticket_id=ticket.pk, kind__in=RESHAPED).exists():
        return []
    clocks = list(SlaClock.objects.filter(ticket_id=ticket.pk).select_related("policy").order_by("started_at", "kind"))
    if ticket.policy is None:
        return []
    by_policy = load_all_terms({clock.policy for clock in clocks} | {ticket.policy})
    life = live(ticket, events_of([ticket.pk])[ticket.pk])
    replayed = {pk: {one.place: one for one in replay(life, terms)} for pk, terms in by_policy.items()}
    found: list[Difference] = []
    met = set()
    for clock in clocks:
        place = place_of(clock.kind, clock.started_at)
        one = replayed[clock.policy_id].get(place)
        met.add(place)
        if clock.state == ClockState.DROPPED:
            continue
        names = ["surplus"] if one is None else _unlike(clock, one, by_policy[clock.policy_id], at)
        found += [Difference(ticket.pk, str(clock.kind), clock.round, name) for name in names]
    ticket_terms = replayed[ticket.policy.pk]
    missing = [one for place, one in ticket_terms.items() if place not in met and _is_owed(one)]
    return found + [Difference(ticket.pk, one.kind, one.round, "missing") for one in missing]


def compare_clocks(*, ticket_id: int, at: datetime) -> list[Difference]:
    """Compare a ticket's kept clocks with its events as both stand at one moment, whatever happens to it meanwhile."""
    with one_snapshot():
        rows = Ticket.objects.select_related("policy").filter(merged_into__isnull=True)
        ticket = rows.filter(pk=ticket_id).first()
        return differences(ticket, at=at) if ticket is not None else []


def _is_owed(one: Replayed) -> bool:
    return one.met_at is None or one.kind != ClockKind.NEXT_RESPONSE


def _unlike(clock: SlaClock, one: Replayed, terms: Terms, at: datetime) -> list[str]:
    names = [name for name in ("state", "met_at") if getattr(clock, name) != getattr(one, name)]
    if names:
        return names
    if (clock.policy_version, clock.calendar_version) != (terms.policy.version, terms.calendar_version):
        return []
    for name in ("due_at", "warn_at"):
        if _left(terms, getattr(clock, name), clock.paused_at) != _left(terms, getattr(one, name), one.paused_at):
            names.append(name)
    return names


def _left(terms: Terms, deadline: datetime | None, paused_at: datetime | None) -> object:
    """Return a deadline, or for one put off by a pause what is left of it: where the pause began is no matter."""
    if deadline is None or paused_at is None or deadline <= paused_at:
        return deadline
    return elapsed(terms.calendar, paused_at, deadline)


@transaction.atomic
def repair_clocks(*, ticket_id: int, at: datetime) -> list[Difference]:
    """Bring a ticket's open clocks into step with its events and owe their due rows; return what differed.

    Nobody is told about what is late already. One that was joined to another meanwhile is let be.
    """
    ticket = lock_ticket(ticket_id, merged_too=True)
    if ticket.policy is None or ticket.merged_into_id is not None:
        return []
    found = differences(ticket, at=at)
    if not SlaClock.objects.filter(ticket_id=ticket_id).exists():
        build_clocks(ticket, at=at)
    elif found:
        terms = load_terms(ticket.policy)
        _close_stopped(ticket, terms)
        reprice(ticket, terms, events=events_of([ticket_id])[ticket_id], at=at)
        _add_missing(ticket, terms, at)
    else:
        for clock in SlaClock.objects.filter(ticket_id=ticket_id, state=ClockState.RUNNING):
            owe_next(clock)  # a due row that was lost is owed again, one that is there stays
        return []
    ticket.version += 1
    save_ticket(ticket)
    return found


def _close_stopped(ticket: Ticket, terms: Terms) -> None:
    """Stop the clocks the events say were stopped, and open a solution they say did not hold."""
    wanted = {one.place: one for one in replay(live(ticket, events_of([ticket.pk])[ticket.pk]), terms)}
    for clock in SlaClock.objects.filter(ticket_id=ticket.pk).select_related("policy"):
        one = wanted.get(place_of(clock.kind, clock.started_at))
        if one is None or clock.state == ClockState.DROPPED or clock.met_at == one.met_at:
            continue
        disown(clock)
        take_over(clock, one, terms)
        clock.breached_at = one.due_at if one.met_at and one.is_late(one.met_at) else clock.breached_at
        clock.generation += 1
        clock.save(update_fields=KEPT)


def _add_missing(ticket: Ticket, terms: Terms, at: datetime) -> None:
    rows = list(SlaClock.objects.filter(ticket_id=ticket.pk))
    known = {place_of(clock.kind, clock.started_at) for clock in rows}
    last = max((clock.round for clock in rows if clock.kind == ClockKind.NEXT_RESPONSE), default=0)
    added = []
    for one in replay(live(ticket, events_of([ticket.pk])[ticket.pk]), terms):
        if one.place in known or not _is_owed(one):
            continue
        clock = _row(ticket, one, terms, at)
        clock.round = last + 1 if one.kind == ClockKind.NEXT_RESPONSE else 1
        added.append(clock)
    SlaClock.objects.bulk_create(added)
    for clock in added:
        owe_next(clock)
    copy_to_ticket(ticket, [*rows, *added])


@transaction.atomic
def build_batch(*, after: int, at: datetime) -> int | None:
    """Build the clocks of a hundred open tickets that have none; return where to go on, None at the end."""
    rows = Ticket.objects.filter(
        pk__gt=after, status__in=ACTIVE_STATUSES, policy__isnull=False, clocks__isnull=True, merged_into__isnull=True
    )
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    for ticket_id in ids:
        ticket = lock_ticket(ticket_id)
        if not ticket.clocks.exists():
            build_clocks(ticket, at=at)
            ticket.version += 1
            save_ticket(ticket)
    return ids[-1] if len(ids) == BATCH else None
