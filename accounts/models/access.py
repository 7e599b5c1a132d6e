from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models


class PersonalDataAccessDay(models.Model):
    """The head of one day's chain (UTC day): how many entries it has and the last digest."""

    day = models.DateField(primary_key=True)
    entry_count = models.PositiveIntegerField(default=0)
    head = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"{self.day}: {self.entry_count}"


class PersonalDataAccess(models.Model):
    """Who looked at whose personal data, which fields, and why.

    Append-only by a database trigger. `digest` covers the row and the digest before it, so that a row
    changed, dropped or put in between shows in `accounts.services.access.verify_access_chain`.
    """

    day = models.ForeignKey(
        "accounts.PersonalDataAccessDay", on_delete=models.PROTECT, related_name="entries", db_column="day"
    )
    seq = models.PositiveIntegerField()
    actor_type = models.CharField(max_length=16)
    actor_id = models.BigIntegerField(null=True)
    subject_type = models.CharField(max_length=32)
    subject_id = models.BigIntegerField()
    fields = ArrayField(models.CharField(max_length=32))
    purpose = models.CharField(max_length=200)
    at = models.DateTimeField()
    ip = models.GenericIPAddressField(null=True)
    previous = models.BinaryField(max_length=32)
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "seq"], name="accounts_access_seq_unique"),
        ]
        indexes: ClassVar = [
            models.Index(name="accounts_access_newest", fields=["-at", "-id"]),
            models.Index(name="accounts_access_subject", fields=["subject_type", "subject_id", "-at"]),
            models.Index(name="accounts_access_actor", fields=["actor_type", "actor_id", "-at"]),
        ]

    def __str__(self) -> str:
        return f"{self.day_id}/{self.seq}"
