"""The trial's catch-all: what was sent to customers, for the mail viewer."""

from __future__ import annotations

from django.db import models

from core.models.fields import ClockTimestamp
from notifications.enums import Channel


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


class CaughtNote(models.Model):
    """A text message, WeChat message or push notice that the trial's stand-in of a provider took; never elsewhere.

    `reference` is the sender's key: the same message handed over twice is one row, counted in `times`.
    """

    event_type = "caught_note"

    channel = models.CharField(max_length=12, choices=Channel)
    recipient = models.CharField(max_length=320)
    title = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField(blank=True, default="")
    url = models.CharField(max_length=2000, blank=True, default="")
    reference = models.CharField(max_length=64)
    times = models.SmallIntegerField(default=1)
    customer_id = models.BigIntegerField(null=True)
    caught_at = models.DateTimeField()

    class Meta:
        db_table = "notifications_caught_note"
        constraints = [
            models.UniqueConstraint(fields=["channel", "reference"], name="caught_note_once"),
        ]

    def __str__(self) -> str:
        return f"caught note {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to."""
        return {}
