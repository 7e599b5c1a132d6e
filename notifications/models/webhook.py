"""Outgoing webhooks: who wants to hear what, each message with its tries, and how far the log was read."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from notifications.webhook_enums import WebhookSentState, WebhookState


class Webhook(models.Model):
    """A subscription: an address that is told of events (`shop_ids` empty = of all shops).

    The secret is encrypted and shown once; `old_secret_enc` signs beside it until `old_secret_until`. It hears of what
    is recorded from `active_since` on. `failures` in a row, since `failing_since`; nothing is sent before `rest_until`.
    `wave` names the next job that sends for it.
    """

    event_type = "webhook"

    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    kinds = ArrayField(models.CharField(max_length=64))
    shop_ids = ArrayField(models.BigIntegerField(), default=list)
    state = models.CharField(max_length=10, choices=WebhookState, default=WebhookState.ACTIVE)
    secret_enc = models.BinaryField()
    old_secret_enc = models.BinaryField(null=True)
    old_secret_until = models.DateTimeField(null=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    active_since = models.DateTimeField()
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    rest_until = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_code = models.CharField(max_length=40, blank=True, default="")
    wave = models.BigIntegerField(default=1)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_webhook"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=WebhookState.values), name="webhook_state_known"),
            models.CheckConstraint(condition=~Q(kinds=[]), name="webhook_wants_something"),
            models.CheckConstraint(
                condition=Q(failures=0, failing_since__isnull=True) | Q(failures__gt=0, failing_since__isnull=False),
                name="webhook_failing_has_time",
            ),
            models.CheckConstraint(
                condition=Q(old_secret_enc__isnull=True, old_secret_until__isnull=True)
                | Q(old_secret_enc__isnull=False, old_secret_until__isnull=False),
                name="webhook_old_secret_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """A subscription belongs to no stream."""
        return {}


class WebhookSent(models.Model):
    """One message to one subscription: its words are fixed when it is written, and so is its id.

    `message_id` is the receiver's idempotency key over all tries and replays. `event_id` None: a test by hand.
    `held_until` keeps a second worker away while one talks to the receiver.
    """

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="sent")
    message_id = models.CharField(max_length=40)
    event_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=64)
    body = models.TextField()
    state = models.CharField(max_length=8, choices=WebhookSentState, default=WebhookSentState.QUEUED)
    attempts = models.PositiveIntegerField(default=0)
    tries_left = models.PositiveSmallIntegerField(default=10)
    next_try_at = models.DateTimeField(null=True)
    held_until = models.DateTimeField(null=True)
    queued_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    last_code = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        db_table = "notifications_webhook_sent"
        constraints = [
            models.UniqueConstraint(fields=["message_id"], name="webhook_sent_id"),
            models.UniqueConstraint(fields=["webhook", "event_id"], name="webhook_sent_once"),
            models.CheckConstraint(condition=Q(state__in=WebhookSentState.values), name="webhook_sent_state_known"),
            models.CheckConstraint(
                condition=Q(state="queued", next_try_at__isnull=False, done_at__isnull=True)
                | (~Q(state="queued") & Q(next_try_at__isnull=True, done_at__isnull=False)),
                name="webhook_sent_times_fit",
            ),
        ]
        indexes = [
            models.Index(fields=["webhook", "next_try_at", "id"], name="webhook_sent_due", condition=Q(state="queued")),
            models.Index(F("webhook"), F("id").desc(), name="webhook_sent_newest"),
            models.Index(fields=["queued_at"], name="webhook_sent_queued"),
        ]

    def __str__(self) -> str:
        return self.message_id


class WebhookTry(models.Model):
    """One try: what was sent (the heads, never the secret) and the beginning of what came back."""

    sent = models.ForeignKey(WebhookSent, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True)
    code = models.CharField(max_length=40)
    request_head = models.TextField()
    answer_head = models.TextField(blank=True, default="")

    class Meta:
        db_table = "notifications_webhook_try"
        constraints = [models.UniqueConstraint(fields=["sent", "number"], name="webhook_try_number")]

    def __str__(self) -> str:
        return f"try {self.number}: {self.code}"


class WebhookFeed(models.Model):
    """How far the log was read: one row. Events below `upto` are dealt with, of `window_end` those to `last_id`."""

    upto = models.BigIntegerField()
    window_end = models.BigIntegerField(null=True)
    last_id = models.BigIntegerField(default=0)

    class Meta:
        db_table = "notifications_webhook_feed"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="webhook_feed_one_row")]

    def __str__(self) -> str:
        return f"read to {self.upto}"
