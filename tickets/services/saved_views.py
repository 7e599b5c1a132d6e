"""Keep filters: one's own and a team's."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, has, team_scope
from accounts.selectors import get_preference
from accounts.services import save_preference
from core.errors import InvalidInput, NotAllowed, NotFound, StaleEdit
from tickets.enums import Sorting
from tickets.models import SavedView
from tickets.selectors.filters import saved_views_of
from tickets.selectors.lists import FACTS
from tickets.selectors.views import LISTS_PREFERENCE

MOST = 50


@transaction.atomic
def save_view(
    *,
    staff: Staff,
    name: str,
    conditions: dict[str, Any],
    sorting: str = Sorting.NEWEST,
    team_id: int | None = None,
    view_id: int | None = None,
    version: int | None = None,
    at: datetime,
) -> SavedView:
    """Keep a filter under a name, or change one. For a team: by whoever may assign its tickets.

    Raises InvalidInput (a name twice, too many), NotAllowed, NotFound, StaleEdit.
    """
    name = " ".join(name.split())[:60]
    if not name:
        raise InvalidInput(fields={"name": [_("Give the filter a name.")]})
    if team_id is not None:
        check_may_share(staff, team_id)
    if view_id is None:
        if SavedView.objects.filter(owner=staff).count() >= MOST:
            raise InvalidInput(fields={"name": [_("Fifty filters are the most. Delete one you no longer need.")]})
        view = SavedView(owner=staff, created_at=at, position=next_position(staff))
    else:
        view = _lock(staff, view_id)
        if version is not None and version != view.version:
            raise StaleEdit(changes=[{"field": "name", "yours": name, "theirs": view.name}])
        view.version += 1
    view.name, view.conditions, view.sorting, view.team_id = name, conditions, sorting, team_id
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise InvalidInput(fields={"name": [_("There is a filter of this name already.")]}) from None
    return view


def next_position(staff: Staff) -> int:
    """Return the place behind this person's last filter."""
    last = saved_views_of(staff).order_by("-position").values_list("position", flat=True).first()
    return min((last or 0) + 10, 32_000)


def check_may_share(staff: Staff, team_id: int) -> None:
    """Raise NotAllowed unless this person may set up a team's list: it changes what all of them see."""
    scope = team_scope(staff)
    if not has(staff, Permission.TICKET_ASSIGN) or (scope is not None and team_id not in scope):
        raise NotAllowed


def may_edit(staff: Staff, view: SavedView) -> bool:
    """Say whether this person may change or delete a filter she sees."""
    if view.team_id is None:
        return view.owner_id == staff.pk
    scope = team_scope(staff)
    return has(staff, Permission.TICKET_ASSIGN) and (scope is None or view.team_id in scope)


def _lock(staff: Staff, view_id: int) -> SavedView:
    known = saved_views_of(staff).filter(pk=view_id).order_by().values_list("pk", flat=True).first()
    view = SavedView.objects.select_for_update(no_key=True).filter(pk=known or 0).first()
    if view is None:
        raise NotFound
    if not may_edit(staff, view):
        raise NotAllowed
    return view


@transaction.atomic
def delete_view(*, staff: Staff, view_id: int) -> None:
    """Throw a filter away. Raises NotFound, NotAllowed."""
    _lock(staff, view_id).delete()


@transaction.atomic
def move_view(*, staff: Staff, view_id: int, up: bool) -> None:
    """Move a filter one place up or down among those this person may change."""
    _lock(staff, view_id)
    mine = [view for view in saved_views_of(staff) if may_edit(staff, view)]
    at = next(place for place, view in enumerate(mine) if view.pk == view_id)
    to = at - 1 if up else at + 1
    if 0 <= to < len(mine):
        mine[at], mine[to] = mine[to], mine[at]
    for place, view in enumerate(mine):
        if view.position != place * 10:
            SavedView.objects.filter(pk=view.pk).update(position=place * 10)


def remember_list(*, staff: Staff, view: str, sorting: str | None = None, facts: Iterable[str] | None = None) -> None:
    """Remember in which order, and with which facts a line, a person likes a view."""
    likes = get_preference(staff.pk, LISTS_PREFERENCE, {})
    mine = dict(likes.get(view, {}))
    if sorting is not None:
        mine["sort"] = str(Sorting(sorting))
    if facts is not None:
        mine["facts"] = [name for name in FACTS if name in set(facts)]
    kept = {key: value for key, value in likes.items() if key != view}
    if len(kept) >= 100:
        kept.pop(next(iter(kept)))
    save_preference(staff_id=staff.pk, key=LISTS_PREFERENCE, value={**kept, view: mine})
