"""An archive of tickets, customers and orders on its way out."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from tickets.archive_enums import ArchiveFormat, ArchiveState


class Archive(models.Model):
    """What somebody asked to take out: written piece by piece, kept for a day, fetched by whoever asked.

    `pieces` are {"name", "key", "crc", "size", "packed", "rows"}, each a whole file of the later zip; `place` is the
    table being written and the key of its last row, where a stopped one goes on. `scope` is what the asker saw.
    """

    event_type = "archive"

    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    press = models.UUIDField()
    archive_format = models.CharField(max_length=4, choices=ArchiveFormat, default=ArchiveFormat.CSV)
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, null=True, related_name="+")
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    scope = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=ArchiveState, default=ArchiveState.WRITING)
    folder = models.CharField(max_length=80)
    pieces = models.JSONField(default=list)
    place = models.JSONField(default=dict)
    counts = models.JSONField(default=dict)
    rows_total = models.BigIntegerField(null=True)
    rows_done = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    failure_code = models.CharField(max_length=40, blank=True, default="")
    fetched_count = models.IntegerField(default=0)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    touched_at = models.DateTimeField(db_default=ClockTimestamp())
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_archive"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ArchiveState.values), name="archive_state_known"),
            models.CheckConstraint(condition=Q(archive_format__in=ArchiveFormat.values), name="archive_format_known"),
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(expires_at__isnull=False), name="archive_ready_expires"
            ),
            models.UniqueConstraint(fields=["asked_by", "press"], name="archive_asked_once"),
            models.UniqueConstraint(fields=["asked_by"], name="archive_one_at_a_time", condition=Q(state="writing")),
        ]
        indexes = [models.Index(fields=["asked_by", "-id"], name="archive_mine")]

    def __str__(self) -> str:
        return f"archive {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this archive belong to."""
        return {"shop_id": self.shop_id}
