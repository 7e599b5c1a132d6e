"""What a shop wants to know of a case beyond the category: its own fields, and what they hold for a ticket."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q

from tickets.enums import FieldKind


class CustomField(models.Model):
    """A field of a category (those below it have it too; no category = every ticket).

    `choices` is a list of {"value", "zh", "en"}. A required one must be filled before a person resolves the ticket.
    A used field is rested, never deleted.
    """

    category = models.ForeignKey(
        "tickets.Category", on_delete=models.PROTECT, null=True, blank=True, related_name="custom_fields"
    )
    key = models.SlugField(max_length=40, unique=True)
    label_zh = models.CharField(max_length=60)
    label_en = models.CharField(max_length=60)
    kind = models.CharField(max_length=8, choices=FieldKind, default=FieldKind.TEXT)
    choices = models.JSONField(default=list, blank=True)
    is_required = models.BooleanField(default=False)
    is_public = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    position = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_custom_field"
        constraints = [models.CheckConstraint(condition=Q(kind__in=FieldKind.values), name="custom_field_kind_known")]

    def __str__(self) -> str:
        return self.key

    def label_in(self, language: str) -> str:
        """Return the label in `zh-hans` or `en`."""
        return self.label_en if language == "en" else self.label_zh

    def choices_in(self, language: str) -> list[tuple[Any, str]]:
        """Return (value, words) of a choice field."""
        return [(one["value"], one["en" if language == "en" else "zh"] or one["value"]) for one in self.choices]


class FieldValue(models.Model):
    """What a field holds for a ticket, as text: a decimal, an ISO date, yes or no, a choice's value, or words."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="field_values")
    field = models.ForeignKey(CustomField, on_delete=models.PROTECT, related_name="values")
    value = models.CharField(max_length=500)

    class Meta:
        db_table = "tickets_field_value"
        constraints = [models.UniqueConstraint(fields=["ticket", "field"], name="field_value_once")]
        indexes = [models.Index(fields=["value"], name="field_value_search")]

    def __str__(self) -> str:
        return f"field {self.field_id} of ticket {self.ticket_id}"
