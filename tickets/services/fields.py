"""Fill a ticket's own fields, and keep the fields themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.editing import own_changes
from core.errors import InvalidInput
from core.events import record
from core.text import tidy_text
from tickets.enums import FieldKind
from tickets.events import FieldsFilled
from tickets.models import CustomField, FieldValue, Ticket
from tickets.selectors.fields import fields_for_category, values_of
from tickets.services.locking import lock_ticket, not_before, save_ticket
from tickets.services.settings_rows import lock_row, write_row

MAX_VALUE = 500
MAX_CHOICES = 60


@transaction.atomic
def fill_fields(
    *, ticket_id: int, values: Mapping[int, str], shown: Mapping[int, str] | None = None, actor: Actor, at: datetime
) -> Ticket:
    """Write field values by field id; an empty one is taken out.

    `shown` is what the form said when it was opened: what others wrote beside it stays. Raises InvalidInput (fields
    field_<id>), StaleEdit for a field somebody else filled otherwise meanwhile.
    """
    ticket = lock_ticket(ticket_id)
    changed = write_values(ticket, values, shown)
    if changed:
        at = not_before(ticket, at)
        ticket.version += 1
        record(
            "ticket.fields_filled",
            subject=ticket,
            actor=actor,
            at=at,
            data=FieldsFilled(field_ids=tuple(changed), version=ticket.version),
        )
        save_ticket(ticket)
    return ticket


def write_values(ticket: Ticket, values: Mapping[int, str], shown: Mapping[int, str] | None = None) -> list[int]:
    """Write values of a locked ticket; return the ids of those that changed. Raises InvalidInput, StaleEdit."""
    own = {row.pk: row for row in fields_for_category(ticket.category_id)}
    errors: dict[str, list[Any]] = {}
    wanted: dict[int, str] = {}
    for pk, typed in values.items():
        row = own.get(pk)
        if row is None:
            continue
        try:
            wanted[pk] = read_value(row, typed)
        except InvalidInput as error:
            errors[f"field_{pk}"] = error.fields["value"]
    if errors:
        raise InvalidInput(fields=errors)
    changed = sorted(own_changes(shown or {}, wanted, values_of(ticket.pk)))
    for pk in changed:
        if wanted[pk]:
            FieldValue.objects.update_or_create(ticket=ticket, field_id=pk, defaults={"value": wanted[pk]})
        else:
            FieldValue.objects.filter(ticket=ticket, field_id=pk).delete()
    return changed


def read_value(row: CustomField, typed: str) -> str:
    """Return what was typed as it is stored, "" for nothing. Raises InvalidInput (fields value)."""
    text = " ".join(tidy_text(typed).split())
    if not text:
        return ""
    if len(text) > MAX_VALUE:
        raise InvalidInput(fields={"value": [_("This is too long.")]})
    if row.kind == FieldKind.NUMBER:
        return _number(text)
    if row.kind == FieldKind.DATE:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise InvalidInput(fields={"value": [_("This is not a date.")]}) from None
    if row.kind == FieldKind.YESNO and text not in {"yes", "no"}:
        raise InvalidInput(fields={"value": [_("Choose yes or no.")]})
    if row.kind == FieldKind.CHOICE and text not in {one["value"] for one in row.choices}:
        raise InvalidInput(fields={"value": [_("Choose one from the list.")]})
    return text


def _number(text: str) -> str:
    try:
        number = Decimal(text.replace(",", "").replace("，", ""))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15 or number.as_tuple().exponent < -6:  # type: ignore[operator]
        raise InvalidInput(fields={"value": [_("This is not a number.")]})
    return format(number.normalize(), "f")


@dataclass(frozen=True)
class FieldWords:
    """What a custom field is; `category_id` None = every ticket; `choices` are {"value", "zh", "en"}."""

    key: str
    label_zh: str
    label_en: str
    kind: str = FieldKind.TEXT
    category_id: int | None = None
    choices: list[dict[str, str]] = field(default_factory=list)
    is_required: bool = False
    is_public: bool = False
    is_active: bool = True
    position: int = 0


@transaction.atomic
def save_field(*, pk: int | None, words: FieldWords, version: int | None = None) -> CustomField:
    """Add or change a field; the kind of a used one stays, and so do the choices in use.

    Raises InvalidInput, NotFound, StaleEdit.
    """
    wanted = {**vars(words), "choices": words.choices if words.kind == FieldKind.CHOICE else []}
    if words.kind == FieldKind.CHOICE:
        _check_choices(pk, words.choices)
    try:
        with transaction.atomic():
            if pk is None:
                return CustomField.objects.create(**wanted)
            row = lock_row(CustomField, pk, version, wanted)
            if row.kind != words.kind and FieldValue.objects.filter(field=row).exists():
                raise InvalidInput(fields={"kind": [_("Tickets hold values of this kind already; add a new field.")]})
            write_row(row, wanted)
            return row
    except IntegrityError:
        raise InvalidInput(fields={"key": [_("Another field already has this code.")]}) from None


def _check_choices(pk: int | None, choices: list[dict[str, str]]) -> None:
    values = [one["value"] for one in choices]
    if not 2 <= len(values) <= MAX_CHOICES:
        raise InvalidInput(fields={"choices": [_("Give two to sixty choices, one a line.")]})
    if len(set(values)) != len(values):
        raise InvalidInput(fields={"choices": [_("Two choices have the same code.")]})
    if pk is None:
        return
    gone = FieldValue.objects.filter(field_id=pk).exclude(value__in=values).values_list("value", flat=True).first()
    if gone:
        raise InvalidInput(fields={"choices": [_("“%(value)s” is in use and must stay.") % {"value": gone}]})
