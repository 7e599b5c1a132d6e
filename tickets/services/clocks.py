"""Keep the clocks of a ticket in step with what happens to it.

`follow` is the one way in: a service changes the locked ticket, then calls it once before saving. What each clock
should be doing is read off the ticket, so it does not matter which service came by, or how often.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Q, QuerySet

from core.actors import SYSTEM, Actor
from core.events import Code, record
from core.jobs import Owed, cancel, schedule_many
from core.kept import Kept
from tickets.enums import OPEN_CLOCKS, ClockKind, ClockState
from tickets.events import ClockFact
from tickets.models import SlaClock, Ticket
from tickets.services.locking import dimensions
from tickets.services.sla.pricing import counted, move_over_pause, price
from tickets.services.sla.terms import DONE, Terms, case_of, choose_policy, load_terms
from tickets.slots import TICKET, one_ticket

DUE_JOB = "tickets.clock_due"
WARNING, BREACH = "warning", "breach"
KEPT = (
    "generation", "state", "policy", "policy_version", "calendar_id", "calendar_version", "target", "due_at", "warn_at",
    "paused_at", "met_at", "warned_at", "breached_at",
)  # fmt: skip
_keeping = Kept(one_ticket)


def start_clocks(ticket: Ticket) -> None:
    """Choose the policy of a ticket just stored and start its first two clocks from its opening."""
    policy = choose_policy(case_of(ticket))
    ticket.policy = policy
    if policy is None:
        return
    terms = load_terms(policy)
    started = [
        _new(ticket, kind, 1, ticket.opened_at, terms) for kind in (ClockKind.FIRST_RESPONSE, ClockKind.RESOLUTION)
    ]
    SlaClock.objects.bulk_create(started)
    owe_next(*started)
    copy_to_ticket(ticket, started)


def follow(ticket: Ticket, *, actor: Actor, at: datetime) -> None:
    """Let every clock of the locked, changed ticket do what it should: start, pause, go on or stop.

    A deadline that had passed is written down as missed first, so the log says the same whichever worker came late.
    Clocks priced by older terms are set anew on the way. `save_ticket` calls this and then stores the row, whose
    copies of the deadlines are set here.
    """
    from tickets.services.sla.rebuilding import build_clocks, renew  # they use this module

    if ticket.policy is None:
        return
    known = _keeping.instances("", _in_play, ticket=ticket.pk)
    if not known:
        build_clocks(ticket, at=at)
        return
    terms = load_terms(ticket.policy)
    stale = [clock for clock in known if not terms.priced(clock) and (clock.is_open or _comes_back(clock, ticket))]
    if stale:
        for clock in stale:
            clock.state, clock.paused_at, clock.met_at = ClockState.RUNNING, None, None
            clock.save(update_fields=KEPT)
        known, terms = renew(ticket, at=at)
    Keeper(ticket, known, terms, actor, at).keep()


def _in_play() -> QuerySet[SlaClock]:
    wanted = Q(state__in=OPEN_CLOCKS) | Q(kind__in=[ClockKind.FIRST_RESPONSE, ClockKind.RESOLUTION])
    return SlaClock.objects.filter(wanted, ticket_id=TICKET.sample)


def _comes_back(clock: SlaClock, ticket: Ticket) -> bool:
    """Say whether a solution did not hold."""
    return clock.kind == ClockKind.RESOLUTION and clock.state == ClockState.MET and ticket.status not in DONE


class Keeper:
    """One ticket's clocks during one change."""

    def __init__(self, ticket: Ticket, known: list[SlaClock], terms: Terms, actor: Actor, at: datetime) -> None:
        self.ticket, self.known, self.terms, self.actor, self.at = ticket, known, terms, actor, at
        for clock in known:
            clock.ticket = ticket
            if clock.policy_id == terms.policy.pk:
                clock.policy = terms.policy
        self.is_paused = ticket.merged_into_id is not None or terms.pauses(ticket.status, ticket.is_spam)

    def keep(self) -> None:
        """Bring each clock into the state the ticket asks for; those of a joined ticket stand still."""
        if self.ticket.merged_into_id is not None:
            for clock in self.known:
                self._run_or_pause(clock)
        else:
            self._keep_first()
            self._keep_next()
            self._keep_resolution()
        copy_to_ticket(self.ticket, self.known)

    def _of(self, kind: str) -> SlaClock | None:
        found = [clock for clock in self.known if clock.kind == kind]
        return next((clock for clock in found if clock.is_open), found[-1] if found else None)

    def _keep_first(self) -> None:
        clock = self._of(ClockKind.FIRST_RESPONSE)
        if clock is None or not clock.is_open:
            return
        if self.ticket.first_response_at is not None:
            self._stop(clock, self.ticket.first_response_at)
        else:
            self._run_or_pause(clock)

    def _keep_next(self) -> None:
        clock, turn = self._of(ClockKind.NEXT_RESPONSE), self.ticket.customer_turn_at
        is_wanted = turn is not None and self.ticket.first_response_at is not None
        if clock is not None and clock.is_open:
            if is_wanted:
                self._run_or_pause(clock)
            else:
                self._stop(clock, self.at)
        elif is_wanted and turn is not None and self.terms.target(ClockKind.NEXT_RESPONSE):
            self._begin_turn(turn)

    def _begin_turn(self, turn: datetime) -> None:
        rows = SlaClock.objects.filter(ticket_id=self.ticket.pk, kind=ClockKind.NEXT_RESPONSE)
        last = rows.aggregate(last=Max("round"))["last"] or 0
        clock = _new(self.ticket, ClockKind.NEXT_RESPONSE, last + 1, turn, self.terms)
        clock.save(force_insert=True)
        owe_next(clock)
        self.known.append(clock)

    def _keep_resolution(self) -> None:
        clock = self._of(ClockKind.RESOLUTION)
        if clock is None:
            return
        if self.ticket.status in DONE:
            if clock.is_open:
                self._stop(clock, self.ticket.resolved_at or self.at)
        elif clock.state == ClockState.MET:
            self._run_again(clock)
        else:
            self._run_or_pause(clock)

    def _run_or_pause(self, clock: SlaClock) -> None:
        if self.is_paused and clock.is_running:
            disown(clock)
            note_breach(clock, self.at)
            clock.state, clock.paused_at = ClockState.PAUSED, self.at
            self._save(clock)
        elif not self.is_paused and clock.state == ClockState.PAUSED and clock.paused_at is not None:
            move_over_pause(clock, self.terms, clock.paused_at, self.at)
            clock.state, clock.paused_at = ClockState.RUNNING, None
            self._save(clock)
            owe_next(clock)

    def _run_again(self, clock: SlaClock) -> None:
        """Take a solution back that did not hold: the time since it does not count."""
        if clock.met_at is None:
            return
        move_over_pause(clock, self.terms, clock.met_at, self.at)
        clock.met_at = None
        clock.state = ClockState.PAUSED if self.is_paused else ClockState.RUNNING
        clock.paused_at = self.at if self.is_paused else None
        self._save(clock)
        owe_next(clock)

    def _stop(self, clock: SlaClock, stopped_at: datetime) -> None:
        """Stop a clock by what it waited for, and say whether that was in time."""
        if clock.paused_at is not None:
            move_over_pause(clock, self.terms, clock.paused_at, stopped_at)
        else:
            disown(clock)
        clock.state, clock.paused_at, clock.met_at = ClockState.MET, None, stopped_at
        note_breach(clock, stopped_at)
        self._save(clock)
        was_kept = clock.breached_at is None
        record("clock.met", subject=clock, actor=self.actor, at=stopped_at,
               data=fact_of(clock, self.terms, stopped_at, was_kept=was_kept))  # fmt: skip

    def _save(self, clock: SlaClock) -> None:
        clock.generation += 1
        clock.save(update_fields=KEPT)


def _new(ticket: Ticket, kind: str, round_: int, started_at: datetime, terms: Terms) -> SlaClock:
    clock = SlaClock(ticket=ticket, kind=kind, round=round_, started_at=started_at)
    price(clock, terms, terms.target(kind) or 1)
    if terms.pauses(ticket.status, ticket.is_spam):
        clock.state, clock.paused_at = ClockState.PAUSED, started_at
    return clock


def note_breach(clock: SlaClock, at: datetime) -> bool:
    """Write down, once, that a deadline had passed by a moment; return whether that was news."""
    if clock.breached_at is not None or clock.due_at is None or at <= clock.due_at:
        return False
    clock.breached_at = clock.due_at
    data = fact_of(clock, None, clock.due_at, was_kept=False)
    record("clock.breached", subject=clock, actor=SYSTEM, at=clock.due_at, data=data)
    return True


def fact_of(clock: SlaClock, terms: Terms | None, at: datetime, *, was_kept: bool) -> ClockFact:
    """Return what the log keeps about a clock at a moment; without terms, at its deadline."""
    seconds = counted(clock, terms.calendar, at).total_seconds() if terms else clock.target
    return ClockFact(
        **dimensions(clock.ticket),
        clock=Code(str(clock.kind)),
        round=clock.round,
        policy_id=clock.policy_id,
        target=clock.target,
        seconds=int(seconds),
        plain=max(0, int((at - clock.started_at).total_seconds())),
        is_business_time=clock.policy.is_business_time,
        was_kept=was_kept,
    )


def owe_next(*clocks: SlaClock) -> None:
    """Owe what each running clock does next: its warning, or its breach."""
    schedule_many([owed for clock in clocks if (owed := _next(clock)) is not None])


def _next(clock: SlaClock) -> Owed | None:
    if not clock.is_running or clock.due_at is None or clock.breached_at is not None:
        return None
    warns = clock.warned_at is None and clock.warn_at is not None
    point, due_at = (WARNING, clock.warn_at) if warns else (BREACH, clock.due_at)
    assert due_at is not None
    payload = {"ticket_id": clock.ticket_id, "clock_id": clock.pk, "generation": clock.generation, "point": point}
    return Owed(DUE_JOB, _key(clock, point), due_at, payload=payload)


def disown(clock: SlaClock) -> None:
    """Take back what a clock owes; a row already being worked on finds another generation and does nothing."""
    if clock.breached_at is None:
        warns = clock.warned_at is None and clock.warn_at is not None
        cancel(DUE_JOB, _key(clock, WARNING if warns else BREACH))


def _key(clock: SlaClock, point: str) -> str:
    return f"{clock.pk}:{clock.generation}:{point}"


def copy_to_ticket(ticket: Ticket, clocks: list[SlaClock]) -> None:
    """Copy deadlines to the ticket's row, which lists and counts read."""
    running = [clock for clock in clocks if clock.is_running and clock.due_at is not None]
    ticket.next_due_at = min((clock.due_at for clock in running if clock.due_at), default=None)
    ticket.warn_at = min((clock.warn_at for clock in running if clock.warn_at), default=None)
    turn = next((c for c in clocks if c.kind == ClockKind.NEXT_RESPONSE and c.is_open), None)
    ticket.next_response_due_at = turn.due_at if turn else None
    for clock in clocks:
        if clock.kind == ClockKind.FIRST_RESPONSE:
            ticket.first_response_due_at = clock.due_at
        elif clock.kind == ClockKind.RESOLUTION:
            ticket.resolution_due_at = clock.due_at
