"""Customers, how they are known on each channel, and what they agreed to."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q

from core.crypto import decrypt
from core.models.fields import ClockTimestamp
from core.text import mask_email, mask_phone
from customers.enums import ContactPurpose, IdentityKind, Tier


class Customer(models.Model):
    """A person who buys. Belongs to the company; known per shop and channel through identities."""

    event_type = "customer"

    name = models.CharField(max_length=120, blank=True, default="")
    name_key = models.CharField(max_length=240, blank=True, default="")
    tier = models.CharField(max_length=12, choices=Tier, default=Tier.STANDARD)
    language = models.CharField(max_length=10, default="zh-hans")
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    note = models.TextField(blank=True, default="")
    is_blocked = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    erased_at = models.DateTimeField(null=True, blank=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "customers_customer"
        constraints = [models.CheckConstraint(condition=Q(tier__in=Tier.values), name="customer_tier_known")]
        indexes = [GinIndex(OpClass("name", name="gin_trgm_ops"), name="customer_name_trgm")]

    def __str__(self) -> str:
        return f"customer {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this customer belong to."""
        return {"customer_id": self.pk}


class Identity(models.Model):
    """One way a customer is known. The value is encrypted; digests of it and of a phone's last four digits find it."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=16, choices=IdentityKind)
    shop_id = models.BigIntegerField(null=True, blank=True)
    value_enc = models.BinaryField()
    value_index = models.BinaryField(max_length=32)
    last4_index = models.BinaryField(max_length=32, null=True)
    is_primary = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "customers_identity"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "shop_id", "value_index"],
                name="identity_known_once",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["customer", "kind"],
                name="identity_one_primary",
                condition=Q(is_primary=True),
            ),
            models.CheckConstraint(condition=Q(kind__in=IdentityKind.values), name="identity_kind_known"),
        ]
        indexes = [
            models.Index(
                fields=["last4_index"],
                name="identity_last4",
                condition=Q(last4_index__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of customer {self.customer_id}"

    @property
    def value(self) -> str:
        """Decrypt the value; only for use inside services, never for a page without reveal."""
        return decrypt(self.value_enc) if self.value_enc else ""

    @property
    def masked(self) -> str:
        """Return the value as everyone may see it."""
        if self.kind == IdentityKind.PHONE:
            return mask_phone(self.value)
        return mask_email(self.value) if self.kind == IdentityKind.EMAIL else "•••"


class ContactChoice(models.Model):
    """What a customer said about one channel and purpose; the newest row per pair counts, older ones are history."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_choices")
    channel = models.CharField(max_length=16)
    purpose = models.CharField(max_length=16, choices=ContactPurpose)
    is_allowed = models.BooleanField()
    source = models.CharField(max_length=24)
    at = models.DateTimeField()
    is_current = models.BooleanField(default=True)

    class Meta:
        db_table = "customers_contact_choice"
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "channel", "purpose"],
                name="contact_choice_current",
                condition=Q(is_current=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}/{self.purpose}: {self.is_allowed}"


class OneTimeCode(models.Model):
    """A short code sent to a customer to prove a phone or an address; five tries, ten minutes, once."""

    purpose = models.CharField(max_length=24)
    target_index = models.BinaryField(max_length=32)
    code_hash = models.BinaryField(max_length=32)
    tries = models.SmallIntegerField(default=0)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "customers_one_time_code"
        constraints = [models.CheckConstraint(condition=Q(tries__lte=5), name="one_time_code_tries")]
        indexes = [models.Index(fields=["purpose", "target_index", "-id"], name="one_time_code_target")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"
