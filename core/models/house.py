"""The company itself, rate counters and replies kept for repeated requests."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp


class Company(models.Model):
    """The one company of this installation (a single row with id 1)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=64, default="Asia/Shanghai")
    language = models.CharField(max_length=10, default="zh-hans")
    setup_step = models.CharField(max_length=24, default="company")
    set_up_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "core_company"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="company_single_row")]

    def __str__(self) -> str:
        return self.name


class RateCounter(models.Model):
    """Hits of one key within one window; rows are swept when the window has passed."""

    scope = models.CharField(max_length=40)
    key_hash = models.BinaryField()
    window_start = models.DateTimeField()
    hits = models.IntegerField()
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "core_rate_counter"
        constraints = [models.UniqueConstraint(fields=["scope", "key_hash", "window_start"], name="rate_window")]
        indexes = [models.Index(fields=["expires_at"], name="rate_expiry")]

    def __str__(self) -> str:
        return self.scope


class IdempotentReply(models.Model):
    """The answer once given to a request with an Idempotency-Key; the same key gets it again."""

    scope = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    request_hash = models.BinaryField()
    status = models.SmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "core_idempotent_reply"
        constraints = [models.UniqueConstraint(fields=["scope", "key"], name="idempotent_scope_key")]
        indexes = [models.Index(fields=["created_at"], name="idempotent_created")]

    def __str__(self) -> str:
        return self.scope
