"""The trial's catch-all: what was sent to customers, for the mail viewer."""

from __future__ import annotations

from django.db import models

from core.models.fields import ClockTimestamp


class CaughtMail(models.Model):
    """One mail the trial's own SMTP server took instead of the world; never written outside a trial."""

    event_type = "caught_mail"

    raw_name = models.CharField(max_length=160)
    size = models.IntegerField()
    sender = models.CharField(max_length=320, blank=True, default="")
    recipient = models.CharField(max_length=320)
    recipient_index = models.BinaryField(max_length=32)
    from_name = models.CharField(max_length=200, blank=True, default="")
    subject = models.CharField(max_length=300, blank=True, default="")
    snippet = models.CharField(max_length=200, blank=True, default="")
    message_id = models.CharField(max_length=255, blank=True, default="")
    caught_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_caught_mail"
        indexes = [
            models.Index(fields=["message_id"], name="caught_message_id"),
            models.Index(fields=["recipient_index", "-id"], name="caught_recipient"),
        ]

    def __str__(self) -> str:
        return f"caught mail {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to."""
        return {}
