"""What the desk shows of calls: the cards beside one's work, who waits, who is on the phone, the log and figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Max, Min, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.enums import PresenceStatus
from accounts.models import Staff
from accounts.permissions import sees_only_area, team_scope
from core.text import normalise_phone
from customers.selectors import families_of, last4_index, phone_index
from orders.models import Order, Parcel
from orders.permissions import orders_visible_to
from tickets.calls_enums import CallBackState, CallDirection, CallResult, CallState
from tickets.calls_permissions import call_backs_visible_to, calls_visible_to
from tickets.enums import ACTIVE_STATUSES
from tickets.models import Call, CallBack, PhoneSeat, Ticket
from tickets.permissions import tickets_visible_to
from tickets.selectors.call_plans import menu_words

MOST_CARDS = 6
PAGE = 30
DIGEST = 32
WRAP_UP_SHOWN = timedelta(hours=8)
FAILURE_SHOWN = timedelta(seconds=40)
UNWRAPPED = Q(state=CallState.ENDED, result=CallResult.ANSWERED, wrapped_at__isnull=True)


@dataclass
class Card:
    """A call beside an agent's work: what she needs to know before she says hello."""

    call: Call
    phase: str  # asked, failed, ringing, talking, wrap_up
    order: Order | None = None
    parcel: Parcel | None = None
    tickets: list[Ticket] = field(default_factory=list)
    menu: str = ""


def cards_of(staff: Staff, at: datetime) -> list[Card]:
    """Return the calls that concern this person now: ringing at her desk, hers, and those she asked for."""
    seat = PhoneSeat.objects.filter(pk=staff.pk).first()
    mine = Q(agent_id=staff.pk, state=CallState.ANSWERED, wrapped_at__isnull=True)
    mine |= UNWRAPPED & Q(agent_id=staff.pk, started_at__gt=at - WRAP_UP_SHOWN)
    mine |= Q(asked_by_id=staff.pk, state__in=(CallState.ASKED, CallState.RINGING))
    mine |= Q(asked_by_id=staff.pk, state=CallState.ENDED, result=CallResult.FAILED, ended_at__gt=at - FAILURE_SHOWN)
    if seat is not None:
        mine |= Q(
            state=CallState.RINGING, ringing_to__contains=[seat.extension], started_at__gt=at - timedelta(hours=1)
        )
    rows = Call.objects.filter(mine).select_related("line", "customer", "ticket", "team")
    calls = sorted(rows.order_by("-started_at", "-pk")[:MOST_CARDS], key=_urgency)
    return _with_customers([Card(call, _phase(call)) for call in calls], staff)


def _phase(call: Call) -> str:
    if call.state == CallState.ASKED:
        return "asked"
    if call.state == CallState.RINGING:
        return "ringing"
    if call.state == CallState.ANSWERED:
        return "talking"
    return "wrap_up" if call.answered_at else "failed"


def _urgency(call: Call) -> tuple[int, datetime]:
    order = {"ringing": 0, "talking": 1, "asked": 2, "failed": 3, "wrap_up": 4}
    return order[_phase(call)], call.started_at


def _with_customers(cards: list[Card], staff: Staff) -> list[Card]:
    """Add each person's newest order with its parcel and the open tickets one may see; four statements at most."""
    ids = {card.call.customer_id for card in cards if card.call.customer_id}
    words = menu_words(card.call for card in cards)
    roots = families_of(ids) if ids else {}
    orders: dict[int, Order] = {}
    parcels: dict[int, Parcel] = {}
    tickets: dict[int, list[Ticket]] = defaultdict(list)
    if ids:
        newest = orders_visible_to(staff).filter(customer_id__in=list(roots)).select_related("shop")
        found = newest.order_by("customer_id", "-placed_at", "-pk").distinct("customer_id")
        for order in sorted(found, key=lambda one: (one.placed_at, one.pk)):
            orders[roots[order.customer_id]] = order
        shown = Parcel.objects.filter(order_id__in=[one.pk for one in orders.values()])
        parcels = {one.order_id: one for one in shown.order_by("pk")}
        open_ones = tickets_visible_to(staff).filter(
            customer_id__in=list(roots), status__in=ACTIVE_STATUSES, is_spam=False, merged_into__isnull=True
        )
        for ticket in open_ones.order_by("-last_message_at", "-pk")[: MOST_CARDS * 4]:
            if ticket.customer_id is not None:
                tickets[roots[ticket.customer_id]].append(ticket)
    for card in cards:
        customer_id = roots.get(card.call.customer_id or 0, 0)
        card.order = orders.get(customer_id)
        card.parcel = parcels.get(card.order.pk) if card.order else None
        card.tickets = tickets.get(customer_id, [])[:4]
        card.menu = words.get(card.call.pk, "")
    return cards


@dataclass(frozen=True)
class Waiting:
    """The callers who wait in one queue."""

    team: str
    count: int
    since: datetime


def waiting_by_queue(staff: Staff, at: datetime) -> list[Waiting]:
    """Return how many callers wait for each team and since when the first does, the longest wait first."""
    rows = calls_visible_to(staff).filter(
        state=CallState.RINGING, direction=CallDirection.IN, started_at__gt=at - timedelta(hours=1)
    )
    told = rows.values("team__name").annotate(n=Count("pk"), since=Min("started_at")).order_by("since")
    return [Waiting(row["team__name"] or "–", row["n"], row["since"]) for row in told]


@dataclass(frozen=True)
class Seat:
    """Somebody with a phone: `doing` is talking, ringing, wrap_up, free or how she is present; since when."""

    name: str
    extension: str
    doing: str
    since: datetime | None


def seats(staff: Staff, at: datetime) -> list[Seat]:
    """Return who has a phone in one's teams and what each does now, in two statements."""
    teams = team_scope(staff)
    rows = PhoneSeat.objects.filter(staff__is_active=True).select_related("staff", "staff__presence")
    if teams is not None:
        rows = rows.filter(staff__memberships__team_id__in=teams).distinct()
    people = [] if sees_only_area(staff) else list(rows.order_by("staff__display_name", "pk")[:200])
    extensions = [one.extension for one in people]
    now = Call.objects.filter(started_at__gt=at - WRAP_UP_SHOWN).filter(
        Q(state=CallState.RINGING, ringing_to__overlap=extensions, started_at__gt=at - timedelta(hours=1))
        | (Q(agent_id__in=[one.pk for one in people]) & (Q(state=CallState.ANSWERED) | UNWRAPPED))
    )
    told: dict[str, tuple[str, datetime]] = {}
    at_seat = {one.pk: one.extension for one in people}
    for call in now.order_by("-started_at"):
        if call.state == CallState.RINGING:
            for extension in call.ringing_to:
                told.setdefault(extension, ("ringing", call.started_at))
        elif call.agent_id in at_seat:
            doing = "talking" if call.state == CallState.ANSWERED else "wrap_up"
            since = call.answered_at if doing == "talking" else call.ended_at
            if since is not None and told.get(at_seat[call.agent_id], ("", since))[0] != "talking":
                told[at_seat[call.agent_id]] = (doing, since)
    return [_seat(one, told.get(one.extension)) for one in people]


def _seat(one: PhoneSeat, told: tuple[str, datetime] | None) -> Seat:
    if told is not None:
        return Seat(one.staff.display_name, one.extension, told[0], told[1])
    presence = getattr(one.staff, "presence", None)
    status = presence.status if presence else PresenceStatus.OFFLINE
    doing = "free" if status == PresenceStatus.ONLINE else str(status)
    return Seat(one.staff.display_name, one.extension, doing, presence.since if presence else None)


@dataclass(frozen=True)
class LogFilter:
    """What of the log is wanted; `key` a number as number_key names it, `before` the place of a page."""

    direction: str = ""
    result: str = ""
    agent_id: int | None = None
    key: str = ""
    before: tuple[datetime, int] | None = None


def call_log(staff: Staff, wanted: LogFilter, *, since: datetime | None) -> tuple[list[Call], bool]:
    """Return a page of calls, the newest first, and whether there are more."""
    rows = calls_visible_to(staff).select_related("agent", "customer", "ticket", "line", "team")
    if wanted.key:
        rows = _by_key(rows, wanted.key)
    elif since is not None:
        rows = rows.filter(started_at__gte=since)
    if wanted.direction:
        rows = rows.filter(direction=wanted.direction)
    if wanted.result == "answered":
        rows = rows.filter(answered_at__isnull=False)
    elif wanted.result == "missed":
        rows = rows.filter(state=CallState.ENDED, answered_at__isnull=True)
    if wanted.agent_id is not None:
        rows = rows.filter(agent_id=wanted.agent_id)
    if wanted.before is not None:
        at, pk = wanted.before
        rows = rows.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=pk))
    found = list(rows.order_by("-started_at", "-pk")[: PAGE + 1])
    return found[:PAGE], len(found) > PAGE


def number_key(text: str) -> str:
    """Return what may stand in an address for a number or its last four digits: the keyed digest calls are found by.

    "none" for what is no number, "" for nothing typed.
    """
    plain = text.strip()
    if not plain:
        return ""
    if plain.isascii() and plain.isdigit() and len(plain) == 4:
        return f"4{(last4_index(plain) or b'').hex()}"
    full = normalise_phone(plain) or (plain if plain.isascii() and plain.isdigit() else "")
    return f"n{phone_index(full).hex()}" if full else "none"


def _by_key(rows: QuerySet[Call], key: str) -> QuerySet[Call]:
    try:
        digest = bytes.fromhex(key[1:])
    except ValueError:
        return rows.none()
    if len(digest) != DIGEST:
        return rows.none()
    return rows.filter(last4_index=digest) if key[0] == "4" else rows.filter(number_index=digest)


def today_in_figures(staff: Staff, *, since: datetime) -> dict[str, Any]:
    """Return today's figures of incoming calls that are over or answered, by one statement over the rows."""
    wait = ExpressionWrapper(Coalesce("answered_at", "ended_at") - F("started_at"), output_field=DurationField())
    rows = calls_visible_to(staff).filter(started_at__gte=since, direction=CallDirection.IN)
    told = rows.exclude(state__in=(CallState.ASKED, CallState.RINGING)).aggregate(
        total=Count("pk"),
        answered=Count("pk", filter=Q(answered_at__isnull=False)),
        abandoned=Count("pk", filter=Q(result=CallResult.ABANDONED)),
        average=Avg(wait, filter=Q(answered_at__isnull=False)),
        longest=Max(wait),
    )
    total = told["total"]
    share = {name: told[name] / total if total else None for name in ("answered", "abandoned")}
    return told | {"answered_share": share["answered"], "abandoned_share": share["abandoned"]}


def call_backs(staff: Staff, *, is_done: bool = False, limit: int = 50) -> list[CallBack]:
    """Return who is to be called back, what is due first first; or those done last."""
    rows = call_backs_visible_to(staff).select_related("call", "customer", "claimed_by", "line", "solved_by")
    if is_done:
        return list(rows.filter(state=CallBackState.SOLVED).order_by("-solved_at", "-pk")[:limit])
    return list(rows.exclude(state=CallBackState.SOLVED).order_by("due_at", "pk")[:limit])


def count_call_backs(staff: Staff, at: datetime) -> tuple[int, int]:
    """Return how many call-backs are owed, and how many of them are late."""
    told = (
        call_backs_visible_to(staff)
        .exclude(state=CallBackState.SOLVED)
        .aggregate(n=Count("pk"), late=Count("pk", filter=Q(due_at__lt=at)))
    )
    return told["n"], told["late"]


def calls_by_id(ids: Iterable[int]) -> dict[int, Call]:
    """Return calls with agent and line by id, in one statement."""
    rows = Call.objects.filter(pk__in=set(ids)).select_related("agent", "line")
    return {call.pk: call for call in rows}
