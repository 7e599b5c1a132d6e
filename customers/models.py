"""Customers, how they are known on each channel, and what they agreed to."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Subquery
from django.db.models.functions import Coalesce

from core.crypto import decrypt
from core.models.fields import ClockTimestamp
from core.text import mask_email, mask_phone
from customers.enums import ContactPurpose, IdentityKind, PreferredChannel, Tier


class Customer(models.Model):
    """A person who buys. Belongs to the company; known per shop and channel through identities.

    A record that was joined with another points to it (`merged_into`, one step, held by a trigger) and keeps what it
    owns; pages read both. `tier` and `is_blocked` of a joined record follow those of the one it points to.
    """

    event_type = "customer"

    name = models.CharField(max_length=120, blank=True, default="")
    name_key = models.CharField(max_length=240, blank=True, default="")
    tier = models.CharField(max_length=12, choices=Tier, default=Tier.STANDARD)
    language = models.CharField(max_length=10, default="zh-hans")
    preferred_channel = models.CharField(max_length=12, choices=PreferredChannel, blank=True, default="", db_default="")
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    note = models.TextField(blank=True, default="")
    is_blocked = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    erased_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="aliases", db_index=False
    )
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "customers_customer"
        constraints = [
            models.CheckConstraint(condition=Q(tier__in=Tier.values), name="customer_tier_known"),
            models.CheckConstraint(
                condition=Q(preferred_channel__in=["", *PreferredChannel.values]), name="customer_channel_known"
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="customer_not_merged_into_itself"),
        ]
        indexes = [
            GinIndex(OpClass("name", name="gin_trgm_ops"), name="customer_name_trgm"),
            models.Index(fields=["merged_into"], name="customer_aliases", condition=Q(merged_into__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"customer {self.pk}"

    @property
    def root_id(self) -> int:
        """Return whose record counts: the one this was joined into, else itself."""
        return self.merged_into_id or self.pk

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this customer belong to."""
        return {"customer_id": self.pk}


def root_of(customer_id: Any) -> Subquery:
    """Return, for a larger statement, the id of the record that counts: the one named, or what it was joined into."""
    return Subquery(Customer.objects.filter(pk=customer_id).values(root=Coalesce("merged_into_id", "pk"))[:1])


class Identity(models.Model):
    """One way a customer is known. The value is encrypted; digests of it and of a phone's last four digits find it.

    `loose_index` is the digest of a mail address without what people write differently (see `loose_email`). A claimed
    address was only written into a public form or chat (see customers.services.claims); a proven one is no claim.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=16, choices=IdentityKind)
    shop_id = models.BigIntegerField(null=True, blank=True)
    value_enc = models.BinaryField()
    value_index = models.BinaryField(max_length=32)
    last4_index = models.BinaryField(max_length=32, null=True)
    loose_index = models.BinaryField(max_length=32, null=True)
    is_primary = models.BooleanField(default=False)
    is_claimed = models.BooleanField(default=False, db_default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "customers_identity"
        constraints = [
            models.CheckConstraint(
                condition=Q(is_claimed=False) | Q(kind="email", verified_at__isnull=True),
                name="identity_claim_unproven",
            ),
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
            models.Index(fields=["loose_index"], name="identity_loose", condition=Q(loose_index__isnull=False)),
            models.Index(fields=["id"], name="identity_not_loose", condition=Q(kind="email", loose_index__isnull=True)),
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
    """What a customer said about one channel and purpose; the current row per pair counts, older ones are history.

    `via` is set on a row that stands here because of a joined record: taking that one out again takes it back.
    """

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_choices")
    channel = models.CharField(max_length=16)
    purpose = models.CharField(max_length=16, choices=ContactPurpose)
    is_allowed = models.BooleanField()
    source = models.CharField(max_length=24)
    at = models.DateTimeField()
    is_current = models.BooleanField(default=True)
    via = models.ForeignKey(Customer, on_delete=models.CASCADE, null=True, related_name="+")

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

    @property
    def channel_label(self) -> str:
        """Return the channel's name for people."""
        return str(dict(PreferredChannel.choices).get(self.channel, self.channel))


class OneTimeCode(models.Model):
    """A short code sent to a customer to prove a phone or an address; five tries, ten minutes, once.

    It answers to the browser that asked (`asker_hash`) and to no other. `code_hash` is empty until a message went out:
    for a phone or address nobody is known by, for ever. `target_enc` is forgotten with the sending.
    """

    purpose = models.CharField(max_length=24)
    target_index = models.BinaryField(max_length=32)
    target_enc = models.BinaryField(null=True)
    target_hint = models.CharField(max_length=80, default="")
    asker_hash = models.BinaryField(max_length=32)
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, null=True, related_name="+")
    code_hash = models.BinaryField(max_length=32, null=True)
    tries = models.SmallIntegerField(default=0)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "customers_one_time_code"
        constraints = [
            models.CheckConstraint(condition=Q(tries__lte=5), name="one_time_code_tries"),
            models.CheckConstraint(
                condition=Q(code_hash__isnull=True) | Q(identity__isnull=False), name="one_time_code_for_somebody"
            ),
            models.UniqueConstraint(
                fields=["purpose", "asker_hash"], name="one_time_code_one_open", condition=Q(used_at__isnull=True)
            ),
        ]
        indexes = [models.Index(fields=["target_index"], name="one_time_code_target")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.pk}"


class OwnSession(models.Model):
    """A browser in which a customer proved a phone or an address: it shows her own page until `ends_at`."""

    token_hash = models.BinaryField(max_length=32, unique=True)
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    begun_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers_own_session"
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("begun_at")), name="own_session_ends_later"),
        ]
        indexes = [models.Index(fields=["ends_at"], name="own_session_ends")]

    def __str__(self) -> str:
        return f"own session {self.pk}"


class CustomerMerge(models.Model):
    """One joining of a customer's record (`source`) into another (`target`), and when it was taken back.

    `taken`: what the target's record took over, {field: [before, after]}; of tags those it lacked.
    `before`: what followed the target on the source and stands there again afterwards.
    """

    source = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="merges")
    target = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="took_in")
    taken = models.JSONField(default=dict)
    before = models.JSONField(default=dict)
    merged_at = models.DateTimeField()
    merged_by = models.ForeignKey("accounts.Staff", on_delete=models.SET_NULL, null=True, related_name="+")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "customers_merge"
        constraints = [
            models.UniqueConstraint(
                fields=["source"], name="customer_merged_once", condition=Q(undone_at__isnull=True)
            ),
            models.CheckConstraint(condition=~Q(source=F("target")), name="customer_merge_of_two"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} into {self.target_id}"


class DuplicatePair(models.Model):
    """Two records that look like one person, the lower id first; `reasons` are DuplicateReason codes."""

    low = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    high = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+", db_index=False)
    reasons = ArrayField(models.CharField(max_length=16))
    found_at = models.DateTimeField()
    dismissed_at = models.DateTimeField(null=True)
    dismissed_by = models.ForeignKey("accounts.Staff", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "customers_duplicate_pair"
        constraints = [
            models.UniqueConstraint(fields=["low", "high"], name="duplicate_pair_once"),
            models.CheckConstraint(condition=Q(low__lt=F("high")), name="duplicate_pair_in_order"),
        ]
        indexes = [
            models.Index(fields=["-id"], name="duplicate_pair_open", condition=Q(dismissed_at__isnull=True)),
            models.Index(fields=["high"], name="duplicate_pair_high"),
        ]

    def __str__(self) -> str:
        return f"{self.low_id} and {self.high_id}"
