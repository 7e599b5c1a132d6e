"""Words of promises and of plans for when they cannot be kept. Values are stored: never change one."""

from django.db import models
from django.utils.translation import pgettext_lazy


class PromiseSource(models.TextChoices):
    """Where a promise comes from."""

    TOLD = "told", pgettext_lazy("promise", "Told by the shop")
    RULE = "rule", pgettext_lazy("promise", "A rule")
    SHOP = "shop", pgettext_lazy("promise", "The shop's usual days")


OPEN_STATUSES = ("placed", "paid", "packed", "shipped")
"""An order in one of these still has to arrive."""


class PlanKind(models.TextChoices):
    """What a plan is for."""

    REMOTE = "remote", pgettext_lazy("contingency", "Remote areas")
    HOLIDAY = "holiday", pgettext_lazy("contingency", "Holidays")
    WEATHER = "weather", pgettext_lazy("contingency", "Weather")
    OTHER = "other", pgettext_lazy("contingency", "Other")


class PlanState(models.TextChoices):
    """The life of a plan."""

    DRAFT = "draft", pgettext_lazy("contingency plan", "Not switched on")
    ON = "on", pgettext_lazy("contingency plan", "On")
    OVER = "over", pgettext_lazy("contingency plan", "Over")
    CALLED_OFF = "called_off", pgettext_lazy("contingency plan", "Called off")


PLAN_TRANSITIONS: dict[str, frozenset[str]] = {
    PlanState.DRAFT: frozenset({"on"}),
    PlanState.ON: frozenset({"over", "called_off"}),
    PlanState.OVER: frozenset(),
    PlanState.CALLED_OFF: frozenset(),
}
"""Over: new orders are free of it, what was promised stays. Called off: what nobody was told of is taken back."""


class CompensationKind(models.TextChoices):
    """What a plan proposes to give a customer who waits longer."""

    NONE = "none", pgettext_lazy("compensation", "Nothing")
    COUPON = "coupon", pgettext_lazy("compensation", "Coupon")
    CASH = "cash", pgettext_lazy("compensation", "Money back")
    POINTS = "points", pgettext_lazy("compensation", "Points")


class RunKind(models.TextChoices):
    """Why many promises are set anew."""

    RULES = "rules", pgettext_lazy("promise run", "Changed rules")
    PLAN_ON = "plan_on", pgettext_lazy("promise run", "A plan was switched on")
    PLAN_OFF = "plan_off", pgettext_lazy("promise run", "A plan was called off")
