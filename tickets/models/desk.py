"""What the desk works with: categories, canned replies, drafts, read marks, blocked senders."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.enums import Skill
from core.models.fields import ClockTimestamp
from tickets.enums import Stage


class Category(models.Model):
    """What a ticket is about; two levels. Customers read the public names, where there are any."""

    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    key = models.SlugField(max_length=40, unique=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    public_zh = models.CharField(max_length=60, blank=True, default="")
    public_en = models.CharField(max_length=60, blank=True, default="")
    skill = models.CharField(max_length=20, choices=Skill, blank=True, default="")
    stage = models.CharField(max_length=12, choices=Stage, default=Stage.IN_SALE)
    is_complaint = models.BooleanField(default=False)
    is_public = models.BooleanField(default=True)
    is_active = models.BooleanField(default=True)
    position = models.SmallIntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_category"
        constraints = [models.CheckConstraint(condition=Q(stage__in=Stage.values), name="category_stage_known")]

    def __str__(self) -> str:
        return self.key

    def name_in(self, language: str) -> str:
        """Return the name in `zh-hans` or `en`."""
        return self.name_en if language == "en" else self.name_zh

    def public_name_in(self, language: str) -> str:
        """Return what customers read in `zh-hans` or `en`."""
        return (self.public_en if language == "en" else self.public_zh) or self.name_in(language)


class CannedReply(models.Model):
    """A prepared answer with variables such as {customer_name}; `owner` null = everybody's."""

    title = models.CharField(max_length=80)
    shortcut = models.CharField(max_length=40)
    folder = models.CharField(max_length=40, blank=True, default="")
    body = models.TextField()
    language = models.CharField(max_length=10, default="zh-hans")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="canned_replies",
    )
    is_active = models.BooleanField(default=True)
    used_count = models.IntegerField(default=0)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_canned_reply"
        constraints = [
            models.UniqueConstraint(
                fields=["shortcut", "language", "owner"],
                name="canned_reply_shortcut",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.title


class Draft(models.Model):
    """What an agent has typed and not sent; hers alone."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="drafts", db_index=False)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    kind = models.CharField(max_length=8, default="public")
    text = models.TextField(blank=True, default="")
    seen_version = models.IntegerField(default=0)
    updated_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_draft"
        constraints = [models.UniqueConstraint(fields=["ticket", "staff", "kind"], name="draft_per_agent")]

    def __str__(self) -> str:
        return f"draft {self.pk}"


class TicketRead(models.Model):
    """How far a member of staff has read a ticket."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="reads", db_index=False)
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="ticket_reads")
    seq = models.IntegerField()

    class Meta:
        db_table = "tickets_read"
        constraints = [models.UniqueConstraint(fields=["ticket", "staff"], name="ticket_read_once")]

    def __str__(self) -> str:
        return f"{self.ticket_id} read to {self.seq}"


class BlockedSender(models.Model):
    """A sender whose forms and mails go to spam; the value is kept as a digest and a mask."""

    kind = models.CharField(
        max_length=12,
        choices=[("email", "email"), ("phone", "phone"), ("domain", "domain")],
    )
    value_index = models.BinaryField(max_length=32)
    mask = models.CharField(max_length=80)
    reason = models.CharField(max_length=120, blank=True, default="")
    blocked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_blocked_sender"
        constraints = [models.UniqueConstraint(fields=["kind", "value_index"], name="blocked_sender_once")]

    def __str__(self) -> str:
        return self.mask
