"""Mail addresses the company writes from and receives at."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core.models.fields import ClockTimestamp


class Mailbox(models.Model):
    """One address. `smtp_sealed` is the encrypted JSON of its own server; empty means the installation's SMTP_URL."""

    event_type = "mailbox"

    address = models.CharField(max_length=254, unique=True)
    name_zh = models.CharField(max_length=80, blank=True, default="")
    name_en = models.CharField(max_length=80, blank=True, default="")
    shop_id = models.BigIntegerField(null=True, blank=True)
    smtp_sealed = models.BinaryField(default=b"", blank=True)
    signature_zh = models.TextField(blank=True, default="")
    signature_en = models.TextField(blank=True, default="")
    is_default = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    last_in_at = models.DateTimeField(null=True, blank=True)
    last_out_at = models.DateTimeField(null=True, blank=True)
    last_error_code = models.CharField(max_length=64, blank=True, default="")
    last_error_at = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_mailbox"
        constraints = [
            models.CheckConstraint(condition=Q(address=Lower("address")), name="mailbox_address_lower"),
            models.UniqueConstraint(fields=["is_default"], name="mailbox_one_default", condition=Q(is_default=True)),
            models.CheckConstraint(condition=Q(is_default=False) | Q(is_active=True), name="mailbox_default_is_active"),
        ]
        indexes = [models.Index(fields=["shop_id"], name="mailbox_shop", condition=Q(is_active=True))]

    def __str__(self) -> str:
        return f"mailbox {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this mailbox belong to."""
        return {"shop_id": self.shop_id}

    def name_in(self, language: str) -> str:
        """Return the sender's name in a language, in the other one when it has none."""
        first, second = (self.name_en, self.name_zh) if language == "en" else (self.name_zh, self.name_en)
        return first or second

    def signature_in(self, language: str) -> str:
        """Return the signature in a language, in the other one when it has none."""
        pair = (self.signature_en, self.signature_zh) if language == "en" else (self.signature_zh, self.signature_en)
        return pair[0] or pair[1]
