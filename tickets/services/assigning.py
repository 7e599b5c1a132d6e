"""Put a locked ticket into somebody's hands, a team's or nobody's: the one writer of `assignee` and `team`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission, PresenceStatus
from accounts.models import Presence, Staff, Team
from accounts.services import lock_presence, notify
from core.actors import Actor
from core.errors import InvalidInput
from core.events import record
from tickets.enums import AuthorType, MessageKind
from tickets.events import NoteAdded, TicketAssigned
from tickets.models import Ticket
from tickets.models.routing import GivenBack
from tickets.permissions import desk_url
from tickets.services.locking import announce_ticket, not_before, save_ticket
from tickets.services.routing.owing import owe_for_ticket
from tickets.services.writing import Words, append_message


@dataclass(frozen=True)
class Why:
    """What an automatic decision rested on: how much she had in work, and how many others could have had it."""

    load: int | None = None
    rivals: int | None = None


NO_MORE = Why()


def hand_ticket(
    ticket: Ticket, *, to: int | None, team_id: int | None, actor: Actor, at: datetime, reason: str, why: Why = NO_MORE
) -> bool:
    """Give a locked ticket to a person, or with None to the queue of a team; return whether anything changed.

    The caller has checked who may have it. Records it, tells the person, and owes the handing out of a queue.
    """
    before_id, before_team = ticket.assignee_id, ticket.team_id
    if (to, team_id) == (before_id, before_team):
        return False
    at = not_before(ticket, at)
    ticket.assignee_id, ticket.team_id = to, team_id
    ticket.version += 1
    data = TicketAssigned(
        agent_id=to, team_id=team_id, before_id=before_id, version=ticket.version, load=why.load, rivals=why.rivals,
        before_team_id=before_team,
    )  # fmt: skip
    record("ticket.assigned", subject=ticket, actor=actor, at=at, reason=reason, data=data)
    save_ticket(ticket)
    announce_ticket(ticket, before_id)
    if to is None or before_id is not None:  # something waits, or a place is free
        owe_for_ticket(ticket, at)
    if to is not None and to != before_id and not (actor.is_person and actor.id == to):
        params = {"ticket_id": ticket.pk, "number": ticket.number}
        notify(staff_id=to, kind="ticket.assigned", params=params, url=desk_url(ticket.pk), at=at)
    return True


def check_agent(staff_id: int, actor: Actor, *, even_off_shift: bool = False) -> Presence | None:
    """Lock and return where somebody is who shall have a ticket.

    Raises InvalidInput for who cannot answer customers or is off shift (unless she takes it herself). The lock makes
    this and her going off shift follow one another, so that nothing is given to somebody who has just gone.
    """
    presence = lock_presence(staff_id)
    staff = presence.staff if presence is not None else Staff.objects.filter(pk=staff_id).first()
    if staff is None or not staff.is_active or not staff.may(Permission.TICKET_REPLY):
        raise InvalidInput(fields={"assignee": [_("Choose somebody who works here and may answer customers.")]})
    is_own = actor.is_person and actor.id == staff_id
    if presence is not None and presence.status == PresenceStatus.OFFLINE and not is_own and not even_off_shift:
        words = _("%(name)s is off shift. Choose somebody who is here, or a team's queue.")
        raise InvalidInput(fields={"assignee": [words % {"name": staff.display_name}]})
    return presence


def check_team(team_id: int) -> None:
    """Raise InvalidInput for a team that is gone."""
    if not Team.objects.filter(pk=team_id, archived_at__isnull=True).exists():
        raise InvalidInput(fields={"team": [_("This team is no longer there.")]})


def note_on(ticket: Ticket, text: str, actor: Actor, at: datetime) -> None:
    """Write an internal note into the locked ticket; the caller saves it."""
    author = (AuthorType.STAFF, actor.id) if actor.is_person else (AuthorType.SYSTEM, None)
    words = Words(text=text, channel=ticket.channel, kind=MessageKind.NOTE)
    ticket.version += 1
    message = append_message(ticket, words, author_type=author[0], author_id=author[1], at=at)
    data = NoteAdded(seq=message.seq, version=ticket.version)
    record("message.noted", subject=message, actor=actor, at=at, data=data)


def remember_given_back(ticket: Ticket, staff_id: int, at: datetime) -> None:
    """Note who put the ticket back, so that it is not handed to her again at once."""
    GivenBack.objects.update_or_create(ticket=ticket, staff_id=staff_id, defaults={"at": at})
