"""Keep filters of lists: one's own and a team's."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.list_filters import list_filters_of, may_change_filter, may_share_filters
from accounts.models import ListFilter, Staff
from core.errors import InvalidInput, NotAllowed, NotFound

MOST = 50


@transaction.atomic
def keep_list_filter(
    *, staff: Staff, list_key: str, name: str, conditions: dict[str, str], team_id: int | None = None, at: datetime
) -> ListFilter:
    """Keep a filter under a name, for oneself or for a team.

    Raises InvalidInput (a name twice, too many), NotAllowed.
    """
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise InvalidInput(fields={"name": [_("Give the filter a name of at most 60 characters.")]})
    if not conditions:
        raise InvalidInput(fields={"name": [_("Choose a view or a filter first: this keeps what the list shows.")]})
    if team_id is not None and team_id not in {team.pk for team in may_share_filters(staff)}:
        raise NotAllowed
    if ListFilter.objects.filter(owner=staff, list_key=list_key).count() >= MOST:
        raise InvalidInput(fields={"name": [_("Fifty filters are the most. Delete one you no longer need.")]})
    try:
        with transaction.atomic():
            return ListFilter.objects.create(
                owner=staff, list_key=list_key, team_id=team_id, name=name, conditions=conditions, created_at=at
            )
    except IntegrityError:
        raise InvalidInput(fields={"name": [_("There is a filter of this name already.")]}) from None


@transaction.atomic
def drop_list_filter(*, staff: Staff, list_key: str, filter_id: int) -> None:
    """Throw a filter away. Raises NotFound for one that is not there or not seen, NotAllowed for another's."""
    found = list_filters_of(staff, list_key).filter(pk=filter_id).first()
    if found is None:
        raise NotFound
    if not may_change_filter(staff, found):
        raise NotAllowed
    found.delete()
