"""The doors to incidents: seen by whom one of their shops is seen, steered by whom all of them are."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from accounts.models import Staff
from accounts.permissions import Permission, has, require, sees_only_area, shop_scope
from core.errors import NotAllowed, NotFound
from orders.models import Incident


def incidents_visible_to(staff: Staff) -> QuerySet[Incident]:
    """Return the incidents that may touch a shop this person sees."""
    if not has(staff, Permission.INCIDENT_VIEW) or sees_only_area(staff):
        return Incident.objects.none()
    shops = shop_scope(staff)
    if shops is None:
        return Incident.objects.all()
    return Incident.objects.filter(Q(shop_ids__overlap=shops) | Q(shop_ids=[])) if shops else Incident.objects.none()


def get_incident_for(staff: Staff, incident_id: int, permission: Permission = Permission.INCIDENT_VIEW) -> Incident:
    """Return an incident with its owner.

    Raises NotFound when invisible, NotAllowed without the right, and for steering one that reaches into shops the
    person does not see.
    """
    require(staff, Permission.INCIDENT_VIEW)
    rows = incidents_visible_to(staff).select_related("owner", "declared_by", "reviewed_by")
    incident = rows.filter(pk=incident_id).first()
    if incident is None:
        raise NotFound
    require(staff, permission)
    if permission == Permission.INCIDENT_MANAGE and not may_steer_shops(staff, incident.shop_ids):
        raise NotAllowed
    return incident


def may_steer_shops(staff: Staff, shop_ids: Iterable[int]) -> bool:
    """Say whether a person may steer an incident of these shops (none = every shop)."""
    scope, wanted = shop_scope(staff), set(shop_ids)
    return scope is None or (bool(wanted) and wanted <= set(scope))


def may_steer(staff: Staff, incident: Incident) -> bool:
    """Say whether a person may change an incident, tell its customers, end it."""
    return has(staff, Permission.INCIDENT_MANAGE) and may_steer_shops(staff, incident.shop_ids)


def may_hear_incident(staff: Staff, incident_id: int | None) -> bool:
    """Say whether one may listen to an incident, or to the list (None)."""
    if not has(staff, Permission.INCIDENT_VIEW):
        return False
    return incident_id is None or incidents_visible_to(staff).filter(pk=incident_id).exists()
