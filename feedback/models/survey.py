"""Surveys, the questions they ask, who was invited and what they said."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.models.fields import ClockTimestamp
from feedback.enums import InvalidReason, InvitationState, Touchpoint


class Survey(models.Model):
    """One survey: when it is sent, to whom at most how often. `current` is the version new invitations ask.

    `delay_minutes` after the touchpoint; `period_days` in which a customer gets it once at most (0 = no limit).
    """

    event_type = "survey"

    key = models.SlugField(max_length=40, unique=True)
    touchpoint = models.CharField(max_length=12, choices=Touchpoint)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    is_active = models.BooleanField(default=True)
    delay_minutes = models.PositiveIntegerField(default=30)
    expires_days = models.PositiveSmallIntegerField(default=14)
    period_days = models.PositiveSmallIntegerField(default=30)
    remind_after_days = models.PositiveSmallIntegerField(default=3)
    current = models.ForeignKey("feedback.SurveyVersion", on_delete=models.PROTECT, null=True, related_name="+")
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "feedback_survey"
        constraints = [
            models.CheckConstraint(condition=Q(touchpoint__in=Touchpoint.values), name="survey_touchpoint_known"),
            models.CheckConstraint(
                condition=Q(expires_days__gte=1, expires_days__lte=90), name="survey_expiry_in_reason"
            ),
            models.CheckConstraint(condition=Q(delay_minutes__lte=43200), name="survey_delay_in_reason"),
        ]

    def __str__(self) -> str:
        return self.key

    def event_streams(self) -> dict[str, int | None]:
        """A survey's settings belong to no stream."""
        return {}

    def name_in(self, language: str) -> str:
        """Return the name in `zh-hans` or `en`."""
        return self.name_en if language == "en" else self.name_zh


class SurveyVersion(models.Model):
    """What a survey asked from one moment on; never changed, so that answers keep their questions.

    `questions` is the list feedback.questions reads; `estimated_seconds` was reckoned when it was saved.
    """

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    title_zh = models.CharField(max_length=120)
    title_en = models.CharField(max_length=120)
    intro_zh = models.CharField(max_length=400, blank=True, default="")
    intro_en = models.CharField(max_length=400, blank=True, default="")
    questions = models.JSONField()
    estimated_seconds = models.PositiveIntegerField()
    made_by = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "feedback_survey_version"
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="survey_version_number"),
            models.CheckConstraint(condition=Q(estimated_seconds__lte=300), name="survey_version_short_enough"),
        ]

    def __str__(self) -> str:
        return f"survey {self.survey_id} v{self.number}"

    def title_in(self, language: str) -> str:
        """Return the title in `zh-hans` or `en`."""
        return self.title_en if language == "en" else self.title_zh

    def intro_in(self, language: str) -> str:
        """Return the introduction in `zh-hans` or `en`."""
        return self.intro_en if language == "en" else self.intro_zh


class Invitation(models.Model):
    """One customer asked once. The link's token is kept as a digest; the reminder's link has one of its own.

    Agent, team, channel, stage and tier are those of the moment asked about. `partial` holds what is typed so far,
    `answered_at` is what makes a link used.
    """

    event_type = "invitation"

    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="invitations")
    asked = models.ForeignKey(SurveyVersion, on_delete=models.PROTECT, related_name="invitations")
    token_hash = models.BinaryField(max_length=32, unique=True)
    reminder_hash = models.BinaryField(max_length=32, unique=True, null=True)
    customer = models.ForeignKey("customers.Customer", on_delete=models.PROTECT, related_name="invitations")
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, null=True, related_name="+")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, null=True, related_name="invitations")
    order = models.ForeignKey("orders.Order", on_delete=models.SET_NULL, null=True, related_name="invitations")
    agent = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    team = models.ForeignKey("accounts.Team", on_delete=models.SET_NULL, null=True, related_name="+")
    channel = models.CharField(max_length=12, blank=True, default="")
    stage = models.CharField(max_length=12, blank=True, default="")
    tier = models.CharField(max_length=12, blank=True, default="")
    language = models.CharField(max_length=10, default="zh-hans")
    state = models.CharField(max_length=12, choices=InvitationState, default=InvitationState.INVITED)
    partial = models.JSONField(default=dict)
    delivery_id = models.BigIntegerField(null=True)
    reminder_delivery_id = models.BigIntegerField(null=True)
    invited_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "feedback_invitation"
        constraints = [
            models.UniqueConstraint(
                fields=["survey", "ticket"],
                name="invitation_open_per_ticket",
                condition=Q(ticket__isnull=False, answered_at__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["survey", "order"],
                name="invitation_once_per_order",
                condition=Q(order__isnull=False, ticket__isnull=True),
            ),
            models.CheckConstraint(condition=Q(state__in=InvitationState.values), name="invitation_state_known"),
            models.CheckConstraint(
                condition=Q(state="answered", answered_at__isnull=False)
                | (~Q(state="answered") & Q(answered_at__isnull=True)),
                name="invitation_answered_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state="expired", expired_at__isnull=False)
                | (~Q(state="expired") & Q(expired_at__isnull=True)),
                name="invitation_expired_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="delivered") | Q(delivered_at__isnull=False), name="invitation_delivered_has_time"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("invited_at")), name="invitation_expires_later"),
        ]
        indexes = [
            models.Index(fields=["customer", "survey", "-invited_at"], name="invitation_customer"),
            models.Index(fields=["delivery_id"], name="invitation_delivery", condition=Q(delivery_id__isnull=False)),
            models.Index(
                fields=["reminder_delivery_id"],
                name="invitation_reminder",
                condition=Q(reminder_delivery_id__isnull=False),
            ),
            models.Index(fields=["order"], name="invitation_order", condition=Q(order__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this invitation belong to."""
        return {
            "shop_id": self.shop_id,
            "customer_id": self.customer_id,
            "order_id": self.order_id,
            "ticket_id": self.ticket_id,
        }


class Answer(models.Model):
    """What a customer said, once per invitation. `answers` maps a question's id to its value.

    `comment` is the first text answer again, for lists; `recovery_ticket` is where a dissatisfied answer went.
    """

    invitation = models.OneToOneField(Invitation, on_delete=models.CASCADE, related_name="answer")
    survey = models.ForeignKey(Survey, on_delete=models.PROTECT, related_name="answers")
    answers = models.JSONField()
    csat = models.PositiveSmallIntegerField(null=True)
    nps = models.PositiveSmallIntegerField(null=True)
    ces = models.PositiveSmallIntegerField(null=True)
    comment = models.TextField(blank=True, default="")
    language = models.CharField(max_length=10)
    seconds = models.PositiveIntegerField()
    is_valid = models.BooleanField(default=True)
    invalid_reason = models.CharField(max_length=16, choices=InvalidReason, blank=True, default="")
    recovery_ticket = models.ForeignKey("tickets.Ticket", on_delete=models.SET_NULL, null=True, related_name="+")
    submitted_at = models.DateTimeField()
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "feedback_answer"
        constraints = [
            models.CheckConstraint(condition=Q(csat__isnull=True) | Q(csat__range=(1, 5)), name="answer_csat_range"),
            models.CheckConstraint(condition=Q(nps__isnull=True) | Q(nps__range=(0, 10)), name="answer_nps_range"),
            models.CheckConstraint(condition=Q(ces__isnull=True) | Q(ces__range=(1, 7)), name="answer_ces_range"),
            models.CheckConstraint(
                condition=Q(is_valid=True, invalid_reason="") | (Q(is_valid=False) & ~Q(invalid_reason="")),
                name="answer_invalid_has_reason",
            ),
        ]
        indexes = [
            models.Index(F("submitted_at").desc(), F("id").desc(), name="answer_newest"),
            models.Index(F("csat"), F("submitted_at").desc(), F("id").desc(), name="answer_csat_newest"),
            models.Index(F("survey"), F("submitted_at").desc(), F("id").desc(), name="answer_survey_newest"),
        ]

    def __str__(self) -> str:
        return f"answer {self.pk}"
