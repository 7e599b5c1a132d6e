"""Take a batch of another desk's tickets in: customers, tickets, messages and their history, in a few statements.

Nothing is told to anybody: history is recorded as import, so no notice, survey, clock, rule or webhook arises. Ids made
of the other desk's numbers let the same ticket in once; one that grew there meanwhile gets what is new, unless somebody
has worked on it here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Staff, Team
from core.actors import Actor, ActorType
from core.crypto import decrypt, encrypt
from core.events import Code
from core.events.bulk import History
from core.text import detect_language
from customers.enums import IdentityKind
from customers.models import Customer
from customers.selectors import identity_index
from customers.services.bulk import Key, Person, find_or_add_customers, person
from tickets.enums import AuthorType, MessageKind, TicketStatus
from tickets.events import MessageReceived, MessageSent, NoteAdded, StatusChanged, TicketOpened, TicketResolved
from tickets.models import CustomField, FieldValue, FormerAgent, Message, Migration, MigrationPerson, Ticket
from tickets.services.migration.copying import copy_messages
from tickets.services.migration.shapes import CommentIn, PersonIn, TicketIn
from tickets.services.opening import team_for_shop
from tickets.services.writing import clean_html

SPACE = UUID("5e1f6f5a-3a3a-4c5e-9c58-6f8a3f1f7c11")
SOURCE = "import"
LATEST = timedelta(minutes=5)
UNTOUCHED = 1  # the version of a ticket nobody has written to here
GROWS = (
    "status", "resolved_at", "closed_at", "waiting_since", "customer_turn_at", "first_response_at", "last_message_at",
    "last_message_by", "last_seq", "last_public_seq", "preview",
)  # fmt: skip


def id_of(source: str, kind: str, number: str) -> UUID:
    """Return the id that lets one ticket or comment of the other desk in once."""
    return uuid5(SPACE, f"{source}:{kind}:{number}")


class Told(NamedTuple):
    """One fact about a ticket or a message, written down once both have their keys."""

    kind: str
    subject: Ticket | Message
    at: datetime
    data: Any


@dataclass
class Tally:
    """What became of a batch."""

    new: int = 0
    changed: int = 0
    same: int = 0
    messages: int = 0


@dataclass
class Taker:
    """What a migration needs for every batch, read once."""

    migration: Migration
    at: datetime
    went_on: Callable[[], None] | None = None
    staff: dict[str, int] = field(default_factory=dict)
    teams: dict[str, int] = field(default_factory=dict)
    fields: dict[str, CustomField] = field(default_factory=dict)
    former: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read colleagues by address, teams by name, own fields by key."""
        active = Staff.objects.filter(is_active=True)
        self.staff = {email.lower(): pk for email, pk in active.values_list("email", "pk")}
        teams = Team.objects.filter(archived_at=None)
        self.teams = {name.strip().lower(): pk for name, pk in teams.values_list("name", "pk")}
        self.fields = {row.key: row for row in CustomField.objects.filter(is_active=True)}
        rows = FormerAgent.objects.filter(source=self.migration.source)
        self.former = {number: -pk for number, pk in rows.values_list("number", "pk")}
        self.team_id = team_for_shop(self.migration.shop_id)
        self.language = self.migration.shop.language if self.migration.shop else "zh-hans"
        self.actor = Actor(ActorType.IMPORT, self.migration.pk)

    def take(self, tickets: Sequence[TicketIn]) -> Tally:
        """Write a batch; call inside a transaction and repeat it on a unique violation."""
        tickets = _newest(tickets)
        source, tally = self.migration.source, Tally()
        people = self._people(tickets)
        ids = {ticket.number: id_of(source, "ticket", ticket.number) for ticket in tickets}
        rows = Ticket.objects.select_for_update(no_key=True, of=("self",)).filter(client_id__in=ids.values())
        known = {row.client_id: row for row in rows.order_by("pk")}
        fresh = [ticket for ticket in tickets if ids[ticket.number] not in known]
        facts: list[Told] = []
        made = [(ticket, self._row(ticket, ids[ticket.number], people)) for ticket in fresh]
        self._know_customers(row for _ticket, row in made)
        messages: list[Message] = []
        for ticket, row in made:
            messages += self._tell(ticket, row, people, facts)
            tally.messages += len(ticket.comments)
        Ticket.objects.bulk_create([row for _ticket, row in made], batch_size=500)
        copy_messages(messages)
        tally.new = len(made)
        self._fill(made)
        again = [(ticket, known[ids[ticket.number]]) for ticket in tickets if ids[ticket.number] in known]
        for added in self._grow(again, people, facts):
            tally.messages += added
            tally.changed, tally.same = tally.changed + bool(added), tally.same + (not added)
        self._record(facts)
        return tally

    def _record(self, facts: Sequence[Told]) -> None:
        """Write what happened into the log, as history: it causes no reaction."""
        history = History(actor=self.actor)
        for fact in facts:
            ticket = fact.subject if isinstance(fact.subject, Ticket) else fact.subject.ticket
            history.add(
                fact.kind, fact.at, fact.data, subject=(fact.subject.event_type, fact.subject.pk),
                shop_id=ticket.shop_id, customer_id=ticket.customer_id, order_id=ticket.order_id, ticket_id=ticket.pk,
            )  # fmt: skip
        history.write()

    # people ---------------------------------------------------------------------------------------------------------

    def _people(self, tickets: Sequence[TicketIn]) -> dict[str, tuple[str, int | None]]:
        """Return who each number is: ("staff" | "customer", id)."""
        named: dict[str, PersonIn] = {}
        agents: set[str] = set()
        for ticket in tickets:
            refs = [(ticket.requester, False), (ticket.assignee, True)]
            refs += [(comment.author, not comment.is_public) for comment in ticket.comments]
            for one, is_agent in refs:
                if one is not None:
                    if one.number not in named or one.name or one.email:
                        named[one.number] = one
                    if is_agent or one.is_agent:
                        agents.add(one.number)
        requesters = {ticket.requester.number for ticket in tickets if ticket.requester}
        told = MigrationPerson.objects.filter(migration=self.migration, number__in=list(named))
        for row in told:
            email, phone = (decrypt(value) if value else "" for value in (row.email_enc, row.phone_enc))
            named[row.number] = PersonIn(row.number, row.name, email, phone, row.is_agent)
            (agents.add if row.is_agent else agents.discard)(row.number)
        agents -= {number for number in requesters if not named[number].is_agent}
        found: dict[str, tuple[str, int | None]] = {}
        for number in agents:
            found[number] = ("staff", self._agent(named[number]))
        customers = [one for number, one in sorted(named.items()) if number not in agents]
        for one, pk in zip(customers, self._customers(customers), strict=True):
            found[one.number] = ("customer", pk)
        return found

    def _agent(self, one: PersonIn) -> int:
        if one.email and one.email.lower() in self.staff:
            return self.staff[one.email.lower()]
        if one.number not in self.former:
            name = one.name or one.number
            row, _new = FormerAgent.objects.get_or_create(
                source=self.migration.source, number=one.number, defaults={"name": name[:120]}
            )
            self.former[one.number] = -row.pk
        return self.former[one.number]

    def _customers(self, people: Sequence[PersonIn]) -> list[int]:
        shop_id: Any = self.migration.shop_id
        wanted: list[Person] = []
        for one in people:
            keys = person(phone=one.phone, email=one.email, name=one.name, shop_id=shop_id)
            if not keys.keys:  # known by the other desk's number alone
                value = f"{self.migration.source}:{one.number}"[:120]
                index = identity_index(IdentityKind.SHOP_ACCOUNT, value)
                keys.keys.append(Key(IdentityKind.SHOP_ACCOUNT, value, index, shop_id))
            wanted.append(keys)
        history = History(actor=self.actor)
        found = find_or_add_customers(
            people=wanted, shop_id=shop_id, language=self.language, source=SOURCE, actor=self.actor, at=self.at,
            history=history,
        )  # fmt: skip
        history.write()
        return found

    # tickets --------------------------------------------------------------------------------------------------------

    def _know_customers(self, rows: Iterable[Ticket]) -> None:
        found = [row for row in rows if row.customer_id]
        customers = Customer.objects.in_bulk({row.customer_id for row in found})
        for row in found:
            row.customer = customers.get(row.customer_id)

    def _tell(
        self, ticket: TicketIn, row: Ticket, people: dict[str, tuple[str, int | None]], facts: list[Told]
    ) -> list[Message]:
        """Return a new ticket's messages and add what happened to it to the facts."""
        places: dict[str, Any] = {"channel": Code(row.channel), "priority": row.priority, "team_id": row.team_id}
        places |= {"tier": Code(row.customer.tier) if row.customer else None, "version": UNTOUCHED}
        opened = TicketOpened(**places, language=Code(row.language))
        facts.append(Told("ticket.opened", row, row.opened_at, opened))
        messages = self._say(ticket, row, ticket.comments, people, facts)
        messages.append(self._closing_note(ticket, row))
        facts += self._ending(row, places)
        return messages

    def _ending(self, row: Ticket, places: dict[str, Any]) -> list[Told]:
        found = []
        if row.resolved_at is not None:
            resolved = TicketResolved(**places, agent_id=row.assignee_id)
            found.append(Told("ticket.resolved", row, row.resolved_at, resolved))
        if row.closed_at is not None:
            closed = StatusChanged(Code("resolved"), Code("closed"), version=row.version)
            found.append(Told("ticket.closed", row, row.closed_at, closed))
        return found

    def _row(self, ticket: TicketIn, client_id: UUID, people: dict[str, tuple[str, int | None]]) -> Ticket:
        kind, customer_id = people.get(ticket.requester.number, ("", None)) if ticket.requester else ("", None)
        assignee = people.get(ticket.assignee.number, ("", None)) if ticket.assignee else ("", None)
        status = self._status(ticket)
        text = ticket.comments[0].text
        email = ticket.requester.email if ticket.requester else ""
        row = Ticket(
            shop_id=self.migration.shop_id,
            customer_id=customer_id if kind == "customer" else None,
            team_id=self.teams.get(ticket.group.lower(), self.team_id),
            assignee_id=assignee[1] if assignee[0] == "staff" and (assignee[1] or 0) > 0 else None,
            channel=ticket.channel,
            priority=self.migration.mapping.get("priorities", {}).get(ticket.priority, 20),
            language=detect_language(text),
            subject=ticket.subject or " ".join(text.split())[:57] or f"#{ticket.number}",
            tags=ticket.tags if self.migration.mapping.get("keep_tags", True) else [],
            contact_enc=encrypt(email) if email else None,
            client_id=client_id,
            opened_at=min(ticket.created_at, self.at + LATEST),
            version=UNTOUCHED,
        )
        _stand(row, ticket, status, self.at)
        return row

    def _status(self, ticket: TicketIn) -> str:
        wanted: str = self.migration.mapping.get("statuses", {}).get(ticket.status, TicketStatus.OPEN)
        return wanted if wanted in TicketStatus.values else TicketStatus.OPEN

    def _grow(
        self,
        again: Sequence[tuple[TicketIn, Ticket]],
        people: dict[str, tuple[str, int | None]],
        facts: list[Told],
    ) -> list[int]:
        """Add what was said on the other desk since; return how many messages each ticket got.

        A ticket that somebody has worked on here is left alone.
        """
        free = [row for _ticket, row in again if row.version == UNTOUCHED and row.merged_into_id is None]
        there: dict[int, set[UUID | None]] = {row.pk: set() for row in free}
        said = Message.objects.filter(ticket__in=free) if free else Message.objects.none()
        for ticket_id, client_id in said.values_list("ticket_id", "client_id"):
            there[ticket_id].add(client_id)
        added, grown, messages = [], [], []
        for ticket, row in again:
            told = ticket.comments if row.pk in there else []
            missing = [one for one in told if self._comment_id(ticket, one) not in there[row.pk]]
            added.append(len(missing))
            if missing:
                was_done = row.resolved_at is not None
                _stand(row, ticket, self._status(ticket), self.at)
                messages += self._say(ticket, row, missing, people, facts)
                grown.append(row)
                if not was_done:
                    places = {"channel": Code(row.channel), "priority": row.priority, "team_id": row.team_id}
                    facts += self._ending(row, places)
        if grown:
            Ticket.objects.bulk_update(grown, GROWS)
            copy_messages(messages)
        return added

    def _fill(self, made: Iterable[tuple[TicketIn, Ticket]]) -> None:
        """Put the other desk's own fields where the mapping says."""
        wanted: dict[str, str] = self.migration.mapping.get("fields", {})
        values = [
            FieldValue(ticket=row, field=self.fields[key], value=value)
            for ticket, row in made
            for name, value in ticket.fields.items()
            if (key := wanted.get(name, "")) in self.fields
        ]
        FieldValue.objects.bulk_create(values, batch_size=1000, ignore_conflicts=True)

    # messages -------------------------------------------------------------------------------------------------------

    def _comment_id(self, ticket: TicketIn, comment: CommentIn) -> UUID:
        return id_of(self.migration.source, "comment", f"{ticket.number}:{comment.number}")

    def _say(
        self,
        ticket: TicketIn,
        row: Ticket,
        comments: Sequence[CommentIn],
        people: dict[str, tuple[str, int | None]],
        facts: list[Told],
    ) -> list[Message]:
        """Return the messages of these comments, with the row's numbers and latest words brought into step."""
        first_answer = row.first_response_at is None
        messages: list[Message] = []
        for comment in comments:
            kind, author = people.get(comment.author.number, ("", None)) if comment.author else ("", None)
            author_type = {"staff": AuthorType.STAFF, "customer": AuthorType.CUSTOMER}.get(kind, AuthorType.SYSTEM)
            message = self._message(row, ticket, comment, author_type, author)
            messages.append(message)
            at = message.at
            if not comment.is_public:
                facts.append(Told("message.noted", message, at, NoteAdded(message.seq, version=1)))
                continue
            row.preview = " ".join(message.text.split())[:160]
            row.last_message_at, row.last_message_by = at, author_type
            if author_type == AuthorType.STAFF:
                sent = MessageSent(
                    channel=Code(row.channel), priority=row.priority, team_id=row.team_id, seq=message.seq,
                    is_first=first_answer, agent_id=author if author and author > 0 else None,
                )  # fmt: skip
                row.first_response_at = row.first_response_at or at
                first_answer = False
                facts.append(Told("message.sent", message, at, sent))
            else:
                heard = MessageReceived(message.seq, Code(row.channel), starts_turn=False, version=1)
                facts.append(Told("message.received", message, at, heard))
        if row.status in {TicketStatus.NEW, TicketStatus.OPEN} and row.last_message_by == AuthorType.CUSTOMER:
            row.customer_turn_at = row.last_message_at
        row.last_message_at = row.last_message_at or row.opened_at
        return messages

    def _message(
        self, row: Ticket, ticket: TicketIn, comment: CommentIn, author_type: str, author_id: int | None
    ) -> Message:
        row.last_seq += 1
        row.last_public_seq += comment.is_public
        text = comment.text
        if comment.files:
            names = "\n".join(f"📎 {name} {url}".rstrip() for name, url in comment.files)
            text = f"{text}\n\n{names}".strip()
        return Message(
            ticket=row,
            seq=row.last_seq,
            public_seq=row.last_public_seq if comment.is_public else None,
            client_id=self._comment_id(ticket, comment),
            kind=MessageKind.PUBLIC if comment.is_public else MessageKind.NOTE,
            author_type=author_type,
            author_id=author_id,
            channel=row.channel,
            text=text or "–",
            html=clean_html(comment.html) if comment.html and not comment.files else "",
            at=min(max(comment.at, row.opened_at), self.at + LATEST),
        )

    def _closing_note(self, ticket: TicketIn, row: Ticket) -> Message:
        """Return the note that says where the ticket came from, with the fields that have no place here."""
        mapping = self.migration.mapping.get("fields", {})
        left = [f"{name}: {value}" for name, value in ticket.fields.items() if mapping.get(name, "note") == "note"]
        with translation.override(self.language):
            where = _("Imported from %(source)s, number %(number)s.") % {
                "source": self.migration.source, "number": ticket.number,
            }  # fmt: skip
        row.last_seq += 1
        return Message(
            ticket=row, seq=row.last_seq, kind=MessageKind.NOTE, author_type=AuthorType.SYSTEM,
            client_id=id_of(self.migration.source, "note", ticket.number), channel=row.channel,
            text="\n".join([where, *left])[:20_000], at=max(row.opened_at, ticket.comments[-1].at),
        )  # fmt: skip


def _newest(tickets: Sequence[TicketIn]) -> list[TicketIn]:
    """Return each ticket once: as told last, with all comments told of it."""
    found: dict[str, TicketIn] = {}
    for ticket in tickets:
        if (before := found.get(ticket.number)) is not None:
            by_number = {one.number: one for one in [*before.comments, *ticket.comments]}
            ticket.comments = sorted(by_number.values(), key=lambda one: one.at)
        found[ticket.number] = ticket
    return [found[number] for number in sorted(found)]


def _stand(row: Ticket, ticket: TicketIn, status: str, at: datetime) -> None:
    """Let the row stand as the other desk left it, with the times that belong to its status."""
    row.status = status
    last = min(max([ticket.updated_at, *(one.at for one in ticket.comments)]), at)
    done = min(max(ticket.solved_at or last, row.opened_at), at)
    is_done = status in {TicketStatus.RESOLVED, TicketStatus.CLOSED}
    row.resolved_at = max(done, row.opened_at) if is_done else None
    row.closed_at = max(last, done, row.opened_at) if status == TicketStatus.CLOSED else None
    row.waiting_since = max(last, row.opened_at) if status == TicketStatus.WAITING_CUSTOMER else None
