"""By which terms a ticket's clocks count: the policy chosen by rule, and its calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet

from core.calendar import BusinessCalendar
from core.calendar.selectors import calendar_rows, calendar_value, plain_default
from core.kept import Kept
from tickets.enums import ClockKind, TicketStatus
from tickets.models import SlaClock, SlaPolicy, Ticket

PLAIN = BusinessCalendar.around_the_clock("UTC")
_choosing = Kept(tuple)
DONE = frozenset({TicketStatus.RESOLVED.value, TicketStatus.CLOSED.value})


@dataclass(frozen=True)
class Terms:
    """A policy with the calendar it counts in; the versions say by what a clock was priced."""

    policy: SlaPolicy
    calendar: BusinessCalendar
    calendar_id: int | None = None
    calendar_version: int = 0

    def target(self, kind: str) -> int | None:
        """Return the seconds promised for a kind of clock, None when nothing is promised."""
        minutes = {
            ClockKind.FIRST_RESPONSE.value: self.policy.first_response_minutes,
            ClockKind.NEXT_RESPONSE.value: self.policy.next_response_minutes,
            ClockKind.RESOLUTION.value: self.policy.resolution_minutes,
        }[str(kind)]
        return minutes * 60 if minutes else None

    def warning(self, target: int) -> timedelta:
        """Return after how much of a target its clock warns."""
        return timedelta(seconds=target * self.policy.warn_percent // 100)

    def priced(self, clock: SlaClock) -> bool:
        """Say whether a clock was set by exactly these terms."""
        stamp = (clock.policy_id, clock.policy_version, clock.calendar_id, clock.calendar_version)
        return stamp == (self.policy.pk, self.policy.version, self.calendar_id, self.calendar_version)

    def pauses(self, status: str, is_spam: bool) -> bool:
        """Say whether clocks stand still in this status."""
        return bool(self.pause_reason(status, is_spam))

    def pause_reason(self, status: str, is_spam: bool) -> str:
        """Return why clocks stand still: spam, done or the status waited in; "" when they run."""
        if is_spam:
            return "spam"
        if status in DONE:
            return "done"
        if status == TicketStatus.WAITING_CUSTOMER:
            return "waiting_customer"
        if status == TicketStatus.WAITING_DEPARTMENT and self.policy.pauses_for_department:
            return "waiting_department"
        return ""


def load_terms(policy: SlaPolicy) -> Terms:
    """Return a policy's terms: one statement for its calendar when it counts business time, none otherwise."""
    return next(iter(load_all_terms([policy]).values()))


def load_all_terms(policies: Iterable[SlaPolicy]) -> dict[int, Terms]:
    """Return the terms of several policies by id, their calendars in one statement."""
    wanted = list(policies)
    timed = [policy for policy in wanted if policy.is_business_time]
    ids = {policy.calendar_id for policy in timed if policy.calendar_id is not None}
    needs_default = any(policy.calendar_id is None for policy in timed)
    rows = calendar_rows(ids, with_default=needs_default) if timed else []
    by_id = {row.pk: row for row in rows}
    default = next((row for row in rows if row.is_default), None)
    found = {}
    for policy in wanted:
        if not policy.is_business_time:
            found[policy.pk] = Terms(policy, PLAIN)
            continue
        row = by_id.get(policy.calendar_id) if policy.calendar_id is not None else default
        value = calendar_value(row) if row else plain_default()
        found[policy.pk] = Terms(policy, value, row.pk if row else None, row.version if row else 0)
    return found


@dataclass(frozen=True)
class Case:
    """What of a ticket the rules look at."""

    category_ids: frozenset[int] = frozenset()  # the category and the one above it
    stage: str = ""
    priority: int = 20
    tier: str = ""
    channel: str = ""
    shop_id: int | None = None


def case_of(ticket: Ticket) -> Case:
    """Return what the rules look at, asking the database nothing when category and customer are loaded."""
    category = ticket.category
    ids = {category.pk, category.parent_id} - {None} if category else set()
    return Case(
        category_ids=frozenset(pk for pk in ids if pk is not None),
        stage=category.stage if category else "",
        priority=ticket.priority,
        tier=ticket.customer.tier if ticket.customer else "",
        channel=str(ticket.channel),
        shop_id=ticket.shop_id,
    )


def choose_policy(case: Case) -> SlaPolicy | None:
    """Return the first policy in order whose conditions all hold, else the default one. One statement."""
    return first_fitting(_choosing.instances("", _in_order), case)


def _in_order() -> QuerySet[SlaPolicy]:
    return SlaPolicy.objects.filter(is_active=True).order_by("is_default", "position", "pk")


def first_fitting(policies: Iterable[SlaPolicy], case: Case) -> SlaPolicy | None:
    """Return the first of the ordered policies that fits; a default one always does."""
    return next((policy for policy in policies if policy.is_default or fits(policy, case)), None)


def fits(policy: SlaPolicy, case: Case) -> bool:
    """Say whether all of a policy's conditions hold; an empty one always holds."""
    checks = (
        (policy.category_ids, bool(case.category_ids & set(policy.category_ids))),
        (policy.stages, case.stage in policy.stages),
        (policy.priorities, case.priority in policy.priorities),
        (policy.tiers, case.tier in policy.tiers),
        (policy.channels, case.channel in policy.channels),
        (policy.shop_ids, case.shop_id in policy.shop_ids),
    )
    return all(holds for wanted, holds in checks if wanted)
