"""A ticket's own fields: which belong to its category, what they hold, which are still missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, JSONField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext

from tickets.enums import FieldKind
from tickets.models import CustomField, FieldValue, Ticket


@dataclass(frozen=True)
class Shown:
    """A field beside a ticket: its words in the reader's language and its value as people read it."""

    id: int
    label: str
    value: str
    words: str
    is_required: bool

    @property
    def is_missing(self) -> bool:
        """Tell whether the ticket cannot be resolved before this is filled."""
        return self.is_required and not self.value


def fields_for_category(category_id: int | None) -> QuerySet[CustomField]:
    """Return the fields in use of a category, of the one above it, and of every ticket."""
    own = Q(category__isnull=True)
    if category_id is not None:
        own |= Q(category_id=category_id) | Q(category__children=category_id)
    return CustomField.objects.filter(own, is_active=True).order_by("position", "pk").distinct()


FIELDS = """
(SELECT coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'zh', f.label_zh, 'en', f.label_en, 'kind', f.kind,
          'choices', f.choices, 'required', f.is_required, 'value', v.value) ORDER BY f.position, f.id), '[]')
   FROM tickets_custom_field f
   LEFT JOIN tickets_field_value v ON v.field_id = f.id AND v.ticket_id = tickets_ticket.id
  WHERE f.is_active AND (f.category_id IS NULL OR f.category_id = tickets_ticket.category_id
     OR f.category_id = (SELECT c.parent_id FROM tickets_category c WHERE c.id = tickets_ticket.category_id)))
"""


def field_marks() -> dict[str, Any]:
    """Return the annotation `own_fields` for get_ticket_for: the ticket's fields with their values."""
    return {"own_fields": RawSQL(FIELDS, [], output_field=JSONField())}


def shown_fields(told: list[dict[str, Any]], language: str) -> list[Shown]:
    """Return the annotation's fields as a page shows them."""
    second = language == "en"
    rows = []
    for one in told:
        value = one["value"] or ""
        label = one["en"] if second else one["zh"]
        words = value_words(one["kind"], value, one["choices"], language)
        rows.append(Shown(one["id"], label, value, words, one["required"]))
    return rows


def value_words(kind: str, value: str, choices: list[dict[str, str]], language: str) -> str:
    """Return a stored value as people read it."""
    if not value:
        return ""
    if kind == FieldKind.YESNO:
        return gettext("Yes") if value == "yes" else gettext("No")
    if kind == FieldKind.DATE:
        return date_format(date.fromisoformat(value), "DATE_FORMAT")
    if kind == FieldKind.NUMBER:
        return number_format(Decimal(value), use_l10n=True, force_grouping=True)
    if kind == FieldKind.CHOICE:
        found = next((one for one in choices if one["value"] == value), None)
        return (found["en" if language == "en" else "zh"] or value) if found else value
    return value


def values_of(ticket_id: int) -> dict[int, str]:
    """Return field id → value."""
    return dict(FieldValue.objects.filter(ticket_id=ticket_id).values_list("field_id", "value"))


def missing_fields(ticket: Ticket, category_id: int | None = None) -> list[CustomField]:
    """Return the required fields that are empty, in their order; `category_id` asks as if it were of that one."""
    filled = FieldValue.objects.filter(ticket_id=ticket.pk).values("field_id")
    return list(fields_for_category(category_id or ticket.category_id).filter(is_required=True).exclude(pk__in=filled))


def fields_for_settings() -> list[CustomField]:
    """Return all fields with their category, resting ones last."""
    rows = CustomField.objects.select_related("category")
    return list(
        rows.order_by("-is_active", F("category__position").asc(nulls_first=True), "category_id", "position", "pk")
    )


def tickets_with_value(text: str, limit: int = 100) -> list[int]:
    """Return tickets one of whose fields holds exactly this (a batch number, a shop's own code), newest first."""
    rows = FieldValue.objects.filter(value=text.strip(), field__kind=FieldKind.TEXT).order_by("-ticket_id")
    return list(rows.values_list("ticket_id", flat=True)[:limit])


def public_fields() -> list[CustomField]:
    """Return the fields customers may fill in the form: those of every ticket and of public top categories."""
    public = Q(category__isnull=True) | Q(category__is_public=True, category__is_active=True)
    rows = CustomField.objects.filter(public, is_active=True, is_public=True).select_related("category")
    return list(rows.order_by("category__position", "position", "pk"))
