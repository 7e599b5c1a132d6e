"""The door to parcel exceptions: worked on by whom their shop is seen."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import Staff
from accounts.permissions import Permission, has, require, sees_only_area, shop_scope
from core.errors import NotFound
from orders.models import ParcelException


def works_on_exceptions(staff: Staff) -> bool:
    """Say whether this person sees any exceptions."""
    return has(staff, Permission.EXCEPTION_WORK) and not sees_only_area(staff)


def exceptions_visible_to(staff: Staff) -> QuerySet[ParcelException]:
    """Return the exceptions of the shops this person sees."""
    if not works_on_exceptions(staff):
        return ParcelException.objects.none()
    shops = shop_scope(staff)
    return ParcelException.objects.all() if shops is None else ParcelException.objects.filter(shop_id__in=shops)


def get_exception_for(staff: Staff, exception_id: int) -> ParcelException:
    """Return an exception with its parcel and order. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, Permission.EXCEPTION_WORK)
    rows = exceptions_visible_to(staff).select_related("parcel", "order", "owner", "carrier")
    found = rows.filter(pk=exception_id).first()
    if found is None:
        raise NotFound
    return found


def may_hear_exceptions(staff: Staff, _id: int | None) -> bool:
    """Say whether one may listen to the queue."""
    return has(staff, Permission.EXCEPTION_WORK)
