from typing import ClassVar

from django.db import models


class Capacity(models.Model):
    """How many conversations a person may have in work at once: in total, and per channel where one is named.

    Without a row the default of her roles holds. `per_channel` maps a channel's code to its limit; 0 means none.
    """

    staff = models.OneToOneField("accounts.Staff", on_delete=models.CASCADE, primary_key=True, related_name="capacity")
    in_total = models.PositiveSmallIntegerField()
    per_channel = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="accounts_capacity_sane", condition=models.Q(in_total__lte=1000)),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id}: {self.in_total}"
