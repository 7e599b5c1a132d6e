"""What is asked of carriers: accounts at their providers, which number is followed where, and what was pushed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from orders.carrying_enums import PushState, TrackingState

_LIVE = Q(state__in=["waiting", "subscribed"])


class CarrierAccount(models.Model):
    """An account at a provider of tracking. `credentials_enc` is encrypted JSON, `push_token` is in its push address.

    Requests are paced by a bucket of `tokens`, filled with `per_minute` since `tokens_at`. The breaker: `failures` in a
    row, nothing is asked before `open_until`; `halted_code` says that the provider refuses the account itself, then
    nothing is asked until a person says so. `forged` counts pushes whose signature did not fit.
    """

    event_type = "carrier_account"

    provider = models.SlugField(max_length=24)
    name = models.CharField(max_length=80, unique=True)
    base_url = models.CharField(max_length=200)
    credentials_enc = models.BinaryField()
    push_token = models.CharField(max_length=32, unique=True)
    is_active = models.BooleanField(default=True)
    per_minute = models.PositiveIntegerField(default=300)
    tokens = models.FloatField(default=0)
    tokens_at = models.DateTimeField(db_default=ClockTimestamp())
    failures = models.PositiveIntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    halted_code = models.CharField(max_length=40, blank=True, default="")
    halted_at = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    last_error_code = models.CharField(max_length=40, blank=True, default="")
    last_error_at = models.DateTimeField(null=True)
    forged = models.PositiveIntegerField(default=0)
    forged_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_carrier_account"
        constraints = [
            models.CheckConstraint(
                condition=Q(push_token__regex=r"^[A-Za-z0-9_-]{32}$"), name="carrier_account_token_long"
            ),
            models.CheckConstraint(condition=Q(per_minute__range=(1, 60000)), name="carrier_account_pace_sane"),
            models.CheckConstraint(
                condition=Q(halted_code="", halted_at__isnull=True) | (~Q(halted_code="") & Q(halted_at__isnull=False)),
                name="carrier_account_halt_has_time",
            ),
            models.CheckConstraint(
                condition=Q(open_until__isnull=True) | Q(failures__gt=0), name="carrier_account_open_has_failures"
            ),
            models.CheckConstraint(
                condition=Q(last_error_code="") | Q(last_error_at__isnull=False),
                name="carrier_account_error_has_time",
            ),
            models.CheckConstraint(
                condition=Q(forged=0) | Q(forged_at__isnull=False), name="carrier_account_forged_has_time"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """An account belongs to no stream of its own."""
        return {}


class CarrierCompany(models.Model):
    """What a provider calls a carrier; only carriers with a row here are followed through the account."""

    account = models.ForeignKey(CarrierAccount, on_delete=models.CASCADE, related_name="companies")
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.CASCADE, related_name="companies")
    code = models.CharField(max_length=40)

    class Meta:
        db_table = "orders_carrier_company"
        constraints = [
            models.UniqueConstraint(fields=["account", "carrier"], name="company_once_per_carrier"),
            models.UniqueConstraint(fields=["account", "code"], name="company_code_once"),
            models.CheckConstraint(condition=~Q(code=""), name="company_has_code"),
        ]

    def __str__(self) -> str:
        return self.code


class Tracking(models.Model):
    """A number followed at a provider, for all parcels that bear it: two orders in one box share one row.

    `company` is what the provider corrected the company to, empty while it is the carrier's own. `fresh_at`: when we
    last heard the present state, by push or query. `queried_at` is written before a query leaves, so that a worker
    killed in the middle counts too; `locked_until` is the provider's own word. One worker at a time holds the row:
    `leased_until` with its `fence`. `next_query_at` is when the row is due again.
    """

    account = models.ForeignKey(CarrierAccount, on_delete=models.CASCADE, related_name="trackings")
    carrier = models.ForeignKey("orders.Carrier", on_delete=models.PROTECT, related_name="trackings")
    tracking_number = models.CharField(max_length=64)
    company = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=10, choices=TrackingState, default=TrackingState.WAITING)
    subscribed_at = models.DateTimeField(null=True)
    next_query_at = models.DateTimeField(null=True)
    queried_at = models.DateTimeField(null=True)
    pushed_at = models.DateTimeField(null=True)
    fresh_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    locked_until = models.DateTimeField(null=True)
    leased_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True, default="")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "orders_tracking"
        constraints = [
            models.UniqueConstraint(fields=["account", "tracking_number", "carrier"], name="tracking_once"),
            models.CheckConstraint(condition=Q(state__in=TrackingState.values), name="tracking_state_known"),
            models.CheckConstraint(
                condition=(_LIVE & Q(next_query_at__isnull=False)) | (~_LIVE & Q(next_query_at__isnull=True)),
                name="tracking_live_is_due",
            ),
            models.CheckConstraint(
                condition=~Q(state="subscribed") | Q(subscribed_at__isnull=False), name="tracking_subscribed_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="waiting") | Q(subscribed_at__isnull=True), name="tracking_waiting_has_none"
            ),
            models.CheckConstraint(
                condition=~Q(state="refused") | ~Q(error_code=""), name="tracking_refused_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) | (~Q(state="ended") & Q(ended_at__isnull=True)),
                name="tracking_ended_has_time",
            ),
            models.CheckConstraint(condition=~Q(tracking_number=""), name="tracking_has_number"),
        ]
        indexes = [
            models.Index(fields=["account", "next_query_at", "id"], name="tracking_due", condition=_LIVE),
            models.Index(fields=["carrier", "fresh_at"], name="tracking_fresh", condition=_LIVE),
            models.Index(fields=["tracking_number"], name="tracking_number_of"),
            models.Index(fields=["account", "state"], name="tracking_open", condition=~Q(state="ended")),
        ]

    def __str__(self) -> str:
        return self.tracking_number


class CarrierPush(models.Model):
    """One push as it came, kept before it is understood; `body_enc` is the encrypted raw body.

    `message_key` is the provider's event id, else a digest of the body: however often it is told, one row. One whose
    number none of our parcels bears waits for it under that `tracking_number`; `waited_at` is when it was last tried.
    """

    account = models.ForeignKey(CarrierAccount, on_delete=models.CASCADE, related_name="pushes")
    message_key = models.CharField(max_length=64)
    body_enc = models.BinaryField()
    state = models.CharField(max_length=10, choices=PushState, default=PushState.STORED)
    error_code = models.CharField(max_length=40, blank=True, default="")
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)
    scan_count = models.PositiveIntegerField(default=0)
    tracking_number = models.CharField(max_length=64, blank=True, default="", db_default="")
    waited_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "orders_carrier_push"
        constraints = [
            models.UniqueConstraint(fields=["account", "message_key"], name="push_once"),
            models.CheckConstraint(condition=Q(state__in=PushState.values), name="push_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=["stored", "waiting"], applied_at__isnull=True)
                | (~Q(state__in=["stored", "waiting"]) & Q(applied_at__isnull=False)),
                name="push_applied_has_time",
            ),
            models.CheckConstraint(
                condition=(Q(state="refused") & ~Q(error_code="")) | (~Q(state="refused") & Q(error_code="")),
                name="push_refused_has_reason",
            ),
            models.CheckConstraint(condition=~Q(message_key=""), name="push_has_key"),
            models.CheckConstraint(
                condition=Q(state="waiting", waited_at__isnull=False) & ~Q(tracking_number="")
                | ~Q(state="waiting") & Q(waited_at__isnull=True),
                name="push_waits_for_number",
            ),
        ]
        indexes = [
            models.Index(fields=["id"], name="push_stored", condition=Q(state="stored")),
            models.Index(fields=["received_at", "id"], name="push_waiting", condition=Q(state="waiting")),
            models.Index(fields=["account", "received_at"], name="push_received"),
            models.Index(fields=["-id"], name="push_refused", condition=Q(state="refused")),
        ]

    def __str__(self) -> str:
        return f"push {self.pk}"
