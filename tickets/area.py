"""What other departments may read of tickets: those handed to them, and those of their area."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tickets.models import Category, Department, DepartmentTask, Ticket


def tickets_in_area(team_ids: list[int], shop_ids: list[int] | None) -> QuerySet[Ticket]:
    """Return what departments may read: tickets handed to them, and those of their categories in their shops."""
    handed = DepartmentTask.objects.filter(ticket_id=OuterRef("pk"), team_id__in=team_ids).exclude(state="withdrawn")
    return Ticket.objects.filter(Exists(handed) | Q(pk__in=_of_area(team_ids, shop_ids)))


def _of_area(team_ids: list[int], shop_ids: list[int] | None) -> QuerySet[Any]:
    departments = Department.objects.filter(pk__in=team_ids, is_active=True)
    categories = Category.objects.filter(Q(departments__in=departments) | Q(parent__departments__in=departments))
    rows = Ticket.objects.filter(category_id__in=categories.values("pk"), is_spam=False)
    if shop_ids is not None:
        rows = rows.filter(Q(shop__isnull=True) | Q(shop_id__in=shop_ids))
    return rows.values("pk")
