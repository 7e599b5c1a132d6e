"""Events of the tickets app. They carry the dimensions of the figures as they stood at the event.

`version` is the ticket's version after the fact: what happened since a person looked is found by it.
"""

from dataclasses import dataclass

from core.events import Code, declare


@dataclass(frozen=True)
class Dimensions:
    """Where a fact about a ticket is counted."""

    channel: Code
    priority: int
    category: Code | None = None
    stage: Code | None = None
    is_complaint: bool = False
    tier: Code | None = None
    team_id: int | None = None
    agent_id: int | None = None
    version: int = 0


@dataclass(frozen=True)
class TicketOpened(Dimensions):
    """A ticket was opened; the targets in seconds that then held."""

    language: Code = Code("zh-hans")
    first_response_target: int = 0
    resolution_target: int = 0


@dataclass(frozen=True)
class TicketAssigned:
    """A ticket changed hands; the event's reason says why.

    When it was handed out: how much she had in work before, and how many others could have had it.
    """

    agent_id: int | None
    team_id: int | None
    before_id: int | None = None
    version: int = 0
    load: int | None = None
    rivals: int | None = None
    before_team_id: int | None = None


@dataclass(frozen=True)
class TicketChanged(Dimensions):
    """Category, priority, tags or order of a ticket were corrected; which fields (codes)."""

    fields: tuple[Code, ...] = ()


@dataclass(frozen=True)
class StatusChanged:
    """A ticket moved between open states; `waited` is the seconds waited for the customer so far."""

    before: Code
    after: Code
    waited: int = 0
    version: int = 0


@dataclass(frozen=True)
class TicketResolved(Dimensions):
    """A ticket was resolved; seconds waited for the customer since it was opened, and public replies by people."""

    waited: int = 0
    replies: int = 0
    agents: int = 0


@dataclass(frozen=True)
class TicketReopened(Dimensions):
    """A resolved ticket came back; how it was before, and the seconds waited for the customer so far."""

    before: Code = Code("resolved")
    waited: int = 0


@dataclass(frozen=True)
class MessageReceived:
    """The customer wrote; `starts_turn` when the previous message from them was answered."""

    seq: int
    channel: Code
    starts_turn: bool
    attachment_count: int = 0
    version: int = 0


@dataclass(frozen=True)
class MessageSent(Dimensions):
    """A person answered in public; seconds since the turn began (None without one), and whether it is the first."""

    seq: int = 0
    is_first: bool = False
    turn_seconds: int | None = None


@dataclass(frozen=True)
class NoteAdded:
    """An internal note was written; who was mentioned."""

    seq: int
    mentioned: tuple[int, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class TicketsJoined:
    """Two tickets became one, or two again; `other_id` is the other of the pair."""

    other_id: int
    version: int = 0


@dataclass(frozen=True)
class TicketSplit:
    """Messages were cut out into a ticket of their own."""

    other_id: int
    message_count: int
    version: int = 0


@dataclass(frozen=True)
class TicketsLinked:
    """Two tickets were connected, or are no longer; the kind as seen from the subject."""

    other_id: int
    kind: Code
    version: int = 0


@dataclass(frozen=True)
class FieldsFilled:
    """Own fields of a ticket were filled or changed; which ones (their values stay with the ticket)."""

    field_ids: tuple[int, ...]
    version: int = 0


@dataclass(frozen=True)
class TicketWorked:
    """A person worked on a ticket in the console: whole seconds with it before her, longer idle gaps cut out."""

    seconds: int
    agent_id: int


declare("ticket.worked", TicketWorked)
declare("ticket.opened", TicketOpened)
declare("ticket.assigned", TicketAssigned)
declare("ticket.changed", TicketChanged)
declare("ticket.fields_filled", FieldsFilled)
declare("ticket.status_changed", StatusChanged)
declare("ticket.resolved", TicketResolved)
declare("ticket.reopened", TicketReopened)
declare("ticket.closed", StatusChanged)
declare("ticket.marked_spam", Dimensions)
declare("ticket.unmarked_spam", Dimensions)
declare("message.received", MessageReceived)
declare("message.sent", MessageSent)
declare("message.acknowledged", MessageReceived)
declare("message.noted", NoteAdded)
declare("ticket.merged", TicketsJoined)
declare("ticket.took_in", TicketsJoined)
declare("ticket.unmerged", TicketsJoined)
declare("ticket.let_go", TicketsJoined)
declare("ticket.split", TicketSplit)
declare("ticket.linked", TicketsLinked)
declare("ticket.unlinked", TicketsLinked)


@dataclass(frozen=True)
class ClockFact(Dimensions):
    """A clock warned, passed its deadline, was spared that by new terms, or was stopped by what it waited for.

    `clock` is its kind, `round` the customer's turn it belongs to, `target` and `seconds` are counted in the policy's
    time (a missed deadline and what followed count whole), `plain` is the plain time since it began.
    """

    clock: Code = Code("")
    round: int = 1
    policy_id: int | None = None
    target: int = 0
    seconds: int = 0
    plain: int = 0
    is_business_time: bool = False
    was_kept: bool = True


declare("clock.warned", ClockFact)
declare("clock.breached", ClockFact)
declare("clock.spared", ClockFact)
declare("clock.met", ClockFact)
