"""Mail that came in."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from notifications.enums import InboundState, MailKind


class InboundMail(models.Model):
    """One mail as it came; the raw bytes lie in storage under `raw_name` until their time is over.

    `digest` names the mail for one of our addresses, so a sender's second try adds nothing; `letter_digest` names it
    whichever address it came to, so a mail to two of them is one letter. `reply_ticket_id` is the ticket its signed
    reply address proves; `ticket_id` is where it ended up.
    """

    event_type = "inbound_mail"

    digest = models.BinaryField(max_length=32, unique=True)
    letter_digest = models.BinaryField(max_length=32, null=True)
    raw_name = models.CharField(max_length=160, blank=True, default="")
    size = models.IntegerField()
    kind = models.CharField(max_length=12, choices=MailKind)
    state = models.CharField(max_length=12, choices=InboundState, default=InboundState.RECEIVED)
    reason = models.CharField(max_length=64, blank=True, default="")
    mailbox = models.ForeignKey("notifications.Mailbox", on_delete=models.PROTECT, null=True, related_name="+")
    shop_id = models.BigIntegerField(null=True)
    message_id_digest = models.BinaryField(max_length=32)
    from_index = models.BinaryField(max_length=32)
    sender_digest = models.BinaryField(max_length=32)
    recipient_digest = models.BinaryField(max_length=32)
    peer_digest = models.BinaryField(max_length=32)
    reply_ticket_id = models.BigIntegerField(null=True)
    bounced_delivery_id = models.BigIntegerField(null=True)
    ticket_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    received_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_inbound_mail"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=InboundState.values), name="inbound_state_known"),
            models.CheckConstraint(condition=Q(kind__in=MailKind.values), name="inbound_kind_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["ignored", "quarantined"]) | ~Q(reason=""), name="inbound_left_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(state="received") | Q(settled_at__isnull=False), name="inbound_settled_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["-id"], name="inbound_unsettled", condition=Q(state__in=["received", "quarantined"])),
            models.Index(fields=["received_at"], name="inbound_kept_raw", condition=~Q(raw_name="")),
            models.Index(fields=["raw_name"], name="inbound_raw", condition=~Q(raw_name="")),
            models.Index(fields=["ticket_id"], name="inbound_ticket", condition=Q(ticket_id__isnull=False)),
            models.Index(fields=["customer_id"], name="inbound_customer", condition=Q(customer_id__isnull=False)),
            models.Index(fields=["from_index", "received_at"], name="inbound_from_time"),
            models.Index(fields=["letter_digest"], name="inbound_letter", condition=Q(letter_digest__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"inbound mail {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this mail belong to."""
        return {"shop_id": self.shop_id, "ticket_id": self.ticket_id or self.reply_ticket_id}
