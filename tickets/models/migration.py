"""Tickets on their way in from another desk: the files, the people they name, what was refused."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models.fields import ClockTimestamp
from tickets.migration_enums import MigrationState


class Migration(models.Model):
    """One export of another desk: checked dry, confirmed, then taken in by resumable batches.

    `files` are {"key", "name", "size", "encoding"}; `found` is what the check met (states, priorities, fields, people);
    `mapping` what each becomes. `items_done` of `items_total` parts of the files are behind us: where a stopped one
    goes on. `source` keeps the other desk's numbers apart from those of any other.
    """

    event_type = "migration"

    source = models.SlugField(max_length=40)
    shop = models.ForeignKey("orders.Shop", on_delete=models.PROTECT, null=True, related_name="+")
    files = models.JSONField(default=list)
    state = models.CharField(max_length=12, choices=MigrationState, default=MigrationState.CHECKING)
    found = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    items_total = models.IntegerField(default=0)
    items_done = models.IntegerField(default=0)
    tickets_total = models.IntegerField(default=0)
    tickets_new = models.IntegerField(default=0)
    tickets_changed = models.IntegerField(default=0)
    tickets_same = models.IntegerField(default=0)
    messages_new = models.IntegerField(default=0)
    people_total = models.IntegerField(default=0)
    bad = models.IntegerField(default=0)
    failure_code = models.CharField(max_length=40, blank=True, default="")
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    finished_at = models.DateTimeField(null=True)
    version = models.IntegerField(default=1)

    class Meta:
        db_table = "tickets_migration"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=MigrationState.values), name="migration_state_known")
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        """Name the streams events about this migration belong to."""
        return {"shop_id": self.shop_id}


class MigrationPerson(models.Model):
    """Somebody the files name by a number of the other desk; kept until the migration is over."""

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="people")
    number = models.CharField(max_length=64)
    name = models.CharField(max_length=120, blank=True, default="")
    email_enc = models.BinaryField(null=True)
    phone_enc = models.BinaryField(null=True)
    is_agent = models.BooleanField(default=False)

    class Meta:
        db_table = "tickets_migration_person"
        constraints = [models.UniqueConstraint(fields=["migration", "number"], name="migration_person_once")]

    def __str__(self) -> str:
        return f"{self.number} of migration {self.migration_id}"


class FormerAgent(models.Model):
    """Somebody who answered customers on the old desk and has no account here; messages name them by minus this id."""

    source = models.SlugField(max_length=40)
    number = models.CharField(max_length=64)
    name = models.CharField(max_length=120)

    class Meta:
        db_table = "tickets_former_agent"
        constraints = [models.UniqueConstraint(fields=["source", "number"], name="former_agent_once")]

    def __str__(self) -> str:
        return f"{self.source} {self.number}"


class MigrationProblem(models.Model):
    """Why one part of a file was refused: line, code, and the beginning of what stood there (encrypted)."""

    migration = models.ForeignKey(Migration, on_delete=models.CASCADE, related_name="problems")
    file = models.CharField(max_length=200)
    line = models.IntegerField()
    code = models.CharField(max_length=40)
    detail = models.CharField(max_length=120, blank=True, default="")
    excerpt_enc = models.BinaryField(null=True)

    class Meta:
        db_table = "tickets_migration_problem"
        indexes = [models.Index(fields=["migration", "id"], name="migration_problem_row")]

    def __str__(self) -> str:
        return f"line {self.line}: {self.code}"
