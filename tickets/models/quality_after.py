"""What follows a review and what comes before it: appeals, coaching, the pre-check and the terms of it all."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from tickets.quality_enums import AppealState, Rule, Severity, Verdict


class Appeal(models.Model):
    """An agent's appeal: once per review, decided by somebody else than the first reviewer and herself."""

    review = models.OneToOneField("tickets.QualityReview", on_delete=models.CASCADE, related_name="appeal")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    against = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decider = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=AppealState, default=AppealState.OPEN)
    reason = models.TextField()
    decision = models.TextField(blank=True, default="")
    score_before = models.DecimalField(max_digits=5, decimal_places=2)
    score_after = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    answers_before = models.JSONField(default=dict)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "tickets_quality_appeal"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=AppealState.values), name="appeal_state_known"),
            models.CheckConstraint(
                condition=Q(decider__isnull=True) | (~Q(decider=F("against")) & ~Q(decider=F("made_by"))),
                name="appeal_decided_by_another",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True, score_after__isnull=True)
                | (
                    ~Q(state="open")
                    & Q(decided_at__isnull=False, score_after__isnull=False, decider__isnull=False)
                    & ~Q(decision="")
                ),
                name="appeal_decided_whole",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="appeal_open", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"appeal {self.pk} of review {self.review_id}"


class Coaching(models.Model):
    """A talk about a low score, with the day it is due; `note` is what was agreed."""

    review = models.OneToOneField("tickets.QualityReview", on_delete=models.CASCADE, related_name="coaching")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    coach = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField()
    note = models.TextField(blank=True, default="")
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    event_type = "coaching"

    class Meta:
        db_table = "tickets_quality_coaching"
        constraints = [
            models.CheckConstraint(
                condition=Q(done_at__isnull=True) | (Q(done_by__isnull=False) & ~Q(note="")),
                name="coaching_done_with_note",
            ),
            models.CheckConstraint(condition=~Q(coach=F("agent")), name="coaching_by_another"),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], name="coaching_open", condition=Q(done_at__isnull=True, withdrawn_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return f"coaching {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """A talk belongs to no stream that others read."""
        return {}


class ScreenFinding(models.Model):
    """What the pre-check found in one answer; `start` and `end` are positions in the message's text, never the text."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="findings")
    message = models.ForeignKey("tickets.Message", on_delete=models.CASCADE, related_name="findings")
    agent_id = models.BigIntegerField()
    rule = models.CharField(max_length=16, choices=Rule)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    verdict = models.CharField(max_length=8, choices=Verdict, blank=True, default="")
    judged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    judged_at = models.DateTimeField(null=True)
    found_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_screen_finding"
        constraints = [
            models.UniqueConstraint(fields=["message", "rule", "start"], name="screen_finding_once"),
            models.CheckConstraint(condition=Q(rule__in=Rule.values), name="screen_finding_rule_known"),
            models.CheckConstraint(condition=Q(end__gte=F("start")), name="screen_finding_ends_after"),
            models.CheckConstraint(
                condition=Q(verdict="", judged_at__isnull=True)
                | (Q(verdict__in=Verdict.values) & Q(judged_at__isnull=False)),
                name="screen_finding_judged_whole",
            ),
        ]
        indexes = [models.Index(fields=["rule", "verdict"], name="screen_finding_rule")]

    def __str__(self) -> str:
        return f"{self.rule} in message {self.message_id}"


class ScreenRule(models.Model):
    """How a rule of the pre-check is set; without a row it is on with the words that come with the product.

    `words` are two lists, zh and en, one entry a line; None keeps the product's. `limit` is an amount in the shop's
    currency (money promised).
    """

    event_type = "screen_rule"

    code = models.CharField(max_length=16, choices=Rule, unique=True)
    is_on = models.BooleanField(default=True)
    words = models.JSONField(null=True)
    limit = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_screen_rule"
        constraints = [models.CheckConstraint(condition=Q(code__in=Rule.values), name="screen_rule_known")]

    def __str__(self) -> str:
        return self.code

    def event_streams(self) -> dict[str, int | None]:
        """A rule belongs to no stream."""
        return {}


class QualityTerms(models.Model):
    """The terms of quality review: one row at most, without it the defaults hold."""

    event_type = "quality_terms"

    appeal_days = models.PositiveSmallIntegerField(default=7)
    decide_days = models.PositiveSmallIntegerField(default=3)
    coach_below = models.PositiveSmallIntegerField(default=75)
    coach_days = models.PositiveSmallIntegerField(default=7)
    new_agent_days = models.PositiveSmallIntegerField(default=60)
    away_hours = models.PositiveSmallIntegerField(default=36)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_quality_terms"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="quality_terms_one_row"),
            models.CheckConstraint(condition=Q(coach_below__lte=100), name="quality_terms_threshold"),
            models.CheckConstraint(condition=Q(appeal_days__gte=1), name="quality_terms_time_to_appeal"),
        ]

    def __str__(self) -> str:
        return "terms of quality review"

    def event_streams(self) -> dict[str, int | None]:
        """Terms belong to no stream."""
        return {}
