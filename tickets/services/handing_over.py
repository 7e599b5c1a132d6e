"""Nothing stays with somebody who went: off shift, away for good, or gone from the company."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission, PresenceStatus
from accounts.models import Presence, Staff
from accounts.services import set_presence
from core.actors import SYSTEM, Actor
from core.errors import InvalidInput
from core.models import Company
from tickets.enums import ACTIVE_STATUSES
from tickets.errors import WorkMovedOn
from tickets.models import Commitment, Ticket
from tickets.services.assigning import check_team, hand_ticket, note_on
from tickets.services.locking import lock_ticket, lock_tickets, not_before
from tickets.services.routing.owing import is_gone
from tickets.services.work import Target
from tickets.work_enums import PROMISE_OWED

BATCH = 100
TRIES = 5
QUEUE = Target()


@dataclass(frozen=True)
class HandOver:
    """Who takes over what: a ticket named goes to its target, others to `rest`; QUEUE is the ticket's own team's."""

    rest: Target = QUEUE
    targets: Mapping[int, Target] = field(default_factory=dict)
    note: str = ""


def go_off_shift(*, staff_id: int, plan: HandOver, actor: Actor, at: datetime, reason: str = "handed_over") -> int:
    """Hand all open tickets of a person over and put her off shift, in one transaction; return how many moved.

    A ticket that comes to her while this waits for its turn is handed over with the rest. Raises InvalidInput for a
    successor who is not here or may not answer, WorkMovedOn when tickets keep coming.
    """
    for attempt in range(TRIES):
        try:
            return _go_off_shift(staff_id=staff_id, plan=plan, actor=actor, at=at, reason=reason)
        except WorkMovedOn:
            if attempt == TRIES - 1:
                raise
    raise WorkMovedOn


@transaction.atomic
def _go_off_shift(*, staff_id: int, plan: HandOver, actor: Actor, at: datetime, reason: str) -> int:
    held = lock_tickets(_open_of(staff_id))
    _lock_people(staff_id, plan)
    now_hers = set(_open_of(staff_id))  # from here on nothing can be given to her: whoever gives waits for her row
    held |= _lock_late(now_hers - set(held))
    if not now_hers <= set(held):
        raise WorkMovedOn
    leaver = Staff.objects.get(pk=staff_id)
    words = _words(leaver, plan.note)
    for ticket_id in sorted(now_hers):
        target = plan.targets.get(ticket_id, plan.rest)
        _move(held[ticket_id], target, words, actor=actor, at=at, reason=reason)
    set_presence(staff_id=staff_id, status=PresenceStatus.OFFLINE, at=at)
    return len(now_hers)


def _open_of(staff_id: int) -> list[int]:
    mine = Ticket.objects.filter(assignee_id=staff_id, status__in=ACTIVE_STATUSES, merged_into__isnull=True)
    return list(mine.order_by("pk").values_list("pk", flat=True))


def _lock_late(ids: set[int]) -> dict[int, Ticket]:
    """Lock what was given to her while this waited for its turn; never waits itself, as it holds people's rows."""
    rows = Ticket.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    found = rows.select_related("customer", "category", "policy").filter(pk__in=ids).order_by("pk") if ids else ()
    return {ticket.pk: ticket for ticket in found}


def _lock_people(leaver_id: int, plan: HandOver) -> None:
    """Lock where the leaver and all successors are, in one order; refuse who is not here or may not answer."""
    targets = {plan.rest, *plan.targets.values()}
    successors = {target.staff_id for target in targets if target.staff_id is not None}
    for team_id in {target.team_id for target in targets if target.team_id is not None}:
        check_team(team_id)
    wanted = {leaver_id, *successors}
    rows = Presence.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    offline = {row.pk for row in rows if row.status == PresenceStatus.OFFLINE}
    people = {one.pk: one for one in Staff.objects.filter(pk__in=successors, is_active=True)}
    for staff_id in successors:
        one = people.get(staff_id)
        if one is None or staff_id == leaver_id or not one.may(Permission.TICKET_REPLY):
            raise InvalidInput(fields={"rest": [_("Choose somebody who works here and may answer customers.")]})
        if staff_id in offline:
            words = _("%(name)s is off shift. Choose somebody who is here, or a team's queue.")
            raise InvalidInput(fields={"rest": [words % {"name": one.display_name}]})


def _move(ticket: Ticket, target: Target, words: str, *, actor: Actor, at: datetime, reason: str) -> None:
    """Note, promises still owed, then the ticket itself."""
    at = not_before(ticket, at)
    note_on(ticket, words, actor, at)
    owed = Commitment.objects.filter(ticket=ticket, owner_id=ticket.assignee_id, state__in=PROMISE_OWED)
    owed.update(owner_id=target.staff_id, version=F("version") + 1)
    team_id = target.team_id or ticket.team_id
    hand_ticket(ticket, to=target.staff_id, team_id=team_id, actor=actor, at=at, reason=reason)


def _words(leaver: Staff, note: str, *, has_left: bool = False) -> str:
    """Return the note each ticket gets, in the company's language."""
    language = Company.objects.filter(pk=1).values_list("language", flat=True).first()
    with translation.override(language or "zh-hans"):
        words = (
            gettext("%(name)s has left; the account is closed.") if has_left else gettext("Handed over by %(name)s.")
        )
        return "\n".join(filter(None, [words % {"name": leaver.display_name}, note.strip()]))


@transaction.atomic
def hand_over_tickets(*, staff_id: int, successor_id: int | None, successor_team_id: int | None, at: datetime) -> bool:
    """Move up to a hundred open tickets of somebody whose account was closed; True when more are left.

    They go to the successor named then, here or not; one who has left meanwhile is passed over.
    """
    if successor_id is not None and not Staff.objects.filter(pk=successor_id, is_active=True).exists():
        successor_id = None
    ids = _open_of(staff_id)
    target = Target(successor_id, successor_team_id)
    words = _words(Staff.objects.get(pk=staff_id), "", has_left=True)
    for ticket in lock_tickets(ids[:BATCH]).values():
        if ticket.assignee_id == staff_id and ticket.status in ACTIVE_STATUSES and ticket.merged_into_id is None:
            _move(ticket, target, words, actor=SYSTEM, at=at, reason="handed_over")
    return len(ids) > BATCH


@transaction.atomic
def take_back_ticket(*, ticket_id: int, at: datetime) -> bool:
    """Put a ticket that came back to somebody off shift into its queue; return whether it did."""
    ticket = lock_ticket(ticket_id, merged_too=True)
    if ticket.assignee_id is None or ticket.status not in ACTIVE_STATUSES or not is_gone(ticket.assignee_id):
        return False
    return hand_ticket(ticket, to=None, team_id=ticket.team_id, actor=SYSTEM, at=at, reason="agent_off_shift")
