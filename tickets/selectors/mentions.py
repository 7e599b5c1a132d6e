"""Colleagues a note may speak to: those who can see the ticket."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from accounts.enums import Permission, Reach
from accounts.models import Staff
from accounts.roles import ROLES
from accounts.selectors import staff_with
from core.text import pinyin_initials
from tickets.models import Ticket
from tickets.permissions import tickets_visible_to

MOST = 12
LONGEST_NAME = 60


def mentionable_staff(ticket: Ticket) -> QuerySet[Staff]:
    """Return colleagues who see the whole company, the ticket's team, or have the ticket; by name."""
    company = [code for code, role in ROLES.items() if role.reach is Reach.COMPANY]
    near = Q(roles__overlap=company) | Q(is_superuser=True)
    if ticket.team_id is not None:
        near |= Q(memberships__team_id=ticket.team_id)
    else:
        near |= Q(memberships__isnull=False)
    if ticket.assignee_id is not None:
        near |= Q(pk=ticket.assignee_id)
    return staff_with(Permission.TICKET_VIEW).filter(near).distinct()


def offer_colleagues(ticket: Ticket, staff: Staff, query: str) -> list[Staff]:
    """Return colleagues whose name, or its pinyin initials, begins like the query."""
    wanted = query.strip().lower()
    rows = list(mentionable_staff(ticket).exclude(pk=staff.pk).order_by("display_name", "pk")[:500])
    if wanted:
        rows = [row for row in rows if _fits(row.display_name, wanted)]
    return rows[:MOST]


def _fits(name: str, wanted: str) -> bool:
    return wanted in name.lower() or pinyin_initials(name).lower().startswith(wanted)


def mentioned_in(ticket: Ticket, text: str, chosen: set[int]) -> list[int]:
    """Return whom a note speaks to: every @name in it that is a colleague who can see the ticket.

    Of two with the same name the one who was `chosen` from the list counts; without a choice both do.
    """
    if "@" not in text and "＠" not in text:
        return []
    by_name: dict[str, list[int]] = {}
    for pk, name in mentionable_staff(ticket).values_list("pk", "display_name"):
        by_name.setdefault(name, []).append(pk)
    found: set[int] = set()
    for piece in text.replace("＠", "@").split("@")[1:]:
        heads = (piece[:n] for n in range(min(len(piece), LONGEST_NAME), 0, -1))
        if (known := next((head for head in heads if head in by_name), None)) is not None:
            ids = by_name[known]
            found.update(chosen.intersection(ids) or ids)
    return [pk for pk in sorted(found) if _sees(pk, ticket)]


def _sees(staff_id: int, ticket: Ticket) -> bool:
    """Ask the door itself; a few rows at most."""
    staff = Staff.objects.get(pk=staff_id)
    return tickets_visible_to(staff).filter(pk=ticket.pk).exists()
