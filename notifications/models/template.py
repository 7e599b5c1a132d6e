"""Templates as the company changed them; the originals stand in code."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from notifications.enums import Channel


class MessageTemplate(models.Model):
    """The company's own wording of one registered template in one language."""

    event_type = "message_template"

    key = models.CharField(max_length=64)
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.EMAIL)
    language = models.CharField(max_length=10)
    subject = models.CharField(max_length=200, blank=True, default="")
    body = models.TextField()
    version = models.IntegerField(default=1)
    changed_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_template"
        constraints = [
            models.UniqueConstraint(fields=["key", "channel", "language"], name="template_once"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="template_channel_known"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.language}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to."""
        return {}
