"""Messages on their way out, and addresses that get none."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from django.db import models
from django.db.models import Q

from core.crypto import CannotDecrypt, decrypt
from core.models.fields import ClockTimestamp
from core.text import mask_email, mask_phone
from notifications.enums import Channel, DeliveryState, Purpose, SuppressionReason


def mask_to(channel: str, address: str) -> str:
    """Return an address of a channel as staff may see it."""
    if not address:
        return ""
    if channel == Channel.PUSH:  # the push service of a browser; what follows names the device
        return urlsplit(json.loads(address)["endpoint"]).hostname or ""
    if channel == Channel.WECHAT:
        return f"{address[:4]}***{address[-3:]}"
    return mask_email(address) if "@" in address else mask_phone(address)


class Delivery(models.Model):
    """One message to one address, rendered when it was queued; `key` is the caller's, so the same one is queued once.

    `message_id` is fixed here: a mail sent again after a crash is the same mail to every server that saw the first.
    `params` are the values for a provider's own template; `provider_ref` is how the provider names the message.
    `sealed` holds, encrypted, what goes out of a message with secrets until it went out; the other columns hide them.
    """

    event_type = "delivery"

    key = models.CharField(max_length=200, unique=True)
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.EMAIL)
    template = models.CharField(max_length=64)
    purpose = models.CharField(max_length=12, choices=Purpose, default=Purpose.SERVICE)
    language = models.CharField(max_length=10)
    mailbox = models.ForeignKey("notifications.Mailbox", on_delete=models.PROTECT, null=True, related_name="+")
    to_enc = models.BinaryField()
    to_index = models.BinaryField(max_length=32)
    subject = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    html = models.TextField(blank=True, default="")
    sealed = models.BinaryField(null=True)
    headers = models.JSONField(default=dict)
    files = models.JSONField(default=list)
    message_id = models.CharField(max_length=255, unique=True)
    state = models.CharField(max_length=12, choices=DeliveryState, default=DeliveryState.QUEUED)
    attempts = models.SmallIntegerField(default=0)
    rounds = models.SmallIntegerField(default=0)
    provider_code = models.CharField(max_length=64, blank=True, default="")
    provider_ref = models.CharField(max_length=64, blank=True, default="", db_default="")
    params = models.JSONField(default=dict, db_default={})
    notice = models.ForeignKey("notifications.Notice", on_delete=models.PROTECT, null=True, related_name="deliveries")
    shop_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    ticket_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    queued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_delivery"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_known"),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="delivery_channel_known"),
            models.CheckConstraint(condition=Q(purpose__in=Purpose.values), name="delivery_purpose_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "delivered"]) | Q(sent_at__isnull=False), name="delivery_sent_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="delivered") | Q(delivered_at__isnull=False), name="delivery_arrived_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="failed") | (Q(failed_at__isnull=False) & ~Q(provider_code="")),
                name="delivery_failed_has_cause",
            ),
            models.CheckConstraint(
                condition=Q(sealed__isnull=True) | Q(state__in=["queued", "sending"]), name="delivery_secrets_forgotten"
            ),
            models.CheckConstraint(
                condition=~Q(state="sending") | Q(sending_at__isnull=False), name="delivery_sending_has_time"
            ),
        ]
        indexes = [
            models.Index(fields=["-id"], name="delivery_open", condition=Q(state__in=["queued", "sending"])),
            models.Index(fields=["failed_at"], name="delivery_failed", condition=Q(state="failed")),
            models.Index(fields=["to_index", "-id"], name="delivery_to"),
            models.Index(fields=["ticket_id", "-id"], name="delivery_ticket", condition=Q(ticket_id__isnull=False)),
            models.Index(
                fields=["customer_id", "-id"], name="delivery_customer", condition=Q(customer_id__isnull=False)
            ),
            models.Index(fields=["queued_at"], name="delivery_kept_text", condition=~Q(text="")),
            models.Index(fields=["channel", "provider_ref"], name="delivery_ref", condition=~Q(provider_ref="")),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this message belong to."""
        return {
            "shop_id": self.shop_id,
            "customer_id": self.customer_id,
            "order_id": self.order_id,
            "ticket_id": self.ticket_id,
        }

    @property
    def to(self) -> str:
        """Return the address, empty when it was erased."""
        try:
            return decrypt(self.to_enc)
        except CannotDecrypt:
            return ""

    @property
    def to_masked(self) -> str:
        """Return the address as staff may see it."""
        return mask_to(self.channel, self.to)


class Suppression(models.Model):
    """An address that gets no more messages on a channel: of one purpose, or of any when `purpose` is empty."""

    event_type = "suppression"

    address_index = models.BinaryField(max_length=32)
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.EMAIL)
    purpose = models.CharField(max_length=12, blank=True, default="")
    reason = models.CharField(max_length=12, choices=SuppressionReason)
    delivery_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "notifications_suppression"
        constraints = [
            models.UniqueConstraint(fields=["address_index", "channel", "purpose"], name="suppression_once"),
            models.CheckConstraint(condition=Q(reason__in=SuppressionReason.values), name="suppression_reason_known"),
            models.CheckConstraint(
                condition=Q(purpose="") | Q(purpose__in=Purpose.values), name="suppression_purpose_known"
            ),
            models.CheckConstraint(condition=Q(channel__in=Channel.values), name="suppression_channel_known"),
        ]

    def __str__(self) -> str:
        return f"suppression {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this row belong to."""
        return {"customer_id": self.customer_id}
