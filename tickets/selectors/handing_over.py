"""The hand-over pack: what somebody leaves behind at the end of a shift, and who could take it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from accounts.enums import Permission, PresenceStatus
from accounts.models import Membership, Staff
from accounts.permissions import team_scope
from accounts.selectors import active_teams, staff_with
from customers.enums import Tier
from orders.enums import ParcelStatus
from orders.models import Parcel
from tickets.enums import ACTIVE_STATUSES, Priority
from tickets.models import Commitment, Ticket
from tickets.selectors.routing import loads_of
from tickets.work_enums import PROMISE_OWED

SOON = timedelta(hours=24)
EXPECTED_WITHIN = timedelta(hours=48)
ON_THE_WAY = (
    ParcelStatus.CREATED,
    ParcelStatus.PICKED_UP,
    ParcelStatus.IN_TRANSIT,
    ParcelStatus.OUT_FOR_DELIVERY,
    ParcelStatus.READY_FOR_PICKUP,
)
MANY_RETURNS = 2


@dataclass
class Item:
    """One ticket of the pack and what its next agent must know; `hot` are codes."""

    ticket: Ticket
    is_due_soon: bool
    hot: list[str]
    promises: list[Commitment] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)


@dataclass(frozen=True)
class Colleague:
    """Somebody who could take over."""

    pk: int
    name: str
    status: str
    load: int


def open_tickets_of(staff_id: int) -> list[Ticket]:
    """Return what somebody has open, the most pressing first."""
    mine = Ticket.objects.filter(assignee_id=staff_id, status__in=ACTIVE_STATUSES, merged_into__isnull=True)
    rows = mine.select_related("customer", "category", "order", "team")
    return list(rows.order_by("-priority", F("next_due_at").asc(nulls_last=True), "pk"))


def pack_of(staff_id: int, *, at: datetime) -> list[Item]:
    """Return a person's hand-over pack in three statements: tickets, promises owed, parcels expected."""
    tickets = open_tickets_of(staff_id)
    promises = _promises(ticket.pk for ticket in tickets)
    parcels = _parcels({ticket.order_id for ticket in tickets if ticket.order_id}, at)
    return [
        Item(
            ticket=ticket,
            is_due_soon=ticket.next_due_at is not None and ticket.next_due_at <= at + SOON,
            hot=hot_marks(ticket, at),
            promises=promises.get(ticket.pk, []),
            parcels=parcels.get(ticket.order_id or 0, []),
        )
        for ticket in tickets
    ]


def hot_marks(ticket: Ticket, at: datetime) -> list[str]:
    """Return why a customer needs care now, as codes."""
    marks = []
    if ticket.customer is not None and ticket.customer.tier in {Tier.VIP, Tier.GOLD}:
        marks.append(str(ticket.customer.tier))
    if ticket.category is not None and ticket.category.is_complaint:
        marks.append("complaint")
    if ticket.next_due_at is not None and ticket.next_due_at <= at:
        marks.append("late")
    if ticket.reopen_count >= MANY_RETURNS:
        marks.append("came_back")
    if ticket.priority >= Priority.URGENT:
        marks.append("urgent")
    return marks


def _promises(ticket_ids: Iterable[int]) -> dict[int, list[Commitment]]:
    found: dict[int, list[Commitment]] = defaultdict(list)
    for promise in Commitment.objects.filter(ticket_id__in=list(ticket_ids), state__in=PROMISE_OWED).order_by("due_at"):
        found[promise.ticket_id].append(promise)
    return found


def _parcels(order_ids: Iterable[int], at: datetime) -> dict[int, list[Parcel]]:
    found: dict[int, list[Parcel]] = defaultdict(list)
    soon = Q(expected_at__lte=at + EXPECTED_WITHIN) | Q(
        status__in=[ParcelStatus.OUT_FOR_DELIVERY, ParcelStatus.READY_FOR_PICKUP]
    )
    rows = Parcel.objects.filter(soon, order_id__in=list(order_ids), status__in=ON_THE_WAY)
    for parcel in rows.order_by("expected_at", "pk"):
        found[parcel.order_id].append(parcel)
    return found


def colleagues_for(leaver: Staff, viewer: Staff) -> list[Colleague]:
    """Return who is here and could take over: of the leaver's teams first, those with least in work first."""
    hers = set(Membership.objects.filter(staff=leaver).values_list("team_id", flat=True))
    people = staff_with(Permission.TICKET_REPLY).exclude(pk=leaver.pk).select_related("presence")
    people = people.exclude(presence__status=PresenceStatus.OFFLINE).filter(presence__isnull=False)
    scope = team_scope(viewer)
    if scope is not None:
        people = people.filter(Exists(Membership.objects.filter(staff_id=OuterRef("pk"), team_id__in=scope)))
    near = Exists(Membership.objects.filter(staff_id=OuterRef("pk"), team_id__in=hers))
    rows = list(people.annotate(is_near=near)[:200])
    loads = loads_of(one.pk for one in rows)
    rows.sort(
        key=lambda one: (not one.is_near, one.presence.status != "online", sum(loads.get(one.pk, {}).values()), one.pk)
    )
    return [
        Colleague(one.pk, one.display_name, one.presence.get_status_display(), sum(loads.get(one.pk, {}).values()))
        for one in rows
    ]


def team_choices() -> list[tuple[int, str]]:
    """Return the teams a ticket can be handed to."""
    return list(active_teams().values_list("pk", "name"))
