from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.availability import default_capacity
from accounts.events import StaffChanged
from accounts.models import Capacity, Staff
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import Code, record

MOST = 1000


@transaction.atomic
def set_capacity(
    *, staff_id: int, version: int, in_total: int, per_channel: Mapping[str, int], actor: Actor, at: datetime
) -> Capacity:
    """Say how many conversations somebody may have in work at once. `version` 0 is the default nobody changed yet.

    What she has already stays with her. Raises InvalidInput, NotFound, StaleEdit.
    """
    if not 0 <= in_total <= MOST or any(not 0 <= limit <= MOST for limit in per_channel.values()):
        raise InvalidInput(fields={"in_total": [_("Choose a number from 0 to 1000.")]})
    staff = Staff.objects.select_for_update(no_key=True).filter(pk=staff_id).first()
    if staff is None:
        raise NotFound
    row = Capacity.objects.filter(pk=staff_id).first()
    if (row.version if row else 0) != version:
        theirs = row.in_total if row else default_capacity(staff.roles)
        raise StaleEdit(changes=[{"field": "in_total", "yours": in_total, "theirs": theirs}])
    row = row or Capacity(staff=staff, version=0)
    row.in_total, row.per_channel = in_total, dict(sorted(per_channel.items()))
    row.version += 1
    row.save()
    data = StaffChanged((Code("capacity"),), tuple(Code(role) for role in staff.roles), ())
    record("staff.changed", subject=staff, actor=actor, at=at, data=data)
    return row
