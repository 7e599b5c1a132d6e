from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db.models import BigIntegerField, Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast
from django.utils import timezone

from accounts.enums import Permission, PresenceStatus
from accounts.models import (
    ApiKey,
    Invitation,
    Membership,
    Notification,
    PersonalDataAccess,
    Staff,
    Team,
    UserPreference,
)
from accounts.roles import ROLES
from core.errors import NotFound
from core.kept import Kept, Slot

_HASH = Slot("hash", b"the hash of no key", "bytea")
_live_key = Kept(lambda: (_HASH,))


def active_staff() -> QuerySet[Staff]:
    """Return everybody who works here now, by name."""
    return Staff.objects.filter(is_active=True).order_by("display_name", "pk")


def staff_with(permission: Permission) -> QuerySet[Staff]:
    """Return active staff whose roles include the permission, by name."""
    codes = [code for code, role in ROLES.items() if permission in role.permissions]
    return active_staff().filter(Q(roles__overlap=codes) | Q(is_superuser=True))


def get_staff(staff_id: int) -> Staff:
    """Return one member of staff. Raises NotFound."""
    staff = Staff.objects.filter(pk=staff_id).first()
    if staff is None:
        raise NotFound
    return staff


def staff_names(ids: Iterable[int | None], viewer: Any = None) -> dict[int, str]:
    """Return display names by id, in one query for those the viewer's request has not met; for who did what."""
    known = _names_met(viewer)
    wanted = {pk for pk in ids if pk is not None}
    missing = wanted - known.keys()
    if missing:
        known.update(Staff.objects.filter(pk__in=missing).values_list("pk", "display_name"))
    return {pk: known[pk] for pk in wanted if pk in known}


def _names_met(viewer: Any) -> dict[int, str]:
    memory = getattr(viewer, "_request_memory", None)
    return {} if memory is None else memory.setdefault("names", {})


def event_names() -> dict[str, Any]:
    """Return annotations that bring the names of an event's actor and of the agent it speaks of along with it."""
    agent = Cast(KeyTextTransform("agent_id", OuterRef("data")), BigIntegerField())
    actor = Staff.objects.filter(pk=OuterRef("actor_id")).values("display_name")
    return {
        "actor_name": Case(When(actor_type="staff", then=Subquery(actor))),
        "agent_name": Subquery(Staff.objects.filter(pk=agent).values("display_name")),
    }


def remember_event_names(events: Iterable[Any], viewer: Any) -> None:
    """Note the names that came with events, so that staff_names need not ask again in this request."""
    names = _names_met(viewer)
    for event in events:
        if event.actor_name:
            names[event.actor_id] = event.actor_name
        if event.agent_name:
            names[event.data["agent_id"]] = event.agent_name


def staff_list(*, query: str = "", state: str = "active") -> list[Staff]:
    """Return staff for the settings list with presence and teams, in two queries however many."""
    from allauth.mfa.models import Authenticator  # allauth's models load after ours

    rows = Staff.objects.select_related("presence").prefetch_related("teams").order_by("display_name", "pk")
    rows = rows.annotate(has_second_factor=Exists(Authenticator.objects.filter(user_id=OuterRef("pk"), type="totp")))
    if state in {"active", "closed"}:
        rows = rows.filter(is_active=state == "active")
    if query:
        rows = rows.filter(Q(display_name__icontains=query) | Q(email__icontains=query))
    return list(rows[:500])


def open_invitations() -> QuerySet[Invitation]:
    """Return invitations nobody has used or withdrawn yet, newest first."""
    return Invitation.objects.filter(accepted_at__isnull=True, revoked_at__isnull=True).order_by("-created_at")


def find_invitation(token: str, *, at: datetime) -> Invitation | None:
    """Return the invitation a link belongs to while it can be used."""
    from core.crypto import hash_token

    rows = Invitation.objects.filter(token_hash=hash_token(token), expires_at__gt=at).select_related("invited_by")
    return rows.filter(accepted_at__isnull=True, revoked_at__isnull=True).first()


def active_teams() -> QuerySet[Team]:
    """Return the teams in use, by name."""
    return Team.objects.filter(archived_at__isnull=True).order_by("name", "pk")


def teams_with_counts() -> QuerySet[Team]:
    """Return the teams in use with `member_count`, the active people in each."""
    return active_teams().annotate(member_count=Count("memberships", filter=Q(memberships__staff__is_active=True)))


def get_team(team_id: int) -> Team:
    """Return one team in use. Raises NotFound."""
    team = active_teams().filter(pk=team_id).first()
    if team is None:
        raise NotFound
    return team


def members_of(team: Team) -> QuerySet[Staff]:
    """Return the active people of a team, by name."""
    return active_staff().filter(Exists(Membership.objects.filter(team=team, staff_id=OuterRef("pk"))))


def api_keys() -> QuerySet[ApiKey]:
    """Return all keys, live ones first, newest first."""
    rows = ApiKey.objects.select_related("created_by")
    return rows.order_by(F("revoked_at").desc(nulls_first=True), "-created_at", "-pk")


def find_api_key(plain: str) -> ApiKey | None:
    """Return the live key a caller sent, None for one that is revoked or past its day."""
    from core.crypto import hash_token

    found = _live_key.instances("", _of_live_key, hash=hash_token(plain))
    key = found[0] if found else None
    return key if key is not None and key.is_live(timezone.now()) else None


def _of_live_key() -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(key_hash=_HASH.sample, revoked_at__isnull=True)


@dataclass(frozen=True)
class AccessFilter:
    """What of the access log to show; `before` is the id the previous page ended with."""

    staff_id: int | None = None
    subject_id: int | None = None
    since: date | None = None
    before: int | None = None


def access_entries(wanted: AccessFilter, *, limit: int = 50) -> list[PersonalDataAccess]:
    """Return one page of the access log, newest first, and one row more when there is a next page."""
    rows = PersonalDataAccess.objects.order_by("-id")
    if wanted.staff_id:
        rows = rows.filter(actor_type="staff", actor_id=wanted.staff_id)
    if wanted.subject_id:
        rows = rows.filter(subject_id=wanted.subject_id)
    if wanted.since:
        rows = rows.filter(at__date__gte=wanted.since)
    if wanted.before:
        rows = rows.filter(pk__lt=wanted.before)
    return list(rows[: limit + 1])


def notices_of(staff: Staff, *, limit: int = 40) -> list[Notification]:
    """Return a person's newest entries."""
    return list(Notification.objects.filter(staff_id=staff.pk).order_by("-id")[:limit])


def count_unread(staff_id: int) -> int:
    """Return how many entries wait for a person, from the partial index."""
    return Notification.objects.filter(staff_id=staff_id, read_at__isnull=True).count()


def get_preference(staff_id: int, key: str, default: Any = None) -> Any:
    """Return a remembered liking of a person."""
    value = UserPreference.objects.filter(staff_id=staff_id, key=key).values_list("value", flat=True).first()
    return default if value is None else value


def staff_here(team_ids: Iterable[int] | None = None) -> QuerySet[Staff]:
    """Return active people whose status is not offline, of these teams or of all."""
    rows = active_staff().select_related("presence").exclude(presence__isnull=True)
    rows = rows.exclude(presence__status=PresenceStatus.OFFLINE)
    return rows if team_ids is None else rows.filter(memberships__team_id__in=list(team_ids)).distinct()


def team_names(ids: Iterable[int]) -> list[str]:
    """Return the names of these teams, those in use."""
    return list(active_teams().filter(pk__in=list(ids)).values_list("name", flat=True))


def teams_of(staff: Staff) -> list[Team]:
    """Return the teams in use that a person belongs to, by name."""
    return list(active_teams().filter(memberships__staff=staff))


def has_second_factor(staff: Staff) -> bool:
    """Tell whether a person signs in with a code from an authenticator app."""
    from allauth.mfa.models import Authenticator

    return Authenticator.objects.filter(user_id=staff.pk, type="totp").exists()


def sessions_of(staff: Staff) -> list[Any]:
    """Return the browsers a person is signed in with, newest first, in two queries however many.

    A row counts while its session exists and was made under the present password and session version.
    """
    from allauth.usersessions.models import UserSession
    from django.contrib.auth import HASH_SESSION_KEY
    from django.contrib.sessions.models import Session

    rows = list(UserSession.objects.filter(user_id=staff.pk).order_by("-created_at", "-pk"))
    alive = Session.objects.filter(session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now())
    present = staff.get_session_auth_hash()
    keys = {one.session_key for one in alive if one.get_decoded().get(HASH_SESSION_KEY) == present}
    return [row for row in rows if row.session_key in keys]
