"""Macros: an answer and everything that goes with it, in one step."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from tickets.enums import MacroAssign, MessageKind, Priority, TicketStatus


class Macro(models.Model):
    """What one press does to a ticket; `owner` null = everybody's. Empty parts are left as they are."""

    title = models.CharField(max_length=80)
    folder = models.CharField(max_length=40, blank=True, default="")
    kind = models.CharField(max_length=8, choices=MessageKind, default=MessageKind.PUBLIC)
    body = models.TextField(blank=True, default="")
    status = models.CharField(max_length=20, choices=TicketStatus, blank=True, default="")
    priority = models.SmallIntegerField(choices=Priority, null=True, blank=True)
    category = models.ForeignKey("tickets.Category", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    add_tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    remove_tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    assign = models.CharField(max_length=8, choices=MacroAssign, default=MacroAssign.KEEP)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    team = models.ForeignKey("accounts.Team", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="macros"
    )
    is_active = models.BooleanField(default=True)
    used_count = models.IntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_macro"
        constraints = [
            models.UniqueConstraint(fields=["title", "owner"], name="macro_title", nulls_distinct=False),
            models.CheckConstraint(condition=Q(kind__in=["public", "note"]), name="macro_kind_known"),
            models.CheckConstraint(condition=Q(assign__in=MacroAssign.values), name="macro_assign_known"),
        ]

    def __str__(self) -> str:
        return self.title
