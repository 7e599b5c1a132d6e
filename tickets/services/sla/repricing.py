"""New terms for running clocks: what they would do, and then doing it in batches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from core.calendar.impact import NewHours
from core.calendar.selectors import calendar_rows
from core.jobs import schedule
from core.live import announce
from tickets.enums import OPEN_CLOCKS
from tickets.models import RepriceRun, SlaClock, SlaPolicy, Ticket
from tickets.services.locking import lock_ticket, save_ticket
from tickets.services.sla.rebuilding import Moved, reprice
from tickets.services.sla.replaying import Turn, events_of, live, replay_clock
from tickets.services.sla.terms import Terms, load_all_terms, load_terms

REPRICE_JOB = "tickets.reprice_clocks"
BATCH = 50
MOST_PREVIEWED = 5000
LAST_LOOK = timedelta(seconds=15)  # longer than any transaction that began under the old terms may take


@dataclass(frozen=True)
class Preview:
    """What new terms would do to running clocks; `looked` of `total` tickets were looked at, the newest."""

    looked: int = 0
    total: int = 0
    clocks: int = 0
    earlier: int = 0
    later: int = 0
    overdue_before: int = 0
    overdue_after: int = 0

    @property
    def moved(self) -> int:
        """Return how many deadlines would move."""
        return self.earlier + self.later

    def plus(self, moved: Moved, now: datetime) -> Preview:
        """Return this with one more clock counted."""
        before, after = moved.due_before, moved.due_after
        return replace(
            self,
            clocks=self.clocks + 1,
            earlier=self.earlier + (after is not None and (before is None or after < before)),
            later=self.later + (before is not None and (after is None or after > before)),
            overdue_before=self.overdue_before + moved.was_late(now),
            overdue_after=self.overdue_after + moved.is_late(now),
        )


def preview_terms(wanted: Mapping[int, Terms], *, at: datetime) -> Preview:
    """Return what would happen to the running clocks of these policies, by id, under new terms. Writes nothing."""
    open_clocks = SlaClock.objects.filter(state__in=OPEN_CLOCKS, policy_id__in=list(wanted), ticket__is_spam=False)
    newest = open_clocks.order_by("-ticket_id").values_list("ticket_id", flat=True).distinct()
    ids = list(newest[: MOST_PREVIEWED + 1])
    total = newest.count() if len(ids) > MOST_PREVIEWED else len(ids)
    ids = ids[:MOST_PREVIEWED]
    found = Preview(looked=len(ids), total=total)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        found = _previewed(found, part, wanted, at)
    return found


def _previewed(found: Preview, ids: list[int], wanted: Mapping[int, Terms], at: datetime) -> Preview:
    events = events_of(ids)
    tickets = {row.pk: row for row in Ticket.objects.filter(pk__in=ids).only("pk", "opened_at", "is_spam")}
    lives = {pk: live(ticket, events[pk]) for pk, ticket in tickets.items()}
    rows = SlaClock.objects.filter(ticket_id__in=ids, state__in=OPEN_CLOCKS, policy_id__in=list(wanted))
    for clock in rows:
        terms, life = wanted[clock.policy_id], lives[clock.ticket_id]
        if terms.target(clock.kind) is None:
            continue
        one = replay_clock(life, terms, clock.kind, Turn(clock.started_at, None), clock.round)
        found = found.plus(Moved(clock.due_at, clock.paused_at, one.due_at, one.paused_at), at)
    return found


def preview_policy(policy: SlaPolicy, *, at: datetime) -> Preview:
    """Return what an unsaved policy would do to the clocks that hang on it."""
    return preview_terms({policy.pk: load_terms(policy)}, at=at)


def preview_calendars(changes: Iterable[NewHours], *, at: datetime) -> Preview:
    """Return what unsaved calendars would do together to the clocks counting in them."""
    wanted: dict[int, Terms] = {}
    for one in changes:
        policies = policies_counting_in(one.calendar_id, is_default=one.is_default)
        wanted |= {row.pk: Terms(row, one.value, one.calendar_id) for row in policies}
    return preview_terms(wanted, at=at)


def policies_counting_in(calendar_id: int | None, *, is_default: bool) -> QuerySet[SlaPolicy]:
    """Return the policies in business time that use a calendar, by name or because it is the default one."""
    mine = Q(calendar_id=calendar_id) if calendar_id is not None else Q(pk__in=[])
    return SlaPolicy.objects.filter(mine | Q(calendar_id__isnull=True) if is_default else mine, is_business_time=True)


@transaction.atomic
def owe_reprice(*, policies: Iterable[SlaPolicy], at: datetime, calendar_id: int | None = None) -> RepriceRun | None:
    """Owe new deadlines to the running clocks of these policies that were priced otherwise; None when none was."""
    wanted = list(policies)
    total = _stale(load_all_terms(wanted)).values("ticket_id").distinct().count() if wanted else 0
    if not wanted:
        return None
    run = RepriceRun.objects.create(
        policy_ids=[row.pk for row in wanted], calendar_id=calendar_id, total=total, started_at=at
    )
    _owe_part(run, 1, at)
    return run


def _owe_part(run: RepriceRun, part: int, due_at: datetime, *, is_last: bool = False) -> None:
    payload = {"run_id": run.pk, "part": part, "is_last": is_last}
    schedule(REPRICE_JOB, key=f"{run.pk}:{part}", due_at=due_at, payload=payload)


def _stale(terms: Mapping[int, Terms]) -> QuerySet[SlaClock]:
    """Return the open clocks not priced by these terms."""
    unlike = Q(pk__in=[])
    for pk, one in terms.items():
        calendar = Q(calendar_id=one.calendar_id) if one.calendar_id is not None else Q(calendar_id__isnull=True)
        fresh = calendar & Q(policy_version=one.policy.version, calendar_version=one.calendar_version)
        unlike |= Q(policy_id=pk) & ~fresh
    return SlaClock.objects.filter(unlike, state__in=OPEN_CLOCKS)


@transaction.atomic
def reprice_part(*, run_id: int, part: int, is_last: bool, at: datetime) -> None:
    """Set the clocks of up to fifty tickets anew and owe the next part.

    The last look comes some seconds later: it finds tickets opened under the old terms in transactions that were still
    under way.
    """
    run = RepriceRun.objects.select_for_update(no_key=True).filter(pk=run_id).first()
    if run is None:
        return
    terms = load_all_terms(SlaPolicy.objects.filter(pk__in=run.policy_ids))
    stale = _stale(terms).order_by("ticket_id").values_list("ticket_id", flat=True).distinct()
    ids = list(stale[:BATCH])
    counted = Preview()
    for ticket_id in ids:
        counted = _repriced(counted, ticket_id, terms, at)
    run.done_count += len(ids)
    run.total = max(run.total, run.done_count)
    run.earlier_count += counted.earlier
    run.later_count += counted.later
    run.overdue_before += counted.overdue_before
    run.overdue_after += counted.overdue_after
    if len(ids) == BATCH:
        _owe_part(run, part + 1, at, is_last=is_last)
    elif not is_last:
        run.finished_at = max(at, run.started_at)
        _owe_part(run, part + 1, at + LAST_LOOK, is_last=True)
    run.save()
    announce("clocks", "reprice", run.pk, run.done_count)


def _repriced(found: Preview, ticket_id: int, terms: Mapping[int, Terms], at: datetime) -> Preview:
    ticket = lock_ticket(ticket_id, merged_too=True)
    if ticket.policy is None:
        return found
    events = events_of([ticket_id])[ticket_id]  # read under the lock: a reply may have come just before
    for moved in reprice(ticket, terms.get(ticket.policy.pk) or load_terms(ticket.policy), events=events, at=at):
        found = found.plus(moved, at)
    ticket.version += 1
    save_ticket(ticket)
    return found


def owe_for_calendar(*, calendar_id: int, at: datetime) -> RepriceRun | None:
    """Owe new deadlines after a calendar changed, or became the default one."""
    rows = calendar_rows([calendar_id])
    if not rows:
        return None
    policies = policies_counting_in(calendar_id, is_default=rows[0].is_default)
    return owe_reprice(policies=policies, at=at, calendar_id=calendar_id)
