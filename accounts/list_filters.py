"""Which kept filters a person may use, change and share."""

from django.db.models import Q, QuerySet

from accounts.models import ListFilter, Membership, Staff, Team
from accounts.permissions import Permission, has, team_scope
from accounts.selectors import active_teams


def list_filters_of(staff: Staff, list_key: str) -> QuerySet[ListFilter]:
    """Return a person's own filters of a list and those of her teams (of all teams for who sees the company)."""
    mine = Q(owner_id=staff.pk, team__isnull=True)
    teams = Q(team__isnull=False, team__archived_at__isnull=True)
    if team_scope(staff) is not None:
        teams &= Q(team_id__in=Membership.objects.filter(staff_id=staff.pk).values("team_id"))
    return ListFilter.objects.filter(mine | teams, list_key=list_key).order_by("name", "pk")


def may_share_filters(staff: Staff) -> list[Team]:
    """Return the teams this person may set up filters for: it changes what all of them see."""
    if not has(staff, Permission.TICKET_ASSIGN):
        return []
    scope = team_scope(staff)
    return list(active_teams() if scope is None else active_teams().filter(pk__in=scope))


def may_change_filter(staff: Staff, kept: ListFilter) -> bool:
    """Tell whether this person may throw a filter she sees away."""
    if kept.team_id is None:
        return kept.owner_id == staff.pk
    scope = team_scope(staff)
    return has(staff, Permission.TICKET_ASSIGN) and (scope is None or kept.team_id in scope)
