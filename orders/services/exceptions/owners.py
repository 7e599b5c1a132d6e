"""Who deals with a new exception: of those who may and see the shop, who is here, then who holds the fewest."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Count

from accounts.permissions import Permission, shop_scope
from accounts.selectors import staff_here, staff_with
from orders.exception_enums import EXCEPTION_OPEN
from orders.models import ParcelException


def find_owner(shop_id: int, *, at: datetime) -> int | None:
    """Return who gets the next exception of a shop, None when nobody may work on one."""
    able = [one for one in staff_with(Permission.EXCEPTION_WORK) if _sees(one, shop_id)]
    if not able:
        return None
    here = set(staff_here().values_list("pk", flat=True))
    rows = ParcelException.objects.filter(state__in=EXCEPTION_OPEN, owner__in=able).order_by()
    load = dict(rows.values_list("owner").annotate(n=Count("pk")))
    return min(able, key=lambda one: (one.pk not in here, load.get(one.pk, 0), one.pk)).pk


def _sees(staff: object, shop_id: int) -> bool:
    scope = shop_scope(staff)  # type: ignore[arg-type]
    return scope is None or shop_id in scope
