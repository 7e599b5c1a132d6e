"""The dry run: read every piece, note who is named and what values there are, write nothing of a ticket."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import transaction

from accounts.models import Staff
from core.crypto import encrypt
from core.errors import DomainError
from core.live import announce
from orders.services.imports.reading import local_file
from tickets.enums import TicketStatus
from tickets.migration_enums import MigrationState
from tickets.models import CustomField, Migration, MigrationPerson, MigrationProblem, Ticket
from tickets.services.migration.reading import Piece, pieces
from tickets.services.migration.shapes import PersonIn, TicketIn, Unfit, read_ticket, read_user
from tickets.services.migration.starting import lock_migration, move_migration
from tickets.services.migration.taking import id_of

logger = logging.getLogger(__name__)
BATCH = 500
MOST_PROBLEMS = 10_000
STATUSES = {
    "new": "new", "open": "open", "pending": "waiting_customer", "hold": "waiting_department",
    "on-hold": "waiting_department",    "solved": "closed", "closed": "closed", "resolved": "closed",
}  # fmt: skip
PRIORITIES = {"low": 10, "normal": 20, "": 20, "high": 30, "urgent": 40}


def read_all(migration: Migration) -> Iterator[tuple[str, Piece]]:
    """Yield every piece of all files with the file's name."""
    for file in migration.files:
        with ExitStack() as stack:
            path = stack.enter_context(local_file(file["key"]))
            for piece in pieces(path, file["name"]):
                yield file["name"], piece


class _Found:
    """What the check met, counted; of many different values only so many are kept."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {
            name: Counter() for name in ("statuses", "priorities", "fields", "groups", "tags", "channels")
        }
        self.tickets = self.people = self.messages = self.files = self.known = self.bad = self.items = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.samples: list[dict[str, str]] = []

    def add(self, ticket: TicketIn) -> None:
        self.tickets += 1
        self.messages += len(ticket.comments)
        self.files += sum(len(comment.files) for comment in ticket.comments)
        for name, values in (
            ("statuses", [ticket.status]), ("priorities", [ticket.priority]), ("fields", list(ticket.fields)),
            ("groups", [ticket.group] if ticket.group else []), ("tags", ticket.tags), ("channels", [ticket.channel]),
        ):  # fmt: skip
            for value in values:
                if value in self.counts[name] or len(self.counts[name]) < 200:
                    self.counts[name][value] += 1
        self.first = min(self.first or ticket.created_at, ticket.created_at)
        self.last = max(self.last or ticket.created_at, ticket.created_at)
        if len(self.samples) < 5:
            self.samples.append({
                "number": ticket.number, "status": ticket.status, "messages": str(len(ticket.comments)),
                "at": ticket.created_at.isoformat(),
            })  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        lists = {
            name: [{"value": value, "count": count} for value, count in counter.most_common(60)]
            for name, counter in self.counts.items()
        }
        return lists | {
            "messages": self.messages, "files": self.files, "known": self.known, "samples": self.samples,
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
        }  # fmt: skip


def check_migration(*, migration_id: int, at: datetime) -> Migration | None:
    """Read the files dry and propose what each value becomes; None when it was called off meanwhile.

    Asked again (a killed worker) it begins anew. Sets the state to checked, or failed when a file cannot be read.
    """
    migration = Migration.objects.filter(pk=migration_id, state=MigrationState.CHECKING).first()
    if migration is None:
        return None
    MigrationProblem.objects.filter(migration=migration).delete()
    MigrationPerson.objects.filter(migration=migration).delete()
    found = _Found()
    try:
        for batch in batched(read_all(migration), BATCH):
            if not _look(migration, batch, found):
                return None
    except DomainError as refused:
        return fail_migration(migration_id=migration.pk, code=refused.code, at=at)
    return _finish(migration.pk, found)


def _look(migration: Migration, batch: tuple[tuple[str, Piece], ...], found: _Found) -> bool:
    people: dict[str, MigrationPerson] = {}
    problems: list[MigrationProblem] = []
    ids = []
    for name, piece in batch:
        found.items += 1
        try:
            read = read_piece(piece)
        except Unfit as unfit:
            found.bad += 1
            if found.bad <= MOST_PROBLEMS:
                problems.append(problem(migration, name, piece, unfit))
            continue
        if isinstance(read, TicketIn):
            found.add(read)
            ids.append(id_of(migration.source, "ticket", read.number))
        else:
            found.people += 1
            people[read.number] = person_row(migration, read)
    found.known += Ticket.objects.filter(client_id__in=ids).count() if ids else 0
    with transaction.atomic():
        MigrationPerson.objects.bulk_create(
            people.values(), update_conflicts=True, unique_fields=["migration", "number"],
            update_fields=["name", "email_enc", "phone_enc", "is_agent"],
        )  # fmt: skip
        MigrationProblem.objects.bulk_create(problems)
        state = Migration.objects.filter(pk=migration.pk, state=MigrationState.CHECKING)
        going = state.update(items_total=found.items, bad=found.bad)
        announce(f"migration.{migration.pk}", "migration", migration.pk, found.items)
    return bool(going)


def read_piece(piece: Piece) -> TicketIn | PersonIn:
    """Return what a piece tells. Raises Unfit."""
    if piece.fault:
        raise Unfit(piece.fault)
    try:
        return read_ticket(piece.data) if piece.kind == "ticket" else read_user(piece.data)
    except RecursionError:
        raise Unfit("too_deep") from None


def person_row(migration: Migration, one: PersonIn) -> MigrationPerson:
    """Return the row that keeps a user until the migration is over."""
    return MigrationPerson(
        migration=migration, number=one.number, name=one.name, is_agent=bool(one.is_agent),
        email_enc=encrypt(one.email) if one.email else None, phone_enc=encrypt(one.phone) if one.phone else None,
    )  # fmt: skip


def problem(migration: Migration, name: str, piece: Piece, unfit: Unfit) -> MigrationProblem:
    """Return the row that says why a piece was refused; what stood there is kept encrypted."""
    told = piece.excerpt or (str(piece.data) if piece.data is not None else "")
    told = told[:500].encode("utf-8", "replace").decode().replace("\x00", "")
    return MigrationProblem(
        migration=migration, file=name[:200], line=piece.line, code=unfit.code,
        detail=unfit.detail.encode("utf-8", "replace").decode().replace("\x00", ""),
        excerpt_enc=encrypt(told) if told else None,
    )  # fmt: skip


@transaction.atomic
def _finish(migration_id: int, found: _Found) -> Migration | None:
    migration = lock_migration(migration_id)
    if migration.state != MigrationState.CHECKING:
        return None
    if not found.tickets and not found.people:
        move_migration(migration, MigrationState.FAILED)
        migration.failure_code = "nothing_found"
    else:
        move_migration(migration, MigrationState.CHECKED)
    migration.items_total, migration.tickets_total = found.items, found.tickets
    migration.people_total, migration.bad = found.people, found.bad
    migration.found = found.as_json() | {"agents": _agents(migration)}
    migration.mapping = propose(migration.found)
    migration.save()
    logger.info("migration.checked id=%s tickets=%s bad=%s", migration.pk, found.tickets, found.bad)
    return migration


def _agents(migration: Migration) -> dict[str, int]:
    from core.crypto import decrypt

    rows = MigrationPerson.objects.filter(migration=migration, is_agent=True)
    addresses = [decrypt(bytes(row.email_enc)).lower() for row in rows[:2000] if row.email_enc]
    return {"all": rows.count(), "here": Staff.objects.filter(is_active=True, email__in=addresses).count()}


def propose(found: dict[str, Any]) -> dict[str, Any]:
    """Return what each value becomes unless somebody says otherwise: statuses, priorities, fields by name."""
    fields = {name.lower(): row.key for row in CustomField.objects.filter(is_active=True)
              for name in (row.key, row.label_zh, row.label_en)}  # fmt: skip
    return {
        "statuses": {row["value"]: STATUSES.get(row["value"], TicketStatus.CLOSED) for row in found["statuses"]},
        "priorities": {row["value"]: PRIORITIES.get(row["value"], 20) for row in found["priorities"]},
        "fields": {row["value"]: fields.get(row["value"].lower(), "note") for row in found["fields"]},
        "keep_tags": True,
    }


@transaction.atomic
def fail_migration(*, migration_id: int, code: str, at: datetime) -> Migration | None:
    """Write down that the files cannot be read further; what is in stays in."""
    migration = lock_migration(migration_id)
    if migration.state not in {MigrationState.CHECKING, MigrationState.RUNNING}:
        return None
    move_migration(migration, MigrationState.FAILED)
    migration.failure_code, migration.finished_at = code[:40], at
    migration.save()
    return migration
