from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language


class Invitation(models.Model):
    """An offer to join, sent by mail; the link holds a token of which only the hash is kept."""

    event_type = "staff_invitation"

    email = models.EmailField(_("email"), max_length=254)
    roles = ArrayField(models.CharField(max_length=32), default=list)
    team_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=Language, default=Language.ZH_HANS)
    token_hash = models.BinaryField(max_length=32)
    invited_by = models.ForeignKey("accounts.Staff", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.OneToOneField(
        "accounts.Staff", on_delete=models.PROTECT, null=True, blank=True, related_name="invitation"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token_hash"], name="accounts_invitation_token_unique"),
            models.UniqueConstraint(
                fields=["email"],
                name="accounts_invitation_one_open",
                condition=models.Q(accepted_at__isnull=True, revoked_at__isnull=True),
            ),
            models.CheckConstraint(
                name="accounts_invitation_accepted_whole",
                condition=models.Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        return {}
