from datetime import datetime
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _


class ApiKey(models.Model):
    """A machine's way in; the key itself is shown once and kept as a hash (`shop_ids` empty = all).

    From `expires_at` on it opens nothing; None is until it is revoked.
    """

    event_type = "api_key"

    name = models.CharField(_("name"), max_length=80)
    prefix = models.CharField(max_length=16)
    key_hash = models.BinaryField(max_length=32)
    scopes = ArrayField(models.CharField(max_length=32), default=list)
    shop_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    created_by = models.ForeignKey("accounts.Staff", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["prefix"], name="accounts_api_key_prefix_unique"),
            models.UniqueConstraint(fields=["key_hash"], name="accounts_api_key_hash_unique"),
            models.CheckConstraint(
                condition=models.Q(expires_at__isnull=True) | models.Q(expires_at__gt=models.F("created_at")),
                name="accounts_api_key_lives_a_while",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        return {}

    @property
    def is_authenticated(self) -> bool:
        """Let DRF tell a key from an anonymous caller."""
        return True

    def is_live(self, at: datetime) -> bool:
        """Tell whether the key opens anything."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
