"""What waits to go in a ticket, as pages and scripts are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from core.ui.times import date_words, local
from tickets.enums import HeldReason, HeldState, TicketStatus
from tickets.models import HeldMessage, Ticket
from tickets.rich_text import as_text
from tickets.services.promises import NewPromise
from tickets.views.desk_html import safe_text
from tickets.work_enums import PromiseKind

STOPPED = {
    "customer_wrote": _("The customer wrote meanwhile. Read it, then send, change or drop your answer."),
    "ticket_moved_on": _("Something happened in the ticket. Look at it, then send again."),
    "fields_missing": _("Fields that must be filled before resolving are still empty."),
    "not_allowed": _("Its writer may no longer answer here."),
}
STOPPED_OTHERWISE = _("It could not be carried out as planned. Look at it, then send, change or drop it.")


@dataclass(frozen=True)
class Waiting:
    """One answer that has not gone, as the page shows it."""

    id: int
    name: str
    is_mine: bool
    is_note: bool
    html: Any
    source: str
    due_at: datetime
    is_planned: bool
    stopped: Any
    then: Any
    macro: str
    promise: str
    files: list[str]
    version: int

    @property
    def due_local(self) -> str:
        """Return the time as a datetime-local input wants it."""
        return f"{local(self.due_at):%Y-%m-%dT%H:%M}"


def waiting_rows(ticket: Ticket, staff_id: int) -> list[Waiting]:
    """Return what waits, for this person: a colleague's stopped answer is her own matter."""
    rows = []
    for one in ticket.waiting:  # type: ignore[attr-defined]
        is_mine, is_stopped = one["by"] == staff_id, one["state"] == HeldState.STOPPED
        if is_stopped and not is_mine:
            continue
        due_at = parse_datetime(one["due_at"])
        assert due_at is not None
        rows.append(
            Waiting(
                id=one["id"],
                name=one["name"],
                is_mine=is_mine,
                is_note=one["kind"] == "note",
                html=safe_text(as_text(one["source"])),
                source=one["source"],
                due_at=due_at,
                is_planned=one["why"] == HeldReason.SCHEDULED,
                stopped=STOPPED.get(one["stop"], STOPPED_OTHERWISE) if is_stopped else "",
                then=TicketStatus(one["then"]).label if one["then"] else "",
                macro=one["macro"] or "",
                promise=_promise_words(one["promise"]),
                files=[file["name"] for file in one["files"] or []],
                version=one["version"],
            )
        )
    return rows


def _promise_words(kept: dict[str, str]) -> str:
    """Return what an answer promises: 退款 · 11月27日 18:00; empty when nothing."""
    if not kept:
        return ""
    promise = NewPromise.from_json(kept)
    return f"{PromiseKind(promise.kind).label} · {date_words_at(promise.due_at)}"


def held_answer(held: HeldMessage, ticket: Ticket) -> dict[str, Any]:
    """Return what the composer's script needs to offer the way back."""
    left = max(0, int((held.due_at - timezone.now()).total_seconds()))
    undo = reverse("tickets:take_back", args=[ticket.pk, held.pk])
    return {"id": held.pk, "undo": undo, "label": gettext("Take it back"), "seconds": left, "why": held.why}


def date_words_at(moment: datetime) -> str:
    """Return a moment as people say it: 今天 18:00, 11月23日 09:00."""
    today, there = local(timezone.now()).date(), local(moment)
    day = gettext("Today") if there.date() == today else date_words(there.date(), this_year=today.year)
    return f"{day} {there:%H:%M}"


def send_times(now: datetime) -> list[tuple[str, str]]:
    """Return (ISO time, words) of the times most answers are planned for."""
    here = local(now)
    morning = here.replace(hour=9, minute=0, second=0, microsecond=0)
    tomorrow, monday = morning + timedelta(days=1), morning + timedelta(days=7 - here.weekday())
    found = [(now + timedelta(hours=1), gettext("In one hour")), (tomorrow, gettext("Tomorrow 09:00"))]
    if monday.date() != tomorrow.date():
        found.append((monday, gettext("Monday 09:00")))
    return [(moment.isoformat(timespec="minutes"), words) for moment, words in found]


def read_time(typed: str) -> datetime:
    """Return a time as a page sends it, one without a zone in the reader's. Raises InvalidInput."""
    try:
        found = parse_datetime(typed)
    except ValueError:
        found = None
    if found is None:
        raise InvalidInput(fields={"send_at": [_("Choose when it should go.")]})
    return found if timezone.is_aware(found) else timezone.make_aware(found, local(timezone.now()).tzinfo)
