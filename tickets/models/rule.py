"""Automation rules: when, if, then; what they did; what they wait for; how they would have done in the past."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from tickets.rule_enums import TIMED, RunState, TrialState, Trigger


class Rule(models.Model):
    """One rule. Asked in the order of `position` while it is on; a deleted one stays for its log.

    `trigger`, `name` and `team_ids` repeat the current version's. `version` is the edit form's token.
    """

    event_type = "rule"

    name = models.CharField(max_length=80)
    trigger = models.CharField(max_length=16, choices=Trigger)
    team_ids = ArrayField(models.BigIntegerField(), default=list, blank=True, db_default=[])
    position = models.IntegerField(default=0)
    is_active = models.BooleanField(default=False)
    current = models.OneToOneField("tickets.RuleVersion", on_delete=models.PROTECT, null=True, related_name="+")
    deleted_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_rule"
        constraints = [
            models.CheckConstraint(condition=Q(trigger__in=Trigger.values), name="rule_trigger_known"),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(deleted_at__isnull=True), name="rule_deleted_is_off"
            ),
            models.CheckConstraint(
                condition=Q(is_active=False) | Q(current__isnull=False), name="rule_active_has_version"
            ),
        ]
        indexes = [models.Index(fields=["trigger", "position"], name="rule_on", condition=Q(is_active=True))]

    def __str__(self) -> str:
        return self.name

    @property
    def is_timed(self) -> bool:
        """Say whether the rule waits for time to pass."""
        return self.trigger in TIMED

    def event_streams(self) -> dict[str, int | None]:
        """A rule belongs to no stream."""
        return {}


class RuleVersion(models.Model):
    """What a rule said from one saving to the next; never changed.

    `definition` is {"all": [condition], "any": [condition], "do": [action]}: a condition {"what", "op", "value"}, an
    action {"do", …}. `team_ids` are the teams whose tickets it is for, none = the company's. `after_minutes` is how
    long a timed rule waits, in business time of the calendar (None = the default one) when it says so.
    """

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    trigger = models.CharField(max_length=16, choices=Trigger)
    team_ids = ArrayField(models.BigIntegerField(), default=list, blank=True, db_default=[])
    after_minutes = models.PositiveIntegerField(null=True)
    is_business_time = models.BooleanField(default=False)
    calendar_id = models.BigIntegerField(null=True)
    definition = models.JSONField(default=dict)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_rule_version"
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="rule_version_number"),
            models.CheckConstraint(
                condition=Q(trigger__in=[str(one) for one in TIMED], after_minutes__gt=0)
                | (~Q(trigger__in=[str(one) for one in TIMED]) & Q(after_minutes__isnull=True)),
                name="rule_version_timed_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of rule {self.rule_id}"


class RuleRun(models.Model):
    """That a rule's conditions held for a ticket, once per event (or per stretch of time), and what became of it.

    `held` are the places of the any-conditions that held; `steps` one {"do", "state", "code", "zh", "en"} per action.
    """

    event_type = "rule_run"

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="runs", db_index=False)
    number = models.PositiveIntegerField()
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="rule_runs", db_index=False)
    event_id = models.BigIntegerField(null=True)
    since = models.DateTimeField(null=True)
    state = models.CharField(max_length=8, choices=RunState, default=RunState.DONE)
    held = ArrayField(models.SmallIntegerField(), default=list)
    steps = models.JSONField(default=list)
    reason = models.CharField(max_length=40, blank=True, default="")
    at = models.DateTimeField()

    class Meta:
        db_table = "tickets_rule_run"
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "event_id"], name="rule_run_once_per_event", condition=Q(event_id__isnull=False)
            ),
            models.UniqueConstraint(
                fields=["rule", "ticket", "since"], name="rule_run_once_per_wait", condition=Q(since__isnull=False)
            ),
            models.CheckConstraint(
                condition=Q(event_id__isnull=False, since__isnull=True) | Q(event_id__isnull=True, since__isnull=False),
                name="rule_run_has_one_cause",
            ),
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="rule_run_state_known"),
        ]
        indexes = [
            models.Index(fields=["rule", "-id"], name="rule_run_of_rule"),
            models.Index(fields=["ticket", "-id"], name="rule_run_of_ticket"),
            models.Index(fields=["state", "-id"], name="rule_run_of_state"),
        ]

    def __str__(self) -> str:
        return f"rule {self.rule_id} on ticket {self.ticket_id}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams of its ticket (which must be loaded)."""
        return self.ticket.event_streams()


class RuleTimer(models.Model):
    """That a timed rule waits at a ticket: since when, and when it is due. The due job is keyed by this row's id."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="timers")
    number = models.PositiveIntegerField()
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="rule_timers")
    since = models.DateTimeField()
    due_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_rule_timer"
        constraints = [models.UniqueConstraint(fields=["rule", "ticket"], name="rule_timer_once")]

    def __str__(self) -> str:
        return f"rule {self.rule_id} waits at ticket {self.ticket_id}"


class RuleTrial(models.Model):
    """A rule's version tried on the past: nothing is written to tickets. `after_id` is how far it has come."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="trials")
    tried = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=12, choices=TrialState, default=TrialState.RUNNING)
    since = models.DateTimeField()
    until = models.DateTimeField()
    total = models.IntegerField(default=0)
    done_count = models.IntegerField(default=0)
    matched_count = models.IntegerField(default=0)
    times_count = models.IntegerField(default=0)
    after_id = models.BigIntegerField(default=0)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_rule_trial"
        constraints = [
            models.UniqueConstraint(fields=["rule"], name="rule_trial_one_at_a_time", condition=Q(state="running")),
            models.CheckConstraint(condition=Q(state__in=TrialState.values), name="rule_trial_state_known"),
            models.CheckConstraint(
                condition=Q(state="running", finished_at__isnull=True)
                | (~Q(state="running") & Q(finished_at__isnull=False)),
                name="rule_trial_ended_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"trial {self.pk} of rule {self.rule_id}"


class RuleTrialHit(models.Model):
    """A ticket the rule would have met: the first time, how often, and what it would have done ("done" or "same")."""

    trial = models.ForeignKey(RuleTrial, on_delete=models.CASCADE, related_name="hits")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="+")
    event_id = models.BigIntegerField(null=True)
    at = models.DateTimeField()
    times = models.IntegerField(default=1)
    held = ArrayField(models.SmallIntegerField(), default=list)
    steps = ArrayField(models.CharField(max_length=8), default=list)

    class Meta:
        db_table = "tickets_rule_trial_hit"
        constraints = [models.UniqueConstraint(fields=["trial", "ticket"], name="rule_trial_hit_once")]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} in trial {self.trial_id}"
