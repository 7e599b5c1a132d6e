"""Why a clock is due when it is: start, target, pauses, hours and holidays, and the result, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext, pgettext

from core.calendar import BusinessCalendar, DeadlineUnreachable, Pause, elapsed, explain, lines_of
from core.calendar.selectors import default_calendar
from core.calendar.words import day_name, length_name
from tickets.enums import ClockKind, ClockState, TicketStatus
from tickets.models import SlaClock, Ticket
from tickets.selectors.sla import Names, conditions_in_words, names_for_policies
from tickets.services.sla.pricing import reach
from tickets.services.sla.replaying import Life, events_of, live
from tickets.services.sla.terms import PLAIN, Terms, load_all_terms

CALCULATED = {ClockState.RUNNING, ClockState.PAUSED, ClockState.MET}


@dataclass(frozen=True)
class PauseLine:
    """One stretch in which the clock stood still, and why."""

    since: datetime
    until: datetime | None
    reason: str
    length: str


@dataclass
class ClockStory:
    """One clock told in full: `lines` is the arithmetic, `beside` the time counted the other way."""

    clock: SlaClock
    title: str
    target: str
    mode: str
    policy: str
    calendar: str
    conditions: list[tuple[str, str]]
    pauses: list[PauseLine] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    beside: str = ""
    is_repriced: bool = False


def explain_clocks(ticket: Ticket, *, now: datetime, language: str) -> list[ClockStory]:
    """Return the story of each clock, open ones first. A bounded number of statements, whatever happened."""
    clocks = list(SlaClock.objects.filter(ticket_id=ticket.pk).select_related("policy").order_by("-started_at", "kind"))
    clocks = [clock for clock in clocks if clock.state in CALCULATED]
    clocks.sort(key=lambda clock: (not clock.is_open, list(ClockKind).index(ClockKind(clock.kind))))
    if not clocks:
        return []
    terms = load_all_terms({clock.policy for clock in clocks})
    life = live(ticket, events_of([ticket.pk])[ticket.pk])
    names, office = names_for_policies(language), default_calendar()
    return [_story(clock, terms[clock.policy_id], life, names, office, now) for clock in clocks]


def _story(
    clock: SlaClock, terms: Terms, life: Life, names: Names, office: BusinessCalendar, now: datetime
) -> ClockStory:
    policy = clock.policy
    pauses = _pauses(clock, terms, life, now)
    zone = office if terms.calendar is PLAIN else terms.calendar
    shown = BusinessCalendar.around_the_clock(zone.tz) if terms.calendar is PLAIN else terms.calendar
    story = ClockStory(
        clock=clock,
        title=_title(clock),
        target=length_name(clock.length),
        mode=gettext("business hours") if policy.is_business_time else gettext("day and night"),
        policy=policy.name,
        calendar=terms.calendar.name if policy.is_business_time else "",
        conditions=[] if policy.is_default else conditions_in_words(policy, names),
        pauses=pauses,
        is_repriced=clock.policy_version != policy.version or clock.calendar_version != terms.calendar_version,
    )
    ended = [(one.since, one.until) for one in pauses if one.until is not None]
    try:
        told = explain(shown, clock.started_at, target=clock.length, pauses=ended)
    except DeadlineUnreachable:
        story.lines = [gettext("With these hours it would not be due within ten years.")]
        return story
    story.lines = lines_of(told)
    if clock.due_at is not None and told.end != clock.due_at:  # priced by hours that are no more: the row is what holds
        story.is_repriced = True
        story.lines = lines_of(explain(shown, clock.started_at, end=max(clock.due_at, clock.started_at), pauses=ended))
    story.beside = _beside(clock, office, ended)
    return story


def _title(clock: SlaClock) -> str:
    if clock.kind == ClockKind.NEXT_RESPONSE:
        return gettext("Next reply %(round)s") % {"round": clock.round}
    return str(ClockKind(clock.kind).label)


def _pauses(clock: SlaClock, terms: Terms, life: Life, now: datetime) -> list[PauseLine]:
    """Return the pauses inside a clock's life; one that goes on has no end."""
    words = {
        "spam": gettext("Spam"),
        "merged": gettext("Joined with another ticket"),
        "done": str(TicketStatus.RESOLVED.label),
        "waiting_customer": str(TicketStatus.WAITING_CUSTOMER.label),
        "waiting_department": str(TicketStatus.WAITING_DEPARTMENT.label),
    }
    found = []
    for (since, until), reason in life.pauses(terms, after=clock.started_at):
        if clock.met_at is not None and since >= clock.met_at:
            break
        begins = max(since, clock.started_at)
        ends = min(until or clock.met_at, clock.met_at) if clock.met_at is not None else until
        length = length_name((ends or max(now, begins)) - begins)
        found.append(PauseLine(begins, ends, words.get(reason, reason), length))
    return found


def _beside(clock: SlaClock, office: BusinessCalendar, ended: Sequence[Pause]) -> str:
    """Return the same stretch counted the other way: business hours beside plain time, plain beside business."""
    if clock.due_at is None or clock.due_at < clock.started_at:
        return ""
    if clock.policy.is_business_time:
        plain = elapsed(PLAIN, clock.started_at, clock.due_at, ended)
        return gettext("Counted day and night that is %(length)s.") % {"length": length_name(plain)}
    business = elapsed(office, clock.started_at, clock.due_at, ended)
    by_office = reach(office, clock.started_at, clock.length, ended)
    words = gettext("In business hours (%(calendar)s) that is %(length)s.") % {
        "calendar": office.name or pgettext("calendar", "none set"),
        "length": length_name(business),
    }
    if by_office is None:
        return words
    there = by_office.astimezone(office.zone)
    moment = f"{day_name(there.date())} {there:%H:%M}"
    return " ".join([words, gettext("Counted in business hours it would be due %(moment)s.") % {"moment": moment}])
