"""Words of estimates. Values are stored: never change one."""

from django.db import models
from django.utils.translation import pgettext_lazy

from orders.enums import ParcelStatus


class StatKind(models.TextChoices):
    """What a statistic of a lane is of."""

    LEG = "leg", pgettext_lazy("lane statistic", "Time to delivery")
    GAP = "gap", pgettext_lazy("lane statistic", "Longest silence")


class LateLevel(models.IntegerChoices):
    """How surely a parcel misses its promise; it is told once when a level is reached and never falls."""

    NONE = 0, pgettext_lazy("late risk", "In time")
    POSSIBLE = 1, pgettext_lazy("late risk", "May be late")
    LIKELY = 2, pgettext_lazy("late risk", "Will be late")


class Level(models.IntegerChoices):
    """How near a statistic is to the parcel it is used for."""

    ALL = 0, pgettext_lazy("lane level", "all parcels")
    CARRIER = 1, pgettext_lazy("lane level", "the carrier")
    DESTINATION = 2, pgettext_lazy("lane level", "the carrier and the province it goes to")
    LANE = 3, pgettext_lazy("lane level", "the lane")


COMING = (
    ParcelStatus.CREATED,
    ParcelStatus.PICKED_UP,
    ParcelStatus.IN_TRANSIT,
    ParcelStatus.OUT_FOR_DELIVERY,
    ParcelStatus.READY_FOR_PICKUP,
)
"""On its way to the customer: it is expected and can be late."""

ESTIMATED = (*COMING, ParcelStatus.RETURNING)
"""Of these silence is watched."""
