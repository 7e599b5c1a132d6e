"""Incidents as lists and pages read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Staff
from accounts.permissions import sees_only_area, shop_scope
from orders.incident_enums import INCIDENT_CLOSED, INCIDENT_OPEN, IncidentState
from orders.incident_permissions import incidents_visible_to
from orders.models import AffectedOrder, AttachRun, Incident

PAGE = 50
TABS: dict[str, tuple[str, ...]] = {
    "open": tuple(state.value for state in INCIDENT_OPEN),
    "review": (IncidentState.OVER.value,),
    "done": tuple(state.value for state in INCIDENT_CLOSED),
}


def incident_page(staff: Staff, tab: str, *, before: int | None = None) -> list[Incident]:
    """Return incidents of a tab with owner and count of affected orders, the newest first, one more than a page."""
    inside = AffectedOrder.objects.filter(incident_id=OuterRef("pk"), removed_at__isnull=True).order_by()
    count = inside.values("incident_id").annotate(n=Count("pk")).values("n")
    rows = incidents_visible_to(staff).filter(state__in=TABS[tab]).select_related("owner")
    rows = rows.annotate(order_count=Coalesce(Subquery(count, output_field=IntegerField()), 0))
    rows = rows.filter(pk__lt=before) if before else rows
    return list(rows.order_by("-pk")[: PAGE + 1])


def count_incidents(staff: Staff) -> dict[str, int]:
    """Return how many incidents stand in each tab, in one statement."""
    counts = {tab: Count("pk", filter=Q(state__in=states)) for tab, states in TABS.items()}
    return incidents_visible_to(staff).aggregate(**counts)


def affected_visible_to(staff: Staff, incident: Incident) -> QuerySet[AffectedOrder]:
    """Return the rows of an incident whose orders this person sees."""
    rows = AffectedOrder.objects.filter(incident=incident)
    if sees_only_area(staff):
        return rows.none()
    shops = shop_scope(staff)
    return rows if shops is None else rows.filter(order__shop_id__in=shops)


def affected_page(
    staff: Staff, incident: Incident, *, is_out: bool = False, before: int | None = None, query: str = ""
) -> list[AffectedOrder]:
    """Return affected orders with order, shop and customer, the newest attached first, one more than a page."""
    rows = affected_visible_to(staff, incident).filter(removed_at__isnull=not is_out)
    rows = rows.filter(pk__lt=before) if before else rows
    if query:
        rows = rows.filter(Q(order__number=query) | Q(order__parcels__tracking_number=query)).distinct()
    rows = rows.select_related("order", "order__shop", "customer").prefetch_related("order__parcels__carrier")
    return list(rows.order_by("-pk")[: PAGE + 1])


@dataclass(frozen=True)
class AffectedCounts:
    """How many orders are inside, how many were taken out, whose they are."""

    orders: int
    taken_out: int
    customers: int


def count_affected(incident: Incident) -> AffectedCounts:
    """Count an incident's orders and customers in one statement."""
    inside = Q(removed_at__isnull=True)
    told: dict[str, Any] = AffectedOrder.objects.filter(incident=incident).aggregate(
        orders=Count("pk", filter=inside),
        taken_out=Count("pk", filter=~inside),
        customers=Count("customer_id", filter=inside, distinct=True),
    )
    return AffectedCounts(**told)


def newest_attach_run(incident: Incident) -> AttachRun | None:
    """Return the newest search of an incident."""
    return AttachRun.objects.filter(incident=incident).order_by("-pk").first()
