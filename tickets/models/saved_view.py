"""Filters people keep: their own, and those of a team."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from tickets.enums import Sorting


class SavedView(models.Model):
    """A kept filter over tickets; `team` null = private to its owner, else the team's.

    `conditions` is what tickets.selectors.filters reads: {"status": ["open"], "assignee": ["me", "12"], …}. It only
    narrows: what a person may see is decided by the door, whoever made the filter.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="saved_views")
    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, null=True, related_name="saved_views")
    name = models.CharField(max_length=60)
    conditions = models.JSONField(default=dict)
    sorting = models.CharField(max_length=12, choices=Sorting, default=Sorting.NEWEST)
    position = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_saved_view"
        constraints = [
            models.UniqueConstraint("owner", Lower("name"), name="saved_view_own_name", condition=Q(team__isnull=True)),
            models.UniqueConstraint(
                "team", Lower("name"), name="saved_view_team_name", condition=Q(team__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(owner__isnull=False) | Q(team__isnull=False), name="saved_view_is_someones"
            ),
            models.CheckConstraint(condition=Q(sorting__in=Sorting.values), name="saved_view_sorting_known"),
        ]

    def __str__(self) -> str:
        return self.name
