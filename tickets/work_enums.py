"""States, steps and parts of what is owed inside a ticket: department tasks, promises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

DIGEST = "tickets.weekly_digest"  # the preference; False = unsubscribed


class TaskKind(models.TextChoices):
    """Why a department is asked."""

    TASK = "task", pgettext_lazy("task kind", "Task")
    JOINT = "joint", pgettext_lazy("task kind", "Joint response")
    TIER = "tier", pgettext_lazy("task kind", "Escalation")


class Tier(models.IntegerChoices):
    """Lines of support behind the first one."""

    TECHNICAL = 2, _("Technical support")
    RESEARCH = 3, _("Research and development")


class TaskState(models.TextChoices):
    """The life of a department task."""

    OPEN = "open", pgettext_lazy("task state", "Asked")
    TAKEN = "taken", pgettext_lazy("task state", "In hand")
    ANSWERED = "answered", pgettext_lazy("task state", "Answered")
    DECLINED = "declined", pgettext_lazy("task state", "Sent back")
    WITHDRAWN = "withdrawn", pgettext_lazy("task state", "Withdrawn")


TASK_RUNNING = (TaskState.OPEN, TaskState.TAKEN)


class TaskPart(StrEnum):
    """What a person is to a task."""

    DESK = "desk"  # answers the customer of its ticket
    MEMBER = "member"  # works in the department asked
    LEAD = "lead"  # leads that department
    OWNER = "owner"  # has the task in hand


class TaskAction(StrEnum):
    """What can be done with a task."""

    TAKE = "take"
    GIVE_BACK = "give_back"
    PASS_ON = "pass_on"
    ANSWER = "answer"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    ASK_AGAIN = "ask_again"
    RESCHEDULE = "reschedule"


@dataclass(frozen=True)
class TaskRule:
    """From which states an action leads where (None = it stays), and whose it is."""

    before: frozenset[str]
    after: str | None
    parts: frozenset[TaskPart]


_RUNNING = frozenset({TaskState.OPEN.value, TaskState.TAKEN.value})
_DEPARTMENT = frozenset({TaskPart.MEMBER, TaskPart.LEAD})
_DESK = frozenset({TaskPart.DESK})
TASK_RULES: dict[TaskAction, TaskRule] = {
    TaskAction.TAKE: TaskRule(frozenset({TaskState.OPEN.value}), TaskState.TAKEN, _DEPARTMENT),
    TaskAction.GIVE_BACK: TaskRule(
        frozenset({TaskState.TAKEN.value}), TaskState.OPEN, frozenset({TaskPart.OWNER, TaskPart.LEAD})
    ),
    TaskAction.PASS_ON: TaskRule(_RUNNING, TaskState.TAKEN, frozenset({TaskPart.OWNER, TaskPart.LEAD})),
    TaskAction.ANSWER: TaskRule(_RUNNING, TaskState.ANSWERED, _DEPARTMENT),
    TaskAction.DECLINE: TaskRule(_RUNNING, TaskState.DECLINED, _DEPARTMENT),
    TaskAction.WITHDRAW: TaskRule(_RUNNING, TaskState.WITHDRAWN, _DESK),
    TaskAction.ASK_AGAIN: TaskRule(
        frozenset({TaskState.ANSWERED.value, TaskState.DECLINED.value}), TaskState.OPEN, _DESK
    ),
    TaskAction.RESCHEDULE: TaskRule(_RUNNING, None, _DESK),
}


class PromiseKind(models.TextChoices):
    """What a customer was promised."""

    REFUND = "refund", pgettext_lazy("promise", "Refund")
    REPLACEMENT = "replacement", pgettext_lazy("promise", "Replacement")
    SHIPPING = "shipping", pgettext_lazy("promise", "Shipping")
    CALL = "call", pgettext_lazy("promise", "Call back")
    ANSWER = "answer", pgettext_lazy("promise", "Answer")
    COMPENSATION = "compensation", pgettext_lazy("promise", "Compensation")
    OTHER = "other", pgettext_lazy("promise", "Something else")


class PromiseState(models.TextChoices):
    """The life of a promise; an overdue one is broken already and still owed."""

    OPEN = "open", pgettext_lazy("promise state", "Open")
    OVERDUE = "overdue", pgettext_lazy("promise state", "Overdue")
    KEPT = "kept", pgettext_lazy("promise state", "Kept")
    BROKEN = "broken", pgettext_lazy("promise state", "Broken")
    WITHDRAWN = "withdrawn", pgettext_lazy("promise state", "Withdrawn")


PROMISE_TRANSITIONS: dict[str, frozenset[str]] = {
    PromiseState.OPEN: frozenset({"kept", "withdrawn", "overdue"}),
    PromiseState.OVERDUE: frozenset({"broken"}),
    PromiseState.KEPT: frozenset(),
    PromiseState.BROKEN: frozenset(),
    PromiseState.WITHDRAWN: frozenset(),
}
PROMISE_OWED = (PromiseState.OPEN, PromiseState.OVERDUE)
