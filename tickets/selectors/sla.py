"""Read policies, their conditions in words, and how far new terms have come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext, pgettext

from core.calendar.selectors import calendars
from customers.enums import Tier
from orders.models import Shop
from tickets.enums import ACTIVE_STATUSES, OPEN_CLOCKS, Channel, ClockKind, Priority, Stage, TicketStatus
from tickets.models import Category, RepriceRun, SlaPolicy, Ticket

ACTIVE = [status.value for status in ACTIVE_STATUSES]
DONE = frozenset({TicketStatus.RESOLVED.value, TicketStatus.CLOSED.value})


def policies() -> QuerySet[SlaPolicy]:
    """Return the policies in the order they are asked, the default last, with the open tickets each holds."""
    running = (
        Ticket.objects.filter(policy_id=OuterRef("pk"), status__in=ACTIVE)
        .order_by()
        .values("policy_id")
        .annotate(n=Count("pk"))
    )
    found = SlaPolicy.objects.annotate(running=Coalesce(Subquery(running.values("n")), 0)).select_related("breach_team")
    return found.order_by("is_default", "-is_active", "position", "pk")


def runs_under_way() -> QuerySet[RepriceRun]:
    """Return the runs not finished yet and the newest finished one, newest first."""
    newest = RepriceRun.objects.filter(finished_at__isnull=False).order_by("-pk").values("pk")[:1]
    return RepriceRun.objects.filter(Q(finished_at__isnull=True) | Q(pk__in=newest)).order_by(F("pk").desc())


def tickets_with_clocks(ids: Iterable[int] = ()) -> QuerySet[Ticket]:
    """Return tickets whose clocks can be checked: those named, else all with an open clock or that should have one."""
    rows = Ticket.objects.select_related("policy", "customer", "category").filter(
        policy__isnull=False, merged_into__isnull=True
    )
    wanted = list(ids)
    if wanted:
        return rows.filter(pk__in=wanted).order_by("pk")
    return rows.filter(Q(status__in=ACTIVE) | Q(clocks__state__in=OPEN_CLOCKS)).distinct().order_by("pk")


@dataclass(frozen=True)
class NearestClock:
    """The one clock of a ticket to look at; its ring turns amber at the warning point."""

    label: str
    due_at: datetime
    started_at: datetime
    stopped_at: datetime | None = None
    is_paused: bool = False


def ring_start(due_at: datetime, warn_at: datetime | None, started_at: datetime) -> datetime:
    """Return where a ring has to begin for its last quarter to begin at the warning point."""
    if warn_at is None or warn_at >= due_at:
        return started_at
    return due_at - 4 * (due_at - warn_at)


def nearest_clock(ticket: Ticket) -> NearestClock | None:
    """Return the clock that runs out next, the solution's when done, None without clocks; from the row alone."""
    if ticket.is_spam:
        return None
    found = [(str(ClockKind.RESOLUTION.label), ticket.resolution_due_at)]
    if ticket.status not in DONE:
        found.append((str(ClockKind.NEXT_RESPONSE.label), ticket.next_response_due_at))
        if ticket.first_response_at is None:
            found.append((str(ClockKind.FIRST_RESPONSE.label), ticket.first_response_due_at))
    running = [(due_at, label) for label, due_at in found if due_at is not None]
    if not running:
        return None
    due_at, label = min(running)
    if ticket.status in DONE:
        return NearestClock(label, due_at, ticket.opened_at, stopped_at=ticket.resolved_at)
    started_at = ring_start(due_at, ticket.warn_at, ticket.opened_at)
    return NearestClock(label, due_at, started_at, is_paused=ticket.next_due_at is None)


@dataclass(frozen=True)
class Names:
    """What conditions name, looked up once for a page."""

    categories: dict[int, str]
    shops: dict[int, str]
    calendars: dict[int, str]


def names_for_policies(language: str) -> Names:
    """Return the names of categories, shops and calendars: three statements."""
    categories = {row.pk: row.name_in(language) for row in Category.objects.order_by("position", "pk")}
    shops = dict(Shop.objects.order_by("name").values_list("pk", "name"))
    return Names(categories, shops, dict(calendars().values_list("pk", "name")))


def conditions_in_words(policy: SlaPolicy, names: Names) -> list[tuple[str, str]]:
    """Return a policy's conditions as (what, which), none for one that takes everything."""
    gone = gettext("no longer there")
    found = [
        (gettext("Category"), [names.categories.get(pk, gone) for pk in policy.category_ids]),
        (gettext("Stage"), [str(Stage(code).label) for code in policy.stages if code in Stage.values]),
        (gettext("Priority"), [str(Priority(n).label) for n in policy.priorities if n in Priority.values]),
        (gettext("Membership"), [str(Tier(code).label) for code in policy.tiers if code in Tier.values]),
        (gettext("Channel"), [str(Channel(code).label) for code in policy.channels if code in Channel.values]),
        (gettext("Shop"), [names.shops.get(pk, gone) for pk in policy.shop_ids]),
    ]
    return [(what, pgettext("between alternatives", " or ").join(which)) for what, which in found if which]
