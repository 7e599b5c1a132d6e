"""States and kinds of incidents, and which step may follow which."""

from django.db import models
from django.utils.translation import pgettext_lazy


class IncidentKind(models.TextChoices):
    """What went wrong for many orders at once."""

    LOST_TRUCK = "lost_truck", pgettext_lazy("incident", "Truck lost or in an accident")
    HUB_STUCK = "hub_stuck", pgettext_lazy("incident", "Hub or lane at a standstill")
    BAD_BATCH = "bad_batch", pgettext_lazy("incident", "Bad batch of goods")
    WEATHER = "weather", pgettext_lazy("incident", "Weather or disaster")
    SYSTEM = "system", pgettext_lazy("incident", "System failure")
    OTHER = "other", pgettext_lazy("incident", "Something else")


class IncidentSeverity(models.IntegerChoices):
    """How bad it is; higher is worse."""

    MINOR = 10, pgettext_lazy("severity", "Minor")
    MAJOR = 20, pgettext_lazy("severity", "Major")
    CRITICAL = 30, pgettext_lazy("severity", "Critical")


class IncidentState(models.TextChoices):
    """The life of an incident."""

    DECLARED = "declared", pgettext_lazy("incident", "Declared")
    UNDER_WAY = "under_way", pgettext_lazy("incident", "Under way")
    OVER = "over", pgettext_lazy("incident", "Over, review due")
    REVIEWED = "reviewed", pgettext_lazy("incident", "Reviewed")
    DISMISSED = "dismissed", pgettext_lazy("incident", "Dismissed")


INCIDENT_TRANSITIONS: dict[str, frozenset[str]] = {
    IncidentState.DECLARED: frozenset({"under_way", "over", "dismissed"}),
    IncidentState.UNDER_WAY: frozenset({"over"}),
    IncidentState.OVER: frozenset({"under_way", "reviewed"}),
    IncidentState.REVIEWED: frozenset(),
    IncidentState.DISMISSED: frozenset(),
}
INCIDENT_OPEN = (IncidentState.DECLARED, IncidentState.UNDER_WAY)
INCIDENT_CLOSED = (IncidentState.REVIEWED, IncidentState.DISMISSED)
"""Nothing changes any more."""


class ClusterLevel(models.TextChoices):
    """What stands still."""

    CARRIER = "carrier", pgettext_lazy("standstill", "The whole carrier")
    HUB = "hub", pgettext_lazy("standstill", "A hub")
    LANE = "lane", pgettext_lazy("standstill", "A lane")


class AttachState(models.TextChoices):
    """How far the attaching of orders has come."""

    RUNNING = "running", pgettext_lazy("attaching orders", "Under way")
    DONE = "done", pgettext_lazy("attaching orders", "Done")
    CANCELLED = "cancelled", pgettext_lazy("attaching orders", "Stopped")
