"""Automation rules: what sets one off, what it looks at, what it does, what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Trigger(models.TextChoices):
    """When a rule is asked; reads after "When"."""

    OPENED = "opened", _("a ticket is opened")
    CUSTOMER_WROTE = "customer_wrote", _("the customer writes again")
    ANSWERED = "answered", _("a colleague answers")
    NOTED = "noted", _("an internal note is added")
    STATUS = "status", _("the status changes")
    CATEGORY = "category", _("the category changes")
    PRIORITY = "priority", _("the priority changes")
    ASSIGNEE = "assignee", _("the assignee changes")
    TEAM = "team", _("the team changes")
    CLOCK_WARNED = "clock_warned", _("a deadline comes near")
    CLOCK_BREACHED = "clock_breached", _("a deadline is missed")
    MAIL_FAILED = "mail_failed", _("an answer could not be delivered")
    UNTOUCHED = "untouched", _("a ticket is open and none of us has touched it for a while")
    WAITING = "waiting", _("a ticket has waited for the customer for a while")
    SOLVED = "solved", _("a ticket has stayed resolved for a while")


TIMED = (Trigger.UNTOUCHED, Trigger.WAITING, Trigger.SOLVED)


class What(models.TextChoices):
    """What a condition looks at; a category's own field is `field:<id>`."""

    CHANNEL = "channel", _("Channel")
    CATEGORY = "category", _("Category")
    PRIORITY = "priority", _("Priority")
    STATUS = "status", _("Status")
    SUBJECT = "subject", _("Subject")
    TEXT = "text", _("What was written")
    WORDS = "words", _("Subject or text")
    TAGS = "tags", _("Tags")
    TEAM = "team", _("Team")
    ASSIGNEE = "assignee", _("Assignee")
    SHOP = "shop", _("Shop")
    TIER = "tier", _("Customer's tier")
    LANGUAGE = "language", _("Language")
    ORDER = "order", _("Order")
    ORDER_STATUS = "order_status", _("Order's status")
    HOURS = "hours", _("Business hours")
    REPEAT = "repeat", _("Repeat contact")


class Op(models.TextChoices):
    """How a condition compares."""

    IS = "is", _("is one of")
    IS_NOT = "is_not", _("is none of")
    AT_LEAST = "at_least", _("is at least")
    AT_MOST = "at_most", _("is at most")
    HAS_ANY = "has_any", _("has one of")
    HAS_ALL = "has_all", _("has all of")
    HAS_NONE = "has_none", _("has none of")
    CONTAINS = "contains", _("contains one of")
    LACKS = "lacks", _("contains none of")
    PRESENT = "present", _("is there")
    ABSENT = "absent", _("is not there")
    WITHIN = "within", _("now within")
    OUTSIDE = "outside", _("now outside")
    YES = "yes", pgettext_lazy("condition", "yes")
    NO = "no", pgettext_lazy("condition", "no")
    EQUALS = "equals", _("is exactly")
    BEFORE = "before", _("is before")
    AFTER = "after", _("is after")


class Kind(models.TextChoices):
    """What a condition's value is typed as."""

    CODES = "codes"
    IDS = "ids"
    ONE = "one"
    TAGS = "tags"
    WORDS = "words"
    CALENDAR = "calendar"
    NUMBER = "number"
    DATE = "date"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Spec:
    """What may be asked of something, each way with the type of its value."""

    ops: Mapping[str, str]


_CODES = Spec({Op.IS: Kind.CODES, Op.IS_NOT: Kind.CODES})
_IDS = Spec({Op.IS: Kind.IDS, Op.IS_NOT: Kind.IDS})
_WORDS = Spec({Op.CONTAINS: Kind.WORDS, Op.LACKS: Kind.WORDS})
_YESNO = Spec({Op.YES: Kind.NOTHING, Op.NO: Kind.NOTHING})
_THERE: dict[str, str] = {Op.PRESENT: Kind.NOTHING, Op.ABSENT: Kind.NOTHING}

SPECS: dict[str, Spec] = {
    What.CHANNEL: _CODES,
    What.CATEGORY: _IDS,
    What.PRIORITY: Spec({Op.IS: Kind.IDS, Op.IS_NOT: Kind.IDS, Op.AT_LEAST: Kind.ONE, Op.AT_MOST: Kind.ONE}),
    What.STATUS: _CODES,
    What.SUBJECT: _WORDS,
    What.TEXT: _WORDS,
    What.WORDS: _WORDS,
    What.TAGS: Spec({Op.HAS_ANY: Kind.TAGS, Op.HAS_ALL: Kind.TAGS, Op.HAS_NONE: Kind.TAGS}),
    What.TEAM: _IDS,
    What.ASSIGNEE: _IDS,
    What.SHOP: _IDS,
    What.TIER: _CODES,
    What.LANGUAGE: _CODES,
    What.ORDER: Spec(dict(_THERE)),
    What.ORDER_STATUS: _CODES,
    What.HOURS: Spec({Op.WITHIN: Kind.CALENDAR, Op.OUTSIDE: Kind.CALENDAR}),
    What.REPEAT: _YESNO,
}
FIELD_SPECS: dict[str, Spec] = {
    "text": Spec({Op.CONTAINS: Kind.WORDS, Op.LACKS: Kind.WORDS, **_THERE}),
    "number": Spec({Op.EQUALS: Kind.NUMBER, Op.AT_LEAST: Kind.NUMBER, Op.AT_MOST: Kind.NUMBER, **_THERE}),
    "choice": Spec({Op.IS: Kind.CODES, Op.IS_NOT: Kind.CODES, **_THERE}),
    "date": Spec({Op.BEFORE: Kind.DATE, Op.AFTER: Kind.DATE, **_THERE}),
    "yesno": Spec({Op.YES: Kind.NOTHING, Op.NO: Kind.NOTHING, **_THERE}),
}
FIELD = "field:"

BY_TODAY = (What.SUBJECT, What.WORDS, What.TAGS, What.ORDER_STATUS, What.HOURS, What.REPEAT)
"""What the history does not hold as it was: a trial judges it by what stands today (as it does own fields)."""


class Do(models.TextChoices):
    """What a rule does."""

    PRIORITY = "priority", _("Set the priority")
    CATEGORY = "category", _("Set the category")
    STATUS = "status", _("Set the status")
    ADD_TAGS = "add_tags", _("Add tags")
    REMOVE_TAGS = "remove_tags", _("Remove tags")
    TEAM = "team", _("Hand to a team's queue")
    AGENT = "agent", _("Hand to a colleague")
    NOTE = "note", _("Write an internal note")
    ANSWER = "answer", _("Send a canned reply")
    NOTIFY = "notify", _("Tell somebody on the desk")
    TASK = "task", _("Ask a department")
    STOP = "stop", _("Ask no further rules")


class Tell(models.TextChoices):
    """Whom a rule tells."""

    ASSIGNEE = "assignee", _("the assignee")
    SUPERVISORS = "supervisors", _("the supervisors")
    OWN_TEAM = "own_team", _("the ticket's team")


class RunState(models.TextChoices):
    """What became of a rule on one ticket."""

    DONE = "done", _("Done")
    PARTLY = "partly", _("Partly done")
    FAILED = "failed", _("Not done")
    SAME = "same", _("Nothing to change")
    REFUSED = "refused", _("Held back")


class StepState(models.TextChoices):
    """What became of one action."""

    DONE = "done", _("Done")
    SAME = "same", _("Was so already")
    FAILED = "failed", _("Not done")


class TrialState(models.TextChoices):
    """How far a trial over the past has come."""

    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")
