"""Work handed to other departments, joint responses, and defects they find."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from tickets.work_enums import TASK_RUNNING, TaskKind, TaskState, Tier

RUNNING = Q(state__in=[state.value for state in TASK_RUNNING])


class Department(models.Model):
    """A team others hand work to: its line of support, its area, and how fast it answers (hours of its calendar).

    `categories` is the area whose tickets, orders and answers its people may read.
    """

    team = models.OneToOneField("accounts.Team", on_delete=models.CASCADE, primary_key=True, related_name="department")
    tier = models.SmallIntegerField(choices=Tier, null=True, blank=True)
    categories = models.ManyToManyField("tickets.Category", related_name="departments", blank=True)
    task_hours = models.PositiveSmallIntegerField(default=8)
    lead_after_hours = models.PositiveSmallIntegerField(default=4)
    supervisor_after_hours = models.PositiveSmallIntegerField(default=4)
    is_active = models.BooleanField(default=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_department"
        constraints = [
            models.CheckConstraint(condition=Q(tier__isnull=True) | Q(tier__in=Tier.values), name="department_tier"),
            models.CheckConstraint(condition=Q(task_hours__gte=1), name="department_hours_positive"),
        ]

    def __str__(self) -> str:
        return f"department {self.pk}"


class JointResponse(models.Model):
    """One question put to several departments at once; the agent reads all parts and answers the customer once."""

    event_type = "joint_response"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="joint_responses")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked = models.TextField()
    asked_at = models.DateTimeField()
    message = models.ForeignKey("tickets.Message", on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_joint_response"

    def __str__(self) -> str:
        return f"joint response {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()


class DepartmentTask(models.Model):
    """What a department is asked for a ticket: by when, who has it in hand, what came back.

    `round` counts askings and new due times: deadlines of earlier rounds say nothing any more. `escalation` is how far
    an overdue one has risen: 1 owner, 2 lead, 3 supervisor. `is_blocking`: the ticket waits for it.
    """

    event_type = "task"

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="tasks")
    team = models.ForeignKey("accounts.Team", on_delete=models.PROTECT, related_name="tasks")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="department_tasks"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="asked_tasks"
    )
    joint = models.ForeignKey(JointResponse, on_delete=models.CASCADE, null=True, related_name="parts")
    parent = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    kind = models.CharField(max_length=8, choices=TaskKind, default=TaskKind.TASK)
    tier = models.SmallIntegerField(choices=Tier, null=True)
    state = models.CharField(max_length=12, choices=TaskState, default=TaskState.OPEN)
    is_blocking = models.BooleanField(default=True)
    asked = models.TextField()
    files = models.ManyToManyField("tickets.Attachment", related_name="tasks", blank=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    round = models.PositiveSmallIntegerField(default=1)
    escalation = models.PositiveSmallIntegerField(default=0)
    overdue_at = models.DateTimeField(null=True)
    answer = models.TextField(blank=True, default="")
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.ForeignKey("tickets.Message", on_delete=models.SET_NULL, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "tickets_department_task"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=TaskState.values), name="task_state_known"),
            models.CheckConstraint(condition=Q(kind__in=TaskKind.values), name="task_kind_known"),
            models.CheckConstraint(
                condition=(RUNNING & Q(settled_at__isnull=True)) | (~RUNNING & Q(settled_at__isnull=False)),
                name="task_settled_has_time",
            ),
            models.CheckConstraint(condition=~Q(state="answered") | ~Q(answer=""), name="task_answered_has_words"),
            models.CheckConstraint(condition=~Q(state="taken") | Q(owner__isnull=False), name="task_taken_has_owner"),
            models.CheckConstraint(
                condition=Q(kind="tier", tier__in=Tier.values) | (~Q(kind="tier") & Q(tier__isnull=True)),
                name="task_tier_named",
            ),
            models.CheckConstraint(condition=Q(escalation__lte=3), name="task_escalation_steps"),
        ]
        indexes = [
            models.Index(fields=["team", "due_at", "id"], name="task_running", condition=RUNNING),
            models.Index(fields=["team", "-settled_at", "-id"], name="task_settled", condition=~RUNNING),
            models.Index(fields=["asked_by", "due_at", "id"], name="task_asked_by", condition=RUNNING),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"

    @property
    def is_running(self) -> bool:
        """Say whether the department still owes an answer."""
        return self.state in TASK_RUNNING

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this task belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()


class ProductDefect(models.Model):
    """A defect of a product that a department found while working on a ticket; the product when it is known."""

    event_type = "defect"

    task = models.OneToOneField(DepartmentTask, on_delete=models.CASCADE, related_name="defect")
    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="defects")
    product = models.ForeignKey("orders.Product", on_delete=models.SET_NULL, null=True, related_name="+")
    words = models.CharField(max_length=300)
    reported_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    reported_at = models.DateTimeField()

    class Meta:
        db_table = "tickets_product_defect"
        indexes = [models.Index(fields=["-reported_at", "-id"], name="defect_newest")]

    def __str__(self) -> str:
        return f"defect {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this defect belong to (its ticket must be loaded)."""
        return self.ticket.event_streams()
