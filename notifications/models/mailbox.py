"""Mail addresses the company writes from and receives at."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core.models.fields import ClockTimestamp
from notifications.enums import AfterTaking, PullState


class Mailbox(models.Model):
    """One address. `smtp_sealed` is the encrypted JSON of its own server; empty means the installation's SMTP_URL.

    `imap_sealed` is the encrypted JSON of the server we fetch its mail from; empty means its mail is brought to us.
    """

    event_type = "mailbox"

    address = models.CharField(max_length=254, unique=True)
    name_zh = models.CharField(max_length=80, blank=True, default="")
    name_en = models.CharField(max_length=80, blank=True, default="")
    shop_id = models.BigIntegerField(null=True, blank=True)
    smtp_sealed = models.BinaryField(default=b"", blank=True)
    imap_sealed = models.BinaryField(default=b"", db_default=b"", blank=True)
    imap_folder = models.CharField(max_length=200, blank=True, default="INBOX", db_default="INBOX")
    imap_after = models.CharField(max_length=8, choices=AfterTaking, default=AfterTaking.SEEN, db_default="seen")
    imap_move_to = models.CharField(max_length=200, blank=True, default="", db_default="")
    imap_seconds = models.PositiveIntegerField(default=60, db_default=60)
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
            models.CheckConstraint(condition=Q(imap_after__in=AfterTaking.values), name="mailbox_after_known"),
            models.CheckConstraint(condition=Q(imap_seconds__range=(15, 3600)), name="mailbox_seconds_sane"),
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


class MailboxPoll(models.Model):
    """How far the mail of one provider's folder is fetched; made when a mailbox begins to fetch.

    UIDs count within one `uidvalidity`. `since` (a time of arrival) leaves aside what lay there before; None takes all.
    `waiting` is what the last look found and did not take yet.
    """

    mailbox = models.OneToOneField(Mailbox, on_delete=models.CASCADE, primary_key=True, related_name="poll")
    next_at = models.DateTimeField()
    since = models.DateTimeField(null=True)
    uidvalidity = models.BigIntegerField(default=0)
    last_uid = models.BigIntegerField(default=0)
    looked_at = models.DateTimeField(null=True)
    good_at = models.DateTimeField(null=True)
    waiting = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    error_code = models.CharField(max_length=64, blank=True, default="")
    failed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_mailbox_poll"
        constraints = [
            models.CheckConstraint(condition=Q(failures=0) | ~Q(error_code=""), name="poll_failure_has_code"),
        ]
        indexes = [models.Index(fields=["next_at"], name="poll_due")]

    def __str__(self) -> str:
        return f"poll of mailbox {self.pk}"


class PulledMail(models.Model):
    """One mail in a provider's folder: fetched once, however often we look; `settled_at`: marked there."""

    mailbox = models.ForeignKey(Mailbox, on_delete=models.CASCADE, related_name="+")
    uidvalidity = models.BigIntegerField()
    uid = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=PullState, default=PullState.FETCHING)
    attempts = models.IntegerField(default=0)
    inbound = models.ForeignKey("notifications.InboundMail", on_delete=models.PROTECT, null=True, related_name="+")
    begun_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notifications_pulled_mail"
        constraints = [
            models.UniqueConstraint(fields=["mailbox", "uidvalidity", "uid"], name="pulled_once"),
            models.CheckConstraint(condition=Q(state__in=PullState.values), name="pulled_state_known"),
            models.CheckConstraint(
                condition=Q(state="fetching") | Q(inbound__isnull=False), name="pulled_has_its_mail"
            ),
        ]
        indexes = [
            models.Index(fields=["mailbox"], name="pulled_open", condition=Q(state="fetching")),
            models.Index(
                fields=["mailbox", "uidvalidity"],
                name="pulled_unsettled",
                condition=Q(settled_at__isnull=True) & ~Q(state="fetching"),
            ),
            models.Index(fields=["inbound"], name="pulled_inbound"),
            models.Index(fields=["begun_at"], name="pulled_begun"),
        ]

    def __str__(self) -> str:
        return f"pulled mail {self.pk}"
