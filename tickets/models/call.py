"""Phone lines, seats, menus, calls, what the PBX told, and who must be called back."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from core.crypto import decrypt
from core.models.fields import ClockTimestamp
from core.text import mask_phone
from tickets.calls_enums import (
    CallBackEnd,
    CallBackReason,
    CallBackState,
    CallDirection,
    CallResult,
    CallState,
    Disposition,
    PhoneEventState,
)

LIVE = Q(state__in=["asked", "ringing", "answered"])
OWED = Q(state__in=["open", "claimed"])


class PhoneLine(models.Model):
    """A number customers call, and the PBX behind it. Without a shop it serves all; its calls are its team's.

    `key` is in the address of its webhook, `secret_enc` signs it; after a renewal `old_secret_enc` works until
    `old_secret_until`. `control_url` is where the PBX takes our wish to call somebody, `recording_host` the one host
    recordings may be linked on. A missed call is due to be called back within `call_back_minutes` of business time.
    """

    event_type = "phone_line"

    key = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    number = models.CharField(max_length=32)
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, null=True, related_name="phone_lines")
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="phone_lines")
    calendar = models.ForeignKey("core.CalendarDefinition", on_delete=models.PROTECT, null=True, related_name="+")
    secret_enc = models.BinaryField(null=True)
    old_secret_enc = models.BinaryField(null=True)
    old_secret_until = models.DateTimeField(null=True)
    is_recorded = models.BooleanField(default=False)
    recording_host = models.CharField(max_length=200, blank=True, default="")
    control_url = models.CharField(max_length=300, blank=True, default="")
    call_back_minutes = models.PositiveIntegerField(default=60)
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_phone_line"
        constraints = [
            models.CheckConstraint(
                condition=Q(old_secret_enc__isnull=True) | Q(old_secret_until__isnull=False),
                name="phone_line_old_secret_ends",
            ),
            models.CheckConstraint(condition=Q(call_back_minutes__gte=1), name="phone_line_call_back_not_at_once"),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this line belong to."""
        return {"shop_id": self.shop_id}


class PhonePlan(models.Model):
    """One version of a line's menu and distribution; never changed, a new one is added. The newest is served.

    `tree` is as tickets.services.calls.plans checks it.
    """

    line = models.ForeignKey(PhoneLine, on_delete=models.CASCADE, related_name="plans")
    version = models.PositiveIntegerField()
    tree = models.JSONField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_phone_plan"
        constraints = [models.UniqueConstraint(fields=["line", "version"], name="phone_plan_version_once")]

    def __str__(self) -> str:
        return f"plan {self.version} of line {self.line_id}"


class PhoneSeat(models.Model):
    """Which extension rings at whose desk; `made_busy_at` since when a call keeps her out of routing."""

    staff = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="phone_seat"
    )
    extension = models.CharField(max_length=16, unique=True)
    made_busy_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_phone_seat"

    def __str__(self) -> str:
        return f"{self.extension}: {self.staff_id}"


class Call(models.Model):
    """One phone call: the fold of what its PBX told about it, in the order of the PBX's own clock.

    `ref` is the call's id there. The caller's number is encrypted, digests find it. `ringing_to` are the extensions
    that ring now, `menu_keys` what was pressed. `agent` has answered; `ticket` is what the call is about.
    """

    event_type = "call"

    line = models.ForeignKey(PhoneLine, on_delete=models.PROTECT, related_name="calls")
    ref = models.CharField(max_length=80)
    direction = models.CharField(max_length=4, choices=CallDirection)
    state = models.CharField(max_length=10, choices=CallState)
    result = models.CharField(max_length=10, choices=CallResult, blank=True, default="")
    number_enc = models.BinaryField(null=True)
    number_index = models.BinaryField(max_length=32, null=True)
    last4_index = models.BinaryField(max_length=32, null=True)
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey("accounts.Team", on_delete=models.SET_NULL, null=True, related_name="+")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="calls")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, null=True, related_name="calls")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.SET_NULL, null=True, related_name="calls")
    order_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField()
    rang_at = models.DateTimeField(null=True)
    ringing_to = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    answered_at = models.DateTimeField(null=True)
    extension = models.CharField(max_length=16, blank=True, default="")
    ended_at = models.DateTimeField(null=True)
    menu_keys = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    plan_version = models.PositiveIntegerField(null=True)
    wants_call_back = models.BooleanField(default=False)
    recording_enc = models.BinaryField(null=True)
    recording_seconds = models.PositiveIntegerField(null=True)
    disposition = models.CharField(max_length=16, choices=Disposition, blank=True, default="")
    wrapped_at = models.DateTimeField(null=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    failure = models.CharField(max_length=40, blank=True, default="")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_call"
        constraints = [
            models.UniqueConstraint(fields=["line", "ref"], name="call_once"),
            models.UniqueConstraint(fields=["asked_by"], name="call_one_asked", condition=Q(state="asked")),
            models.CheckConstraint(condition=Q(state__in=CallState.values), name="call_state_known"),
            models.CheckConstraint(condition=Q(direction__in=CallDirection.values), name="call_direction_known"),
            models.CheckConstraint(
                condition=Q(state="ended", ended_at__isnull=False) & ~Q(result="")
                | ~Q(state="ended") & Q(ended_at__isnull=True, result=""),
                name="call_ended_has_result",
            ),
            models.CheckConstraint(
                condition=~Q(state="answered") | Q(answered_at__isnull=False), name="call_answered_has_time"
            ),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True) | ~Q(state__in=["asked", "ringing"]), name="call_never_goes_back"
            ),
            models.CheckConstraint(
                condition=(Q(wrapped_at__isnull=True) & Q(disposition=""))
                | (Q(wrapped_at__isnull=False) & ~Q(disposition="")),
                name="call_wrapped_has_disposition",
            ),
        ]
        indexes = [
            models.Index(fields=["-started_at", "-id"], include=["team", "agent"], name="call_newest"),
            models.Index(fields=["team", "started_at"], name="call_live", condition=LIVE),
            models.Index(fields=["agent", "-started_at"], name="call_agent", condition=Q(agent__isnull=False)),
            models.Index(
                fields=["agent"],
                name="call_to_wrap_up",
                condition=Q(state="ended", result="answered", wrapped_at__isnull=True, agent__isnull=False),
            ),
            models.Index(fields=["number_index", "-started_at"], name="call_number"),
            models.Index(fields=["last4_index", "-started_at"], name="call_last4"),
            models.Index(fields=["customer", "-started_at"], name="call_customer"),
            models.Index(fields=["ticket"], name="call_ticket", condition=Q(ticket__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"call {self.pk}"

    @property
    def number(self) -> str:
        """Decrypt the other side's number; for services only, pages show `masked`. Empty when it was withheld."""
        return decrypt(self.number_enc) if self.number_enc else ""

    @property
    def masked(self) -> str:
        """Return the number as everyone may see it, empty when it was withheld."""
        return mask_phone(self.number) if self.number_enc else ""

    @property
    def recording_url(self) -> str:
        """Decrypt where the PBX keeps the recording; empty without one."""
        return decrypt(self.recording_enc) if self.recording_enc else ""

    @property
    def waited(self) -> int | None:
        """Return the seconds from the first ring to the answer, or to the end without one; None while it rings."""
        until = self.answered_at or self.ended_at
        return max(0, int((until - self.started_at).total_seconds())) if until else None

    @property
    def talked(self) -> int | None:
        """Return the seconds of conversation; None before its end or without one."""
        if self.answered_at is None or self.ended_at is None:
            return None
        return max(0, int((self.ended_at - self.answered_at).total_seconds()))

    @property
    def needs_wrap_up(self) -> bool:
        """Say whether the agent still owes the wrap-up."""
        return self.answered_at is not None and self.wrapped_at is None and self.agent_id is not None

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this call belong to."""
        return {
            "shop_id": self.shop_id,
            "customer_id": self.customer_id,
            "order_id": self.order_id,
            "ticket_id": self.ticket_id,
        }


class PhoneEvent(models.Model):
    """One signed message of a PBX, stored before it is understood; `body_enc` is the encrypted raw body.

    `call_ref`, `kind` and `at` are empty for one that was set aside unread.
    """

    line = models.ForeignKey(PhoneLine, on_delete=models.CASCADE, related_name="events")
    event_id = models.CharField(max_length=100)
    digest = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=12, blank=True, default="")
    call_ref = models.CharField(max_length=80, blank=True, default="")
    body_enc = models.BinaryField(null=True)
    size = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=PhoneEventState, default=PhoneEventState.STORED)
    error_code = models.CharField(max_length=40, blank=True, default="")
    received_at = models.DateTimeField()
    applied_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_phone_event"
        constraints = [
            models.UniqueConstraint(fields=["line", "event_id"], name="phone_event_once"),
            models.CheckConstraint(condition=Q(state__in=PhoneEventState.values), name="phone_event_state_known"),
        ]
        indexes = [
            models.Index(fields=["line", "call_ref"], name="phone_event_call"),
            models.Index(fields=["received_at"], name="phone_event_received"),
            models.Index(fields=["line", "-id"], name="phone_event_refused", condition=Q(state="refused")),
        ]

    def __str__(self) -> str:
        return f"phone event {self.pk}"


class CallBack(models.Model):
    """Somebody to be called back: one entry a number however often they tried; in one colleague's hands at a time."""

    event_type = "call_back"

    line = models.ForeignKey(PhoneLine, on_delete=models.PROTECT, related_name="call_backs")
    call = models.ForeignKey(Call, on_delete=models.CASCADE, related_name="call_backs")
    number_index = models.BinaryField(max_length=32)
    team = models.ForeignKey("accounts.Team", on_delete=models.SET_NULL, null=True, related_name="+")
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, null=True, related_name="call_backs")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.SET_NULL, null=True, related_name="call_backs")
    reason = models.CharField(max_length=10, choices=CallBackReason)
    state = models.CharField(max_length=8, choices=CallBackState, default=CallBackState.OPEN)
    missed_count = models.PositiveSmallIntegerField(default=1)
    waited_seconds = models.PositiveIntegerField(default=0)
    owed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    claimed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    claimed_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    tried_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=16, choices=CallBackEnd, blank=True, default="")
    solved_at = models.DateTimeField(null=True)
    solved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    solving_call = models.ForeignKey(Call, on_delete=models.SET_NULL, null=True, related_name="+")
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_call_back"
        constraints = [
            models.UniqueConstraint(fields=["line", "number_index"], name="call_back_once", condition=OWED),
            models.CheckConstraint(condition=Q(state__in=CallBackState.values), name="call_back_state_known"),
            models.CheckConstraint(
                condition=Q(state="solved", solved_at__isnull=False) & ~Q(end="")
                | OWED & Q(solved_at__isnull=True, end=""),
                name="call_back_solved_has_end",
            ),
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(claimed_at__isnull=False), name="call_back_claimed_has_time"
            ),
            models.CheckConstraint(condition=Q(due_at__gte=F("owed_at")), name="call_back_due_after_owed"),
        ]
        indexes = [
            models.Index(fields=["due_at", "id"], include=["team"], name="call_back_owed", condition=OWED),
            models.Index(fields=["number_index"], name="call_back_number", condition=OWED),
        ]

    def __str__(self) -> str:
        return f"call back {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this entry belong to (its line must be loaded)."""
        return {"shop_id": self.line.shop_id, "customer_id": self.customer_id, "ticket_id": self.ticket_id}
