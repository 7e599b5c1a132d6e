from typing import ClassVar

from django.db import models
from django.utils.timezone import now


class Notification(models.Model):
    """One entry of a member of staff's notification centre; `params` holds ids and codes only."""

    staff = models.ForeignKey("accounts.Staff", on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=64)
    params = models.JSONField(default=dict, blank=True)
    url = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=now)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(name="accounts_notice_newest", fields=["staff", "-id"]),
            models.Index(name="accounts_notice_unread", fields=["staff"], condition=models.Q(read_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.staff_id}"


class UserPreference(models.Model):
    """A small thing a person likes a certain way: pane widths, last view, folded sections."""

    staff = models.ForeignKey("accounts.Staff", on_delete=models.CASCADE, related_name="preferences")
    key = models.CharField(max_length=64)
    value = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["staff", "key"], name="accounts_preference_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.staff_id}"
