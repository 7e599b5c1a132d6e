"""Write many messages at once: COPY, with keys taken from the sequence beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import NOT_PROVIDED

from core.events.bulk import NULL, iso
from core.inserting import reserve_ids
from tickets.models import Message

# Every column the database does not fill by itself: a new one needs no line here.
_FIELDS = [
    field
    for field in Message._meta.concrete_fields
    if not field.generated and field.db_default is NOT_PROVIDED and not field.primary_key
]
_COLUMNS = ", ".join(["id", *(str(field.column) for field in _FIELDS)])
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})


def copy_messages(messages: Sequence[Message]) -> None:
    """Write new messages whose tickets are there; each gets its key. Call inside a transaction."""
    if not messages:
        return
    for message, pk in zip(messages, reserve_ids("tickets_message", len(messages)), strict=True):
        message.pk = pk
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(f"COPY tickets_message ({_COLUMNS}) FROM STDIN") as copy,  # allowed: our own column names
    ):
        copy.write("".join(map(_line, messages)))


def _line(message: Message) -> str:
    message.ticket = message.ticket  # takes the key the ticket got; setting ticket_id would forget the ticket itself
    cells = (message.pk, *(getattr(message, field.attname) for field in _FIELDS))
    return "\t".join(map(_cell, cells)) + "\n"


def _cell(value: object) -> str:
    if value is None:
        return NULL
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return iso(value) if isinstance(value, datetime) else str(value)
