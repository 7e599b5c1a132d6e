"""Providers that carry text messages, WeChat messages and push notices, and what they tell us back."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.crypto import CannotDecrypt, decrypt
from core.models.fields import ClockTimestamp
from core.text import mask_phone
from notifications.enums import Channel, ReceiptState


class ChannelAccount(models.Model):
    """The company's account at the provider of one channel; `sealed` is the encrypted JSON of its credentials.

    `token_sealed` is a provider's access token as long as it is good (WeChat), shared by all processes.
    """

    event_type = "channel_account"

    channel = models.CharField(max_length=12, choices=Channel, unique=True)
    sealed = models.BinaryField(default=b"")
    is_active = models.BooleanField(default=True)
    token_sealed = models.BinaryField(default=b"")
    token_until = models.DateTimeField(null=True, blank=True)
    tested_at = models.DateTimeField(null=True, blank=True)
    last_out_at = models.DateTimeField(null=True, blank=True)
    last_receipt_at = models.DateTimeField(null=True, blank=True)
    last_error_code = models.CharField(max_length=64, blank=True, default="")
    last_error_at = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "notifications_channel_account"
        constraints = [
            models.CheckConstraint(condition=Q(channel__in=["sms", "wechat", "push"]), name="account_channel_known"),
        ]

    def __str__(self) -> str:
        return f"account of {self.channel}"

    def event_streams(self) -> dict[str, int | None]:
        """An account belongs to no stream of its own."""
        return {}


class ProviderTemplate(models.Model):
    """The provider's own template that stands for one of ours in one language.

    `fields` are lines `name=words with {variables}`; empty means our variables under their own names.
    """

    event_type = "provider_template"

    channel = models.CharField(max_length=12, choices=Channel)
    key = models.CharField(max_length=64)
    language = models.CharField(max_length=10)
    code = models.CharField(max_length=64)
    fields = models.TextField(blank=True, default="")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "notifications_provider_template"
        constraints = [
            models.UniqueConstraint(fields=["channel", "key", "language"], name="provider_template_once"),
            models.CheckConstraint(condition=Q(channel__in=["sms", "wechat"]), name="provider_template_channel"),
            models.CheckConstraint(condition=~Q(code=""), name="provider_template_has_code"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.key} {self.language}"

    def event_streams(self) -> dict[str, int | None]:
        """A template belongs to no stream of its own."""
        return {}


class ProviderReceipt(models.Model):
    """What a provider told about one message; the same telling again is the same row.

    It names the message by our reference or by the provider's (`provider_ref`); it may come before our own commit.
    """

    event_type = "provider_receipt"

    channel = models.CharField(max_length=12, choices=Channel)
    digest = models.BinaryField(max_length=32, unique=True)
    provider_ref = models.CharField(max_length=64, blank=True, default="")
    is_good = models.BooleanField()
    code = models.CharField(max_length=64)
    delivery_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=ReceiptState, default=ReceiptState.WAITING)
    at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        db_table = "notifications_receipt"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=ReceiptState.values), name="receipt_state_known"),
            models.CheckConstraint(
                condition=~Q(state="applied") | Q(delivery_id__isnull=False), name="receipt_applied_has_message"
            ),
        ]
        indexes = [
            models.Index(fields=["received_at"], name="receipt_waiting", condition=Q(state="waiting")),
            models.Index(fields=["channel", "provider_ref"], name="receipt_ref", condition=Q(state="waiting")),
            models.Index(fields=["delivery_id"], name="receipt_delivery", condition=Q(delivery_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"receipt {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """A receipt belongs to no stream of its own."""
        return {}


class InboundText(models.Model):
    """A text message a customer sent to our number; `delivery_id` is the last one we had sent to that phone.

    `ticket_id` is where it ended up.
    """

    event_type = "inbound_text"

    digest = models.BinaryField(max_length=32, unique=True)
    from_enc = models.BinaryField()
    from_index = models.BinaryField(max_length=32)
    text_enc = models.BinaryField()
    is_stop = models.BooleanField(default=False)
    delivery_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    shop_id = models.BigIntegerField(null=True)
    ticket_id = models.BigIntegerField(null=True)
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        db_table = "notifications_inbound_text"
        indexes = [
            models.Index(fields=["from_index", "-id"], name="inbound_text_from"),
            models.Index(fields=["received_at"], name="inbound_text_age"),
            models.Index(fields=["customer_id"], name="inbound_text_customer", condition=Q(customer_id__isnull=False)),
            models.Index(fields=["ticket_id", "-id"], name="inbound_text_ticket", condition=Q(ticket_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"inbound text {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this text belong to."""
        return {"customer_id": self.customer_id, "order_id": self.order_id, "shop_id": self.shop_id}

    @property
    def text(self) -> str:
        """Return the words, empty when they were erased."""
        return _opened(self.text_enc)

    @property
    def phone(self) -> str:
        """Return the sender's number, empty when it was erased; only for services that answer."""
        return _opened(self.from_enc)

    @property
    def from_masked(self) -> str:
        """Return the sender's number as staff may see it."""
        return mask_phone(self.phone) if self.phone else ""


class PushSubscription(models.Model):
    """One browser that wants notices; `place_enc` is the encrypted JSON of its endpoint and keys."""

    event_type = "push_subscription"
    MOST = 5  # of one person

    customer_id = models.BigIntegerField()
    digest = models.BinaryField(max_length=32, unique=True)
    place_enc = models.BinaryField()
    made_at = models.DateTimeField()

    class Meta:
        db_table = "notifications_push_subscription"
        indexes = [models.Index(fields=["customer_id", "-id"], name="push_of_customer")]

    def __str__(self) -> str:
        return f"push subscription {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this subscription belong to."""
        return {"customer_id": self.customer_id}

    @property
    def place(self) -> str:
        """Return the address as a delivery wants it; only for services that send."""
        return _opened(self.place_enc)


def _opened(value: bytes | memoryview) -> str:
    try:
        return decrypt(value)
    except CannotDecrypt:
        return ""
