from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.events import TeamSaved
from accounts.models import Team
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit
from core.events import record


def _save(team: Team) -> None:
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError as error:
        raise InvalidInput(fields={"name": [_("There is a team with this name already.")]}) from error


@transaction.atomic
def create_team(
    *, name: str, shop_ids: Iterable[int], actor: Actor, at: datetime, calendar_id: int | None = None
) -> Team:
    """Make a team; without shops it serves all of them. Raises InvalidInput when the name is taken."""
    team = Team(name=name.strip(), shop_ids=sorted(set(shop_ids)), calendar_id=calendar_id, created_at=at)
    _save(team)
    record("team.created", subject=team, actor=actor, at=at, data=TeamSaved(tuple(team.shop_ids)))
    return team


@transaction.atomic
def edit_team(
    *,
    team_id: int,
    version: int,
    name: str,
    shop_ids: Iterable[int],
    actor: Actor,
    at: datetime,
    calendar_id: int | None = None,
) -> Team:
    """Save a team; what its members see changes with their next request. Raises StaleEdit, InvalidInput."""
    team = _lock(team_id)
    shops = sorted(set(shop_ids))
    if team.version != version:
        raise StaleEdit(
            changes=[
                {"field": field, "yours": mine, "theirs": getattr(team, field)}
                for field, mine in (("name", name), ("shop_ids", shops), ("calendar_id", calendar_id))
                if getattr(team, field) != mine
            ]
        )
    team.name, team.shop_ids, team.calendar_id = name.strip(), shops, calendar_id
    team.version += 1
    _save(team)
    record("team.changed", subject=team, actor=actor, at=at, data=TeamSaved(tuple(shops)))
    return team


@transaction.atomic
def set_team_leads(*, team_id: int, staff_ids: Iterable[int], actor: Actor, at: datetime) -> int:
    """Say who leads a team: overdue work of it comes to them. Returns how many members now do."""
    team = _lock(team_id)
    wanted = set(staff_ids)
    before = set(team.memberships.filter(is_lead=True).values_list("staff_id", flat=True))
    team.memberships.exclude(staff_id__in=wanted).filter(is_lead=True).update(is_lead=False)
    team.memberships.filter(staff_id__in=wanted).update(is_lead=True)
    after = set(team.memberships.filter(is_lead=True).values_list("staff_id", flat=True))
    if after != before:
        record("team.changed", subject=team, actor=actor, at=at, data=TeamSaved(tuple(team.shop_ids)), reason="leads")
    return len(after)


@transaction.atomic
def archive_team(*, team_id: int, actor: Actor, at: datetime) -> Team:
    """Put an empty team away. Raises Conflict while somebody active is in it."""
    team = _lock(team_id)
    if team.memberships.filter(staff__is_active=True).exists():
        raise Conflict(_("Somebody is still in this team. Move the people first."))
    if team.archived_at is None:
        team.archived_at = at
        team.version += 1
        team.save(update_fields=["archived_at", "version"])
        record("team.archived", subject=team, actor=actor, at=at)
    return team


def _lock(team_id: int) -> Team:
    team = Team.objects.select_for_update(no_key=True).filter(pk=team_id).first()
    if team is None:
        raise NotFound
    return team
