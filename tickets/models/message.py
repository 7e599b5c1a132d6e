"""Messages of a ticket and their attachments."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat

from core.models.fields import ClockTimestamp
from core.text.lookups import Tokens
from tickets.enums import AuthorType, MessageKind


class Message(models.Model):
    """One message. `seq` is dense per ticket; `public_seq` is dense over what the customer may see, null for notes.

    `html` is sanitised again whenever shown; `quoted` keeps the folded rest of a mail. `mail_id` is the Message-ID.
    `heading` is the ticket's subject on its first message, for search; a trigger keeps it.
    `mentioned` are the colleagues a note speaks to, null for nobody.
    """

    event_type = "message"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="messages", db_index=False)
    seq = models.IntegerField()
    public_seq = models.IntegerField(null=True)
    client_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=8, choices=MessageKind)
    author_type = models.CharField(max_length=12, choices=AuthorType)
    author_id = models.BigIntegerField(null=True)
    channel = models.CharField(max_length=12)
    heading = models.TextField(blank=True, default="", db_default="")
    text = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")
    quoted = models.TextField(blank=True, default="")
    mail_id = models.CharField(max_length=255, blank=True, default="")
    delivery_id = models.BigIntegerField(null=True)
    mentioned = ArrayField(models.BigIntegerField(), null=True)
    at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    search = models.GeneratedField(
        expression=Tokens(Concat("heading", Value(" \n", output_field=models.TextField()), "text")),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta:
        db_table = "tickets_message"
        constraints = [
            models.UniqueConstraint(fields=["ticket", "seq"], name="message_seq"),
            models.UniqueConstraint(
                fields=["ticket", "public_seq"],
                name="message_public_seq",
                condition=Q(public_seq__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["ticket", "client_id"],
                name="message_client_id",
                condition=Q(client_id__isnull=False),
            ),
            models.UniqueConstraint(fields=["mail_id"], name="message_mail_once", condition=~Q(mail_id="")),
            models.CheckConstraint(
                condition=Q(kind="note", public_seq__isnull=True) | (~Q(kind="note") & Q(public_seq__isnull=False)),
                name="message_note_is_not_public",
            ),
            models.CheckConstraint(condition=Q(kind__in=MessageKind.values), name="message_kind_known"),
            models.CheckConstraint(
                condition=Q(author_type__in=AuthorType.values),
                name="message_author_known",
            ),
        ]
        indexes = [
            # By bucket of ids, for the newest first (see selectors/search_words.py). The short list of what is not yet
            # sorted in is read by each search, hence its limit (kB).
            GinIndex(F("id").bitrightshift(14), "search", name="message_search", gin_pending_list_limit=256),
            GinIndex(fields=["mentioned"], name="message_mentions", condition=Q(mentioned__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"message {self.seq} of ticket {self.ticket_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this message belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()


class Attachment(models.Model):
    """A file of a message, or one uploaded and not sent yet (message null, bound to its ticket and
    uploader, or to an upload session by the digest of its unguessable id). `held` keeps it for an answer that waits."""

    key = models.CharField(max_length=64, unique=True)
    ticket = models.ForeignKey(
        "tickets.Ticket",
        on_delete=models.CASCADE,
        null=True,
        related_name="attachments",
    )
    message = models.ForeignKey(Message, on_delete=models.CASCADE, null=True, related_name="attachments")
    held = models.ForeignKey("tickets.HeldMessage", on_delete=models.SET_NULL, null=True, related_name="attachments")
    name = models.CharField(max_length=200)
    mime = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.BinaryField(max_length=32)
    width = models.IntegerField(null=True)
    height = models.IntegerField(null=True)
    thumbnail_key = models.CharField(max_length=64, blank=True, default="")
    content_id = models.CharField(max_length=255, blank=True, default="")
    is_inline = models.BooleanField(default=False)
    uploaded_by = models.BigIntegerField(null=True)
    session_hash = models.BinaryField(max_length=32, null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_attachment"
        constraints = [models.CheckConstraint(condition=Q(size__gte=0), name="attachment_size_not_negative")]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="attachment_unsent",
                condition=Q(message__isnull=True),
            ),
            models.Index(
                fields=["session_hash"],
                name="attachment_session",
                condition=Q(session_hash__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.key


class StoredBytes(models.Model):
    """A change of what all files together take: database triggers add a row for every write to the attachments.

    The sum of the rows is the room used. Rows are only ever added, so that no writer waits for another; `take_room`
    folds them together now and then.
    """

    delta = models.BigIntegerField()

    class Meta:
        db_table = "tickets_stored_bytes"

    def __str__(self) -> str:
        return f"{self.delta:+d}"
