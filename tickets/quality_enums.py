"""States, kinds and codes of quality review."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class CriterionKind(models.TextChoices):
    """How a criterion is marked."""

    SCALE = "scale", _("0 to 5")
    YES_NO = "yes_no", _("Yes or no")


class Evidence(models.TextChoices):
    """What a criterion is filled in from before a person looks."""

    NONE = "", _("Only the reviewer")
    STANDARD = "standard", _("Steps of the service standard")
    PROMISE = "promise", _("Promises kept or broken")
    GREETING = "greeting", _("Greeting in the first answer")


class ReviewState(models.TextChoices):
    """The life of a review; a submitted one is final but for an appeal."""

    WAITING = "waiting", pgettext_lazy("review", "To review")
    SUBMITTED = "submitted", pgettext_lazy("review", "Reviewed")
    DROPPED = "dropped", pgettext_lazy("review", "Dropped")


class SamplePeriod(models.TextChoices):
    """How often a plan draws."""

    DAY = "day", _("Every day")
    WEEK = "week", _("Every week")
    MONTH = "month", _("Every month")


class SampleWay(models.TextChoices):
    """How many a plan draws."""

    PER_AGENT = "per_agent", _("A number per agent")
    PERCENT = "percent", _("So many percent")


class Why(models.TextChoices):
    """Why a conversation is reviewed."""

    RANDOM = "random", pgettext_lazy("why reviewed", "Drawn by lot")
    LOW_SATISFACTION = "low_satisfaction", pgettext_lazy("why reviewed", "Customer not satisfied")
    REPEAT = "repeat", pgettext_lazy("why reviewed", "Customer came back")
    BREACHED = "breached", pgettext_lazy("why reviewed", "Deadline missed")
    RISK = "risk", pgettext_lazy("why reviewed", "Pre-check found something")
    NEW_AGENT = "new_agent", pgettext_lazy("why reviewed", "New colleague")
    MANUAL = "manual", pgettext_lazy("why reviewed", "Chosen by hand")
    CALIBRATION = "calibration", pgettext_lazy("why reviewed", "Calibration")


BOOSTS = (Why.LOW_SATISFACTION, Why.REPEAT, Why.BREACHED, Why.RISK, Why.NEW_AGENT)


class AppealState(models.TextChoices):
    """The life of an appeal."""

    OPEN = "open", pgettext_lazy("appeal", "Open")
    KEPT = "kept", pgettext_lazy("appeal", "Score kept")
    CHANGED = "changed", pgettext_lazy("appeal", "Score changed")


class Verdict(models.TextChoices):
    """What a reviewer said of a finding."""

    RIGHT = "right", pgettext_lazy("finding", "Right")
    WRONG = "wrong", pgettext_lazy("finding", "False alarm")


class Severity(models.IntegerChoices):
    """How bad a finding is; also its weight in the risk of a conversation."""

    SMALL = 1, pgettext_lazy("severity", "Small")
    MEDIUM = 2, pgettext_lazy("severity", "Medium")
    GRAVE = 3, pgettext_lazy("severity", "Grave")


class Rule(models.TextChoices):
    """The rules of the pre-check."""

    RUDE = "rude", _("Rude words")
    DISMISSIVE = "dismissive", _("Dismissive words")
    OVERPROMISE = "overpromise", _("Guarantee outside policy")
    REFUND = "refund", _("Money promised without the right to")
    CONTACT = "contact", _("Contact moved elsewhere")
    GREETING = "greeting", _("No greeting in the first answer")
    PERSONAL = "personal", _("Card or ID number in full")
    LANGUAGE = "language", _("Not the customer's language")
    WRONG_ORDER = "wrong_order", _("Order of another customer")
    WRONG_NAME = "wrong_name", _("Another person's name")


RULE_SEVERITY: dict[str, int] = {
    Rule.RUDE: 3,
    Rule.DISMISSIVE: 2,
    Rule.OVERPROMISE: 2,
    Rule.REFUND: 2,
    Rule.CONTACT: 3,
    Rule.GREETING: 1,
    Rule.PERSONAL: 3,
    Rule.LANGUAGE: 2,
    Rule.WRONG_ORDER: 3,
    Rule.WRONG_NAME: 2,
}
RULE_HINTS = {
    Rule.RUDE: _("Insults and mockery. What stands in quotation marks is not the agent's word and does not count."),
    Rule.DISMISSIVE: _("Words that send the customer away: “not my problem”, “I don't know” without any help."),
    Rule.OVERPROMISE: _("“Guaranteed”, “definitely” or “100 %” beside a result nobody can promise."),
    Rule.REFUND: _("A refund or compensation above the limit, promised by somebody who may not decide it."),
    Rule.CONTACT: _("The customer is asked to go on by private WeChat, QQ or telephone."),
    Rule.GREETING: _("The first answer of a conversation begins without a greeting."),
    Rule.PERSONAL: _("A complete bank card or ID number, proved by its check digit."),
    Rule.LANGUAGE: _("The customer wrote Chinese and the answer is English, or the other way round."),
    Rule.WRONG_ORDER: _("An order number in the answer belongs to another customer: a copied answer."),
    Rule.WRONG_NAME: _("The answer greets somebody with a surname that is not the customer's."),
}
WORD_RULES = (Rule.RUDE, Rule.DISMISSIVE, Rule.CONTACT, Rule.GREETING)
