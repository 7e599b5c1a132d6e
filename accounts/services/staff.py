from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import Language, Permission, PresenceStatus, Skill
from accounts.errors import EmailTaken, LastAdministrator, OwnAccount, RoleAboveOwn
from accounts.events import StaffChanged, StaffDeactivated, StaffJoined
from accounts.models import Membership, Presence, Staff, Team
from accounts.permissions import permissions_for
from accounts.roles import ROLES, permissions_of
from accounts.services.presence import set_presence
from accounts.services.sessions import raise_session_version
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit
from core.events import Code, record
from core.live import announce


@dataclass(frozen=True, kw_only=True)
class StaffDraft:
    """What an administrator decides about a member of staff."""

    display_name: str
    roles: tuple[str, ...]
    team_ids: tuple[int, ...] = ()
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    is_dedicated: bool = False


def codes(values: Iterable[str]) -> tuple[Code, ...]:
    return tuple(Code(value) for value in values)


def check_may_give(*, actor: Actor, roles: Iterable[str]) -> None:
    """Raise InvalidInput for an unknown role, RoleAboveOwn for one whose rights the actor does not hold."""
    wanted = set(roles)
    if not wanted or not wanted <= set(ROLES):
        raise InvalidInput(fields={"roles": [_("Choose at least one role.")]})
    if actor.is_person:
        own = permissions_for(Staff.objects.get(pk=actor.id or 0))
        if not permissions_of(wanted) <= own:
            raise RoleAboveOwn


def check_teams(team_ids: Iterable[int]) -> None:
    """Raise InvalidInput when one of the teams does not exist or is archived."""
    wanted = set(team_ids)
    if Team.objects.filter(pk__in=wanted, archived_at__isnull=True).count() != len(wanted):
        raise InvalidInput(fields={"teams": [_("One of the teams no longer exists.")]})


def _put_into_teams(staff: Staff, team_ids: Iterable[int]) -> bool:
    """Make the memberships equal to team_ids; tells whether anything changed."""
    wanted, current = set(team_ids), set(staff.memberships.values_list("team_id", flat=True))
    staff.memberships.exclude(team_id__in=wanted).delete()
    Membership.objects.bulk_create([Membership(staff=staff, team_id=pk) for pk in sorted(wanted - current)])
    staff.__dict__.pop("_team_rows", None)
    return wanted != current


@transaction.atomic
def create_staff(
    *,
    email: str,
    password: str,
    draft: StaffDraft,
    actor: Actor,
    at: datetime,
    language: str = Language.ZH_HANS,
    invitation_id: int | None = None,
) -> Staff:
    """Make a member of staff who can sign in at once.

    The password must have passed Django's validators (forms do). Raises EmailTaken, InvalidInput.
    """
    check_teams(draft.team_ids)
    staff = Staff(
        email=email.strip().lower(),
        display_name=draft.display_name.strip(),
        roles=list(draft.roles),
        skills=list(draft.skills),
        languages=list(draft.languages) or [language],
        is_dedicated=draft.is_dedicated,
        language=language,
        joined_at=at,
    )
    staff.set_password(password)
    try:
        with transaction.atomic():
            staff.save(force_insert=True)
    except IntegrityError as error:  # the unique index decides between two at the same moment
        raise EmailTaken(fields={"email": [EmailTaken.message]}) from error
    Presence.objects.create(staff=staff, since=at, seen_at=at)
    _put_into_teams(staff, draft.team_ids)
    data = StaffJoined(codes(staff.roles), tuple(sorted(draft.team_ids)), invitation_id)
    record("staff.joined", subject=staff, actor=actor, at=at, data=data)
    return staff


def _lock(staff_id: int) -> Staff:
    staff = Staff.objects.select_for_update(no_key=True).filter(pk=staff_id).first()
    if staff is None:
        raise NotFound
    return staff


def _keep_an_administrator(leaving: Staff) -> None:
    """Raise LastAdministrator unless another active administrator stays.

    Locks all administrators in key order: two who remove each other at once cannot both succeed.
    """
    admins = Staff.objects.select_for_update(no_key=True).filter(is_active=True, roles__contains=["admin"])
    if not any(admin.pk != leaving.pk for admin in admins.order_by("pk")):
        raise LastAdministrator


def _check_version(staff: Staff, version: int, draft: StaffDraft) -> None:
    if staff.version == version:
        return
    theirs = {"display_name": staff.display_name, "roles": staff.roles, "skills": staff.skills}
    mine = {"display_name": draft.display_name, "roles": list(draft.roles), "skills": list(draft.skills)}
    raise StaleEdit(
        changes=[
            {"field": name, "yours": mine[name], "theirs": theirs[name]}
            for name in theirs
            if mine[name] != theirs[name]
        ]
    )


@transaction.atomic
def edit_staff(*, staff_id: int, version: int, draft: StaffDraft, actor: Actor, at: datetime) -> Staff:
    """Save what an administrator decided; a change of roles or teams counts from the person's next request.

    Raises StaleEdit, RoleAboveOwn (also for taking a role away that one does not hold), LastAdministrator.
    """
    if "admin" not in draft.roles and Staff.objects.filter(pk=staff_id, is_active=True, roles__contains=["admin"]):
        _keep_an_administrator(Staff(pk=staff_id))
    staff = _lock(staff_id)
    _check_version(staff, version, draft)
    if set(draft.roles) != set(staff.roles):
        check_may_give(actor=actor, roles=set(draft.roles) | (set(staff.roles) & set(ROLES)))
        check_may_give(actor=actor, roles=draft.roles)
    else:
        check_may_give(actor=actor, roles=staff.roles)
    check_teams(draft.team_ids)
    new = {
        "display_name": draft.display_name.strip(),
        "roles": [code for code in ROLES if code in draft.roles],
        "skills": [code for code in Skill.values if code in draft.skills],
        "languages": [code for code in Language.values if code in draft.languages],
        "is_dedicated": draft.is_dedicated,
    }
    changed = [name for name, value in new.items() if getattr(staff, name) != value]
    for name in changed:
        setattr(staff, name, new[name])
    if _put_into_teams(staff, draft.team_ids):
        changed.append("teams")
    if changed:
        staff.version += 1
        staff.save(update_fields=[*(name for name in changed if name != "teams"), "version"])
        data = StaffChanged(codes(changed), codes(staff.roles), tuple(sorted(draft.team_ids)))
        record("staff.changed", subject=staff, actor=actor, at=at, data=data)
        announce(f"staff.{staff.pk}", "staff", staff.pk, staff.version)
    return staff


@transaction.atomic
def edit_profile(
    *, staff_id: int, version: int, display_name: str, language: str, timezone: str, theme: str, at: datetime
) -> Staff:
    """Save what a person decides about herself. Raises StaleEdit, InvalidInput."""
    staff = _lock(staff_id)
    if staff.version != version:
        new = {"display_name": display_name, "language": language, "timezone": timezone, "theme": theme}
        raise StaleEdit(
            changes=[
                {"field": name, "yours": value, "theirs": getattr(staff, name)}
                for name, value in new.items()
                if getattr(staff, name) != value
            ]
        )
    if timezone not in available_timezones():
        raise InvalidInput(fields={"timezone": [_("This time zone is not known.")]})
    staff.display_name, staff.language = display_name.strip(), language
    staff.timezone, staff.theme = timezone, theme
    staff.version += 1
    staff.save(update_fields=["display_name", "language", "timezone", "theme", "version"])
    data = StaffChanged(codes(["profile"]), codes(staff.roles), ())
    record("staff.changed", subject=staff, actor=Actor.staff(staff), at=at, data=data)
    return staff


@transaction.atomic
def deactivate_staff(
    *, staff_id: int, successor_id: int | None, successor_team_id: int | None, actor: Actor, at: datetime
) -> Staff:
    """Close a person's account, end the sessions and name who takes over the open work.

    Neither successor means the general queue. Others move the work in their reaction to `staff.deactivated`.
    Raises OwnAccount, LastAdministrator, RoleAboveOwn, InvalidInput, Conflict when already closed.
    """
    if actor.is_person and actor.id == staff_id:
        raise OwnAccount
    if Staff.objects.filter(pk=staff_id, roles__contains=["admin"]).exists():
        _keep_an_administrator(Staff(pk=staff_id))
    staff = _lock(staff_id)
    if not staff.is_active:
        raise Conflict(_("This account is closed already."))
    check_may_give(actor=actor, roles=set(staff.roles) & set(ROLES) or {"department"})
    _check_successor(staff, successor_id, successor_team_id)
    staff.is_active, staff.deactivated_at = False, at
    staff.version += 1
    staff.save(update_fields=["is_active", "deactivated_at", "version"])
    raise_session_version(staff)
    set_presence(staff_id=staff.pk, status=PresenceStatus.OFFLINE, at=at)
    data = StaffDeactivated(successor_id=successor_id, successor_team_id=successor_team_id)
    record("staff.deactivated", subject=staff, actor=actor, at=at, data=data)
    return staff


def _check_successor(staff: Staff, successor_id: int | None, team_id: int | None) -> None:
    if successor_id is not None:
        successor = Staff.objects.filter(pk=successor_id, is_active=True).exclude(pk=staff.pk).first()
        if successor is None or Permission.TICKET_REPLY not in permissions_for(successor):
            raise InvalidInput(fields={"successor": [_("Choose somebody who works here and may answer customers.")]})
    if team_id is not None:
        check_teams([team_id])


@transaction.atomic
def reactivate_staff(*, staff_id: int, actor: Actor, at: datetime) -> Staff:
    """Open a closed account again; work that was handed over stays where it is."""
    staff = _lock(staff_id)
    if staff.is_active:
        raise Conflict(_("This account is open already."))
    check_may_give(actor=actor, roles=set(staff.roles) & set(ROLES) or {"department"})
    staff.is_active, staff.deactivated_at = True, None
    staff.version += 1
    staff.save(update_fields=["is_active", "deactivated_at", "version"])
    record("staff.reactivated", subject=staff, actor=actor, at=at)
    return staff
