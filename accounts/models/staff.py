from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.timezone import now
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language, PresenceStatus, Theme
from accounts.roles import permissions_of


class StaffManager(BaseUserManager["Staff"]):
    """Serve Django's own commands; the product makes staff through accounts.services."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Staff":
        if not email:
            raise ValueError("A member of staff needs an email address")
        staff = self.model(email=email.strip().lower(), **fields)
        staff.set_password(password)
        staff.save(using=self._db)
        return staff

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Staff":
        fields.setdefault("is_superuser", True)
        fields.setdefault("roles", ["admin"])
        fields.setdefault("display_name", email.partition("@")[0])
        return self.create_user(email, password, **fields)

    def get_by_natural_key(self, username: str | None) -> "Staff":
        return self.get(email=(username or "").strip().lower())


class Staff(AbstractBaseUser):
    """A person who works here and signs in by email.

    `session_version` is what a session must carry to live; raising it ends all of them.
    `version` is the concurrency token of the edit forms.
    """

    event_type = "staff"

    email = models.EmailField(_("email"), max_length=254, unique=True)
    display_name = models.CharField(_("name"), max_length=80)
    language = models.CharField(_("language"), max_length=8, choices=Language, default=Language.ZH_HANS)
    timezone = models.CharField(_("time zone"), max_length=64, default="Asia/Shanghai")
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    roles = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    skills = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    languages = ArrayField(models.CharField(max_length=8), default=list, blank=True)
    teams: "models.ManyToManyField[Team, Membership]" = models.ManyToManyField(
        "accounts.Team", through="accounts.Membership", related_name="staff"
    )
    is_active = models.BooleanField(default=True)
    is_dedicated = models.BooleanField(_("may be a customer's dedicated agent"), default=False)
    is_superuser = models.BooleanField(default=False)
    session_version = models.PositiveIntegerField(default=1)
    version = models.PositiveIntegerField(default=1)
    joined_at = models.DateTimeField(default=now)
    deactivated_at = models.DateTimeField(null=True, blank=True)

    objects = StaffManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="accounts_staff_email_lower", condition=models.Q(email=Lower("email"))),
            models.CheckConstraint(
                name="accounts_staff_language_known", condition=models.Q(language__in=Language.values)
            ),
            models.CheckConstraint(name="accounts_staff_theme_known", condition=models.Q(theme__in=Theme.values)),
            models.CheckConstraint(
                name="accounts_staff_deactivated_is_inactive",
                condition=models.Q(deactivated_at__isnull=True) | models.Q(is_active=False),
            ),
        ]
        indexes: ClassVar = [
            GinIndex(name="accounts_staff_roles", fields=["roles"]),
        ]

    def __str__(self) -> str:
        return self.display_name or f"#{self.pk}"

    def event_streams(self) -> dict[str, int | None]:
        return {}

    @property
    def name(self) -> str:
        """Return the display name under the word templates know for people."""
        return self.display_name

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.display_name

    def may(self, permission: str) -> bool:
        """Tell whether this person holds a permission, by the roles of the row as it was loaded."""
        return self.is_active and (self.is_superuser or permission in permissions_of(self.roles))

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Bind a session to the password and to session_version: when either changes, it is over."""
        value = f"{self.password}:{self.session_version}"
        return salted_hmac("accounts.session", value, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_staff(self) -> bool:
        """Open Django's repair admin to superusers only."""
        return self.is_active and self.is_superuser

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class Team(models.Model):
    """A group of staff that serves some shops (`shop_ids` empty = all) in its own hours (none = the default ones)."""

    event_type = "team"

    name = models.CharField(_("name"), max_length=80)
    shop_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    calendar = models.ForeignKey(
        "core.CalendarDefinition", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    archived_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                Lower("name"), name="accounts_team_name_unique", condition=models.Q(archived_at__isnull=True)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def event_streams(self) -> dict[str, int | None]:
        return {}


class Membership(models.Model):
    staff = models.ForeignKey("accounts.Staff", on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, related_name="memberships")
    is_lead = models.BooleanField(default=False)
    since = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["staff", "team"], name="accounts_membership_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id} in {self.team_id}"


class Presence(models.Model):
    """Where a member of staff is now; not an event, only the last word counts. Offline means off shift.

    `seen_at` is when an open console was last heard of; `returns_to` the status that comes back with the console, while
    somebody is away only because it fell silent; `given_at` when routing last gave her a ticket. Whoever gives work
    by capacity locks this row, last of all.
    """

    staff = models.OneToOneField("accounts.Staff", on_delete=models.CASCADE, primary_key=True, related_name="presence")
    status = models.CharField(max_length=8, choices=PresenceStatus, default=PresenceStatus.OFFLINE)
    since = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(default=now)
    given_at = models.DateTimeField(null=True, blank=True)
    returns_to = models.CharField(max_length=8, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="accounts_presence_status_known", condition=models.Q(status__in=PresenceStatus.values)
            ),
            models.CheckConstraint(
                name="accounts_presence_returns_from_away",
                condition=models.Q(returns_to="") | models.Q(status=PresenceStatus.AWAY),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                name="accounts_presence_here", fields=["status"], condition=~models.Q(status=PresenceStatus.OFFLINE)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.staff_id}: {self.status}"
