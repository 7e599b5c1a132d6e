"""Whose tickets a rule or a plan is for: the company's, or some teams' as the door of these teams cuts them out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff, Team
from accounts.permissions import team_scope
from core.actors import Actor, ActorType
from core.errors import InvalidInput


def teams_of_actor(actor: Actor) -> list[int] | None:
    """Return the teams a doer may set things for; None means the whole company, [] nobody.

    Read anew from the database: services ask it under their locks.
    """
    if actor.type != ActorType.STAFF:
        return None
    staff = Staff.objects.filter(pk=actor.id or 0).first()
    return team_scope(staff) if staff is not None else []


def is_within(team_ids: Iterable[int], scope: list[int] | None) -> bool:
    """Say whether everything set for these teams (none = the company) lies within a scope."""
    wanted = set(team_ids)
    return scope is None or (bool(wanted) and wanted <= set(scope))


def check_within(team_ids: Iterable[int], scope: list[int] | None) -> None:
    """Refuse what is set for more than a person's own teams. Raises InvalidInput with the field team_ids."""
    if not is_within(team_ids, scope):
        words = _("Choose among your own teams.") if scope else _("You are in no team yet, so there is nothing to set.")
        raise InvalidInput(fields={"team_ids": [words]})


def within[Q_: QuerySet](rows: Q_, scope: list[int] | None) -> Q_:  # type: ignore[type-arg]
    """Return the rows with `team_ids` that lie within a scope, as is_within says."""
    return rows if scope is None else rows.filter(team_ids__contained_by=scope, team_ids__len__gt=0)


@dataclass(frozen=True)
class TeamReach:
    """The tickets of some teams: those with one of them, and those with no team yet in a shop they serve (None = all).

    It is what `tickets_visible_to` shows somebody in exactly these teams, her own tickets aside.
    """

    team_ids: tuple[int, ...]
    shop_ids: tuple[int, ...] | None

    def covers(self, team_id: int | None, shop_id: int | None) -> bool:
        """Say whether a ticket of this team and shop belongs to it."""
        if not self.team_ids:
            return False
        if team_id is not None:
            return team_id in self.team_ids
        return self.shop_ids is None or shop_id is None or shop_id in self.shop_ids

    @property
    def condition(self) -> Q:
        """Return the same as a condition on tickets."""
        if not self.team_ids:
            return Q(pk__in=())
        teamless = Q(team__isnull=True)
        if self.shop_ids is not None:
            teamless &= Q(shop__isnull=True) | Q(shop_id__in=self.shop_ids)
        return Q(team_id__in=self.team_ids) | teamless


def team_choices(staff: Staff, chosen: Iterable[int] = ()) -> list[tuple[int, str]]:
    """Return (id, name) of the teams a person may set something for, and of those chosen before that were archived.

    Leaving an archived one out would turn "this team" into "the whole company" at the next saving.
    """
    scope = team_scope(staff)
    alive = Q(archived_at__isnull=True)
    rows = Team.objects.filter((alive if scope is None else alive & Q(pk__in=scope)) | Q(pk__in=list(chosen)))
    return list(rows.order_by("name", "pk").values_list("pk", "name"))


def reach_of_teams(team_ids: Iterable[int]) -> TeamReach | None:
    """Return the reach of these teams by the shops they serve now, None for the whole company: one statement.

    Archived ones reach nothing any more.
    """
    wanted = tuple(team_ids)
    if not wanted:
        return None
    teams = Team.objects.filter(pk__in=wanted, archived_at__isnull=True).order_by("pk").values_list("pk", "shop_ids")
    served = dict(teams)
    if any(not shops for shops in served.values()):
        return TeamReach(tuple(served), None)
    return TeamReach(tuple(served), tuple(sorted({shop for shops in served.values() for shop in shops})))
