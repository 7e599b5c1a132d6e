"""Read promises: the lists, their counts, those of one ticket, and what a sent message seems to promise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Q, QuerySet

from accounts.models import Staff
from core.calendar import BusinessCalendar
from tickets.enums import AuthorType, MessageKind
from tickets.models import Commitment, Message, Ticket
from tickets.promise_words import Suggestion, end_of_day, find_promise, kind_of
from tickets.work_enums import PROMISE_OWED, PromiseKind, PromiseState
from tickets.work_permissions import promises_visible_to

PAGE = 50
TABS = ("mine", "due", "overdue", "kept", "broken")
SETTLED = ("kept", "broken")
LOOK_BACK = 10
WORDS = 120


@dataclass(frozen=True)
class Keyset:
    """Where a page begins: after this moment and id."""

    at: datetime
    id: int


def _in_tab(rows: QuerySet[Commitment], tab: str, staff: Staff) -> QuerySet[Commitment]:
    if tab == "mine":
        return rows.filter(state__in=PROMISE_OWED, owner=staff)
    states = {"due": PromiseState.OPEN, "overdue": PromiseState.OVERDUE}
    return rows.filter(state=states.get(tab, tab))


def promise_page(staff: Staff, tab: str, *, after: Keyset | None = None) -> list[Commitment]:
    """Return one page and one row more when there is a next: owed ones soonest first, settled ones newest first."""
    rows = _in_tab(promises_visible_to(staff), tab, staff).select_related("ticket", "ticket__customer", "owner")
    if tab in SETTLED:
        rows = rows.order_by(F("settled_at").desc(), F("id").desc())
        if after is not None:
            rows = rows.filter(Q(settled_at__lt=after.at) | Q(settled_at=after.at, id__lt=after.id))
    else:
        rows = rows.order_by("due_at", "id")
        if after is not None:
            rows = rows.filter(Q(due_at__gt=after.at) | Q(due_at=after.at, id__gt=after.id))
    return list(rows[: PAGE + 1])


def count_promises(staff: Staff) -> dict[str, int]:
    """Return how many promises are owed in each tab, in one query."""
    rows = promises_visible_to(staff).filter(state__in=PROMISE_OWED)
    return rows.aggregate(
        mine=Count("id", filter=Q(owner=staff)),
        due=Count("id", filter=Q(state=PromiseState.OPEN)),
        overdue=Count("id", filter=Q(state=PromiseState.OVERDUE)),
    )


def promises_of(ticket: Ticket) -> list[Commitment]:
    """Return a ticket's promises, what is owed first."""
    rows = Commitment.objects.filter(ticket=ticket).select_related("owner", "message", "told")
    return sorted(rows, key=lambda one: (not one.is_owed, one.due_at if one.is_owed else one.settled_at, one.pk))


def find_said_promises(ticket: Ticket, calendar: BusinessCalendar) -> list[tuple[Message, Suggestion]]:
    """Return our newest answers that promise something with a date still ahead and not written down yet."""
    answers = Message.objects.filter(ticket=ticket, kind=MessageKind.PUBLIC, author_type=AuthorType.STAFF)
    found = []
    known = set(Commitment.objects.filter(ticket=ticket, message__isnull=False).values_list("message_id", flat=True))
    for message in answers.order_by("-seq")[:LOOK_BACK]:
        if message.pk in known:
            continue
        said = find_promise(message.text, at=message.at, calendar=calendar)
        if said is not None:
            found.append((message, said))
    return found[:3]


@dataclass(frozen=True)
class Proposal:
    """What words somebody calls a promise seem to say; `phrase` is where the date was read, empty for none."""

    kind: str
    words: str
    due_at: datetime
    phrase: str = ""


def propose_promise(text: str, *, said_at: datetime, now: datetime, calendar: BusinessCalendar) -> Proposal:
    """Return the promise a text says, counted from when it was said; without a date ahead it is due tomorrow."""
    found = find_promise(text, at=said_at, calendar=calendar, is_surely=True)
    if found is not None and found.due_at > now:
        return Proposal(found.kind, " ".join(found.sentence.split())[:WORDS], found.due_at, found.phrase)
    tomorrow = now.astimezone(calendar.zone).date() + timedelta(days=1)
    kind = found.kind if found else kind_of(text) or PromiseKind.ANSWER
    return Proposal(kind, " ".join(text.split())[:WORDS], end_of_day(calendar, tomorrow, now))


def find_answer(ticket: Ticket, wanted: str) -> Message | None:
    """Return a public message of the ticket by the id a page sent, None for anything else."""
    if not wanted.isdecimal() or len(wanted) > 18:
        return None
    return Message.objects.filter(pk=int(wanted), ticket=ticket).exclude(kind=MessageKind.NOTE).first()
