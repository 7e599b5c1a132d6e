"""Which teams others hand work to, how fast they answer, who leads them, and whether their people get the digest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from accounts.services import save_preference, set_team_leads
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from tickets.models import Category, Department
from tickets.work_enums import DIGEST, Tier


@dataclass(frozen=True)
class DepartmentTerms:
    """How a team works for others; hours are hours of its calendar."""

    tier: int | None = None
    category_ids: tuple[int, ...] = ()
    lead_ids: tuple[int, ...] = ()
    task_hours: int = 8
    lead_after_hours: int = 4
    supervisor_after_hours: int = 4
    is_active: bool = True


@transaction.atomic
def save_department(
    *, team_id: int, terms: DepartmentTerms, actor: Actor, at: datetime, version: int | None = None
) -> Department:
    """Make a team a department or change how it works. Raises InvalidInput, StaleEdit."""
    team = Team.objects.select_for_update(no_key=True).filter(pk=team_id, archived_at__isnull=True).first()
    if team is None:
        raise InvalidInput(fields={"team": [_("This team is no longer there.")]})
    if terms.tier is not None and terms.tier not in Tier.values:
        raise InvalidInput(fields={"tier": [_("There is no such line of support.")]})
    row = Department.objects.filter(pk=team_id).first()
    if row is not None and version is not None and row.version != version:
        raise StaleEdit(changes=[{"field": "task_hours", "yours": terms.task_hours, "theirs": row.task_hours}])
    row = row or Department(team=team, version=0)
    row.tier, row.task_hours, row.is_active = terms.tier, terms.task_hours, terms.is_active
    row.lead_after_hours, row.supervisor_after_hours = terms.lead_after_hours, terms.supervisor_after_hours
    row.version += 1
    row.save()
    row.categories.set(Category.objects.filter(pk__in=terms.category_ids))
    set_team_leads(team_id=team_id, staff_ids=terms.lead_ids, actor=actor, at=at)
    return row


def choose_digest(*, staff_id: int, wanted: bool) -> None:
    """Remember whether somebody wants the weekly digest."""
    save_preference(staff_id=staff_id, key=DIGEST, value=wanted)
