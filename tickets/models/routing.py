"""How tickets find their agent: each team's way, what a category asks for, who looks after whom."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RoutingMode(models.TextChoices):
    """Who decides which agent gets a ticket."""

    BY_HAND = "by_hand", _("By hand: agents take tickets themselves")
    AUTOMATIC = "automatic", _("Automatic: tickets are handed out")


class TeamRouting(models.Model):
    """How one team's tickets find their agent; without a row by hand.

    A shop of five talks across the table: everybody sees the queue and takes what she can, and nobody keeps a status
    honest. Handing out pays once people no longer see each other, so a team switches it on.

    A ticket that waited `widen_after_minutes` goes to somebody free even without its skill or language. Who has been
    away with no console open for `release_after_minutes` is off shift, and her tickets go back to the queue.
    """

    event_type = "team_routing"

    team = models.OneToOneField("accounts.Team", on_delete=models.CASCADE, primary_key=True, related_name="routing")
    mode = models.CharField(max_length=12, choices=RoutingMode, default=RoutingMode.BY_HAND)
    widen_after_minutes = models.PositiveSmallIntegerField(default=15)
    release_after_minutes = models.PositiveSmallIntegerField(default=30)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_team_routing"
        constraints = [
            models.CheckConstraint(condition=Q(mode__in=RoutingMode.values), name="team_routing_mode_known"),
            models.CheckConstraint(condition=Q(release_after_minutes__gte=5), name="team_routing_release_not_at_once"),
        ]

    def __str__(self) -> str:
        return f"{self.team_id}: {self.mode}"

    def event_streams(self) -> dict[str, int | None]:
        """A team's way of working belongs to no stream."""
        return {}


class CategorySkill(models.Model):
    """The skill a category asks of whoever answers; one below it without its own asks for the same."""

    category = models.OneToOneField(
        "tickets.Category", on_delete=models.CASCADE, primary_key=True, related_name="needed_skill"
    )
    skill = models.CharField(max_length=32)

    class Meta:
        db_table = "tickets_category_skill"

    def __str__(self) -> str:
        return f"{self.category_id}: {self.skill}"


class DedicatedAgent(models.Model):
    """The agent a customer is looked after by: hers first while she is here and has room."""

    customer = models.OneToOneField(
        "customers.Customer", on_delete=models.CASCADE, primary_key=True, related_name="dedicated_agent"
    )
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dedicated_customers")
    since = models.DateTimeField()

    class Meta:
        db_table = "tickets_dedicated_agent"

    def __str__(self) -> str:
        return f"customer {self.customer_id}: {self.staff_id}"


class GivenBack(models.Model):
    """Who put a ticket back to the queue: it is not handed to her again for some hours."""

    ticket = models.ForeignKey("tickets.Ticket", on_delete=models.CASCADE, related_name="given_back")
    staff = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        db_table = "tickets_given_back"
        constraints = [models.UniqueConstraint(fields=["ticket", "staff"], name="given_back_once")]

    def __str__(self) -> str:
        return f"ticket {self.ticket_id} by {self.staff_id}"
