"""Who is told when something owed to a customer is late."""

from __future__ import annotations

from django.db.models import Q

from accounts.enums import Permission
from accounts.models import Membership, Staff
from accounts.selectors import staff_with
from tickets.models import Ticket

MOST = 10


def supervisors_of(ticket: Ticket) -> list[int]:
    """Return those who steer the ticket's team; without any, those who steer the company."""
    people = staff_with(Permission.SETTINGS_MANAGE).order_by("pk")
    in_team = Q(memberships__team_id=ticket.team_id) if ticket.team_id else Q(memberships__isnull=False)
    found = list(people.filter(in_team, roles__contains=["supervisor"]).values_list("pk", flat=True).distinct()[:MOST])
    return found or list(people.values_list("pk", flat=True)[:MOST])


def leads_of(team_id: int) -> list[int]:
    """Return those who lead a department."""
    rows = Membership.objects.filter(team_id=team_id, is_lead=True, staff__is_active=True)
    return list(rows.order_by("staff_id").values_list("staff_id", flat=True)[:MOST])


def members_to_tell(team_id: int) -> list[int]:
    """Return the people of a department who do its tasks; of many, the first twenty."""
    rows = Staff.objects.filter(memberships__team_id=team_id, is_active=True).order_by("pk")
    return [person.pk for person in rows if person.may(Permission.TASK_WORK)][:20]


def works_in(staff_id: int, team_id: int) -> bool:
    """Say whether somebody works in a department now."""
    return Membership.objects.filter(staff_id=staff_id, team_id=team_id, staff__is_active=True).exists()
