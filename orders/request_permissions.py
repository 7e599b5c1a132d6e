"""The door to requests: asked by whom the order's shop is seen, answered by hand with the right to."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import ApiKey, Staff
from accounts.permissions import Permission, has, require, sees_only_area, shop_scope
from core.errors import NotFound
from orders.models import OrderRequest
from orders.permissions import orders_visible_to


def requests_visible_to(reader: Staff | ApiKey) -> QuerySet[OrderRequest]:
    """Return the requests of the shops this person or key sees; to another department, those of its area."""
    if isinstance(reader, Staff) and sees_only_area(reader):
        return OrderRequest.objects.filter(order__in=orders_visible_to(reader))
    shops = shop_scope(reader)
    return OrderRequest.objects.all() if shops is None else OrderRequest.objects.filter(shop_id__in=shops)


def get_request_for(staff: Staff, request_id: int, permission: Permission = Permission.ORDER_VIEW) -> OrderRequest:
    """Return a request with its order. Raises NotFound when invisible, NotAllowed without the right."""
    require(staff, Permission.ORDER_VIEW)
    rows = requests_visible_to(staff).select_related("order", "order__customer", "shop", "asked_by", "answered_by")
    found = rows.filter(pk=request_id).first()
    if found is None:
        raise NotFound
    require(staff, permission)
    return found


def may_hear_requests(staff: Staff, _id: int | None) -> bool:
    """Say whether one may listen to the queue."""
    return has(staff, Permission.ORDER_VIEW)
