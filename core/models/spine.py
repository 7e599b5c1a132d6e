"""The event log, its folds' cursors and the job table."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from core.models.fields import ClockTimestamp, CurrentXid, Xid8Field


class Origin(models.TextChoices):
    """Where a fact came from: only live ones cause reactions unless a reaction says otherwise."""

    LIVE = "live"
    IMPORT = "import"
    DEMO = "demo"


class Event(models.Model):
    """One business fact, written in the transaction that made it true. Never updated, never deleted row by row.

    The table is partitioned by id range; `id` starts each month at a new boundary (see core.events.partitions), so a
    month is one partition and the key stays `id`. The stream ids are opaque numbers: no foreign key in or out.
    """

    id = models.BigAutoField(primary_key=True)
    schema_v = models.SmallIntegerField(default=1)
    kind = models.CharField(max_length=64)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=ClockTimestamp())
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.LIVE)
    actor_type = models.CharField(max_length=16)
    actor_id = models.BigIntegerField(null=True)
    subject_type = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()
    shop_id = models.BigIntegerField(null=True)
    customer_id = models.BigIntegerField(null=True)
    order_id = models.BigIntegerField(null=True)
    ticket_id = models.BigIntegerField(null=True)
    reason = models.CharField(max_length=64, default="")
    cause_id = models.BigIntegerField(null=True)
    depth = models.SmallIntegerField(default=0)
    xid = Xid8Field(db_default=CurrentXid())
    data = models.JSONField(default=dict)

    class Meta:
        db_table = "core_event"
        indexes = [
            models.Index(
                fields=["order_id", "at", "id"],
                name="event_order",
                condition=Q(order_id__isnull=False),
            ),
            models.Index(
                fields=["customer_id", "at", "id"],
                name="event_customer",
                condition=Q(customer_id__isnull=False),
            ),
            models.Index(
                fields=["customer_id", "at", "id"],
                name="event_customer_alone",
                condition=Q(customer_id__isnull=False, order_id__isnull=True, ticket_id__isnull=True),
            ),
            models.Index(
                fields=["ticket_id", "at", "id"],
                name="event_ticket",
                condition=Q(ticket_id__isnull=False),
            ),
            models.Index(fields=["subject_type", "subject_id", "id"], name="event_subject"),
            models.Index(fields=["xid"], name="event_xid"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(origin__in=["live", "import", "demo"]),
                name="event_origin_known",
            ),
            models.CheckConstraint(condition=Q(depth__gte=0, depth__lte=8), name="event_depth_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_type}:{self.subject_id}"

    def recorded_at_or_now(self) -> datetime:
        """Return when the row was written; just after an insert the server's value may not be loaded yet."""
        value = self.__dict__.get("recorded_at")
        return value if isinstance(value, datetime) else timezone.now()


class JobState(models.TextChoices):
    """What becomes of a job."""

    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    QUARANTINED = "quarantined"
    CANCELLED = "cancelled"


class Job(models.Model):
    """One piece of work owed: due now (a reaction), later (a deadline) or outside (a mail); see core.jobs."""

    name = models.CharField(max_length=80)
    shard = models.CharField(max_length=80, default="", blank=True)
    key = models.CharField(max_length=160)
    payload = models.JSONField(default=dict)
    due_at = models.DateTimeField()
    retry_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    lease_pid = models.IntegerField(null=True)  # the database session that claimed it, with its start, names a worker
    lease_session_at = models.DateTimeField(null=True)  # that is alive as long as the session is; see core.jobs.orphans
    fence = models.BigIntegerField(default=0)
    attempts = models.SmallIntegerField(default=0)
    state = models.CharField(max_length=12, choices=JobState, default=JobState.READY)
    event_id = models.BigIntegerField(null=True)
    cause_depth = models.SmallIntegerField(default=0)
    last_error = models.TextField(default="", blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    done_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "core_job"
        constraints = [
            models.UniqueConstraint(fields=["name", "key"], name="job_name_key"),
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_until__isnull=False),
                name="job_running_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(done_at__isnull=False),
                name="job_done_has_time",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                name="job_due",
                condition=Q(state__in=["ready", "running"]),
            ),
            models.Index(
                fields=["name", "shard", "due_at", "id"],
                name="job_shard",
                condition=Q(state__in=["ready", "running"]) & ~Q(shard=""),
            ),
            models.Index(fields=["lease_pid"], name="job_running", condition=Q(state="running")),
            models.Index(fields=["-id"], name="job_quarantined", condition=Q(state="quarantined")),
            models.Index(fields=["done_at"], name="job_done", condition=Q(state="done")),
            models.Index(
                fields=["event_id"],
                name="job_event",
                condition=Q(event_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.key}"


class Period(models.Model):
    """The last period for which a periodic job was made; missed ones are filled in from here."""

    name = models.CharField(max_length=80, primary_key=True)
    last_start = models.DateTimeField()

    class Meta:
        db_table = "core_period"

    def __str__(self) -> str:
        return self.name


class FoldCursor(models.Model):
    """How far a fold has consumed the log: every event with xid below `upto` is in its tables.

    A window in progress stands on the row itself: it ends before `window_end`, and its roots up to `window_root` are
    done. So a chunk needs nothing but this row's lock, whatever was killed or frozen before it.
    """

    name = models.CharField(max_length=64)
    version = models.IntegerField()
    upto = Xid8Field()
    window_end = Xid8Field(null=True)
    window_root = models.BigIntegerField(default=0)
    is_emptying = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    advanced_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "core_fold_cursor"
        constraints = [
            models.UniqueConstraint(fields=["name", "version"], name="fold_name_version"),
            models.CheckConstraint(
                condition=Q(window_end__isnull=True) | Q(window_end__gt=F("upto")),
                name="fold_window_ahead",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"


class RuleChain(models.Model):
    """That a rule acted on a subject within one chain of causes: the second time is refused."""

    root_event_id = models.BigIntegerField()
    rule = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()

    class Meta:
        db_table = "core_rule_chain"
        constraints = [
            models.UniqueConstraint(
                fields=["root_event_id", "rule", "subject_type", "subject_id"],
                name="rule_once_per_chain",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.subject_type}:{self.subject_id}"
