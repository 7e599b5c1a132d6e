"""Filters of lists that people keep: their own, and those of a team."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower


class ListFilter(models.Model):
    """A kept filter of the list `list_key`; `team` null = private to its owner, else the team's.

    `conditions` is what the list reads from its address, as text. It only narrows: what a person may see is decided by
    the list's door, whoever made the filter. A look-up (a number, a phone) is never kept.
    """

    list_key = models.SlugField(max_length=32)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="list_filters")
    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, null=True, related_name="list_filters")
    name = models.CharField(max_length=60)
    conditions = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                "list_key", "owner", Lower("name"), name="list_filter_own_name", condition=Q(team__isnull=True)
            ),
            models.UniqueConstraint(
                "list_key", "team", Lower("name"), name="list_filter_team_name", condition=Q(team__isnull=False)
            ),
            models.CheckConstraint(condition=~Q(name=""), name="list_filter_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
