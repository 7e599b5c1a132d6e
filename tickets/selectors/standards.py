"""Read service standards: the one a ticket follows, and those that are set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q

from tickets.models import Category, ServiceStandard, StandardVersion, Ticket, TicketStep


def standard_of(ticket: Ticket) -> StandardVersion | None:
    """Return the version of its category's standard that was in force when the ticket was opened.

    A ticket older than the standard follows the first version. A category without its own takes its parent's.
    """
    if ticket.category_id is None:
        return None
    rows = StandardVersion.objects.filter(standard__is_active=True).filter(
        Q(standard__category_id=ticket.category_id) | Q(standard__category__children=ticket.category_id)
    )
    found = list(
        rows.annotate(category_id=F("standard__category_id"))
        .order_by("number")
        .values_list("pk", "category_id", "published_at")
    )
    own = [row for row in found if row[1] == ticket.category_id] or found
    if not own:
        return None
    begun = [row for row in own if row[2] <= ticket.opened_at]
    return StandardVersion.objects.get(pk=(begun[-1] if begun else own[0])[0])


@dataclass(frozen=True)
class Step:
    """One step as the checklist shows it; `done` is who ticked it and when, None while open."""

    key: str
    title: str
    hint: str
    is_required: bool
    done: TicketStep | None


def checklist(ticket: Ticket, standard: StandardVersion) -> list[Step]:
    """Return the steps of a ticket's standard with what was done."""
    rows = TicketStep.objects.filter(ticket=ticket, standard_version=standard).select_related("done_by")
    done = {row.key: row for row in rows}
    return [
        Step(one["key"], one["title"], one.get("hint", ""), bool(one.get("is_required")), done.get(one["key"]))
        for one in standard.steps
    ]


def standards_by_category() -> list[dict[str, Any]]:
    """Return every category in use with its standard, if it has one, in two queries."""
    rows = {row.category_id: row for row in ServiceStandard.objects.select_related("current")}
    tops: dict[int | None, list[Category]] = {}
    for category in Category.objects.filter(is_active=True).order_by("position", "pk"):
        tops.setdefault(category.parent_id, []).append(category)
    found = []
    for top in tops.get(None, []):
        found.append({"category": top, "standard": rows.get(top.pk), "is_child": False})
        found += [{"category": one, "standard": rows.get(one.pk), "is_child": True} for one in tops.get(top.pk, [])]
    return found
