"""What supervisors set for routing: each team's way, what categories ask for, who looks after whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission, Skill
from accounts.models import Staff
from core.actors import Actor
from core.editing import own_changes
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import Code, record
from customers.models import Customer
from tickets.models import Category
from tickets.models.routing import CategorySkill, DedicatedAgent, RoutingMode, TeamRouting
from tickets.routing_events import RoutingChanged
from tickets.services.assigning import check_team
from tickets.services.routing.owing import owe_drain


@dataclass(frozen=True)
class RoutingTerms:
    """How a team's tickets find their agent."""

    mode: str
    widen_after_minutes: int
    release_after_minutes: int


@transaction.atomic
def save_team_routing(*, team_id: int, version: int, terms: RoutingTerms, actor: Actor, at: datetime) -> TeamRouting:
    """Set a team's way; switched to automatic, what waits is handed out at once. `version` 0 is one nobody set.

    Raises InvalidInput, StaleEdit.
    """
    check_team(team_id)
    if terms.mode not in RoutingMode.values or not 5 <= terms.release_after_minutes <= 1440:
        raise InvalidInput(fields={"release_after_minutes": [_("Choose between 5 and 1440 minutes.")]})
    TeamRouting.objects.bulk_create([TeamRouting(team_id=team_id, version=0)], ignore_conflicts=True)
    row = TeamRouting.objects.select_for_update(no_key=True).get(pk=team_id)
    if row.version != version:
        theirs = {name: getattr(row, name) for name in vars(terms)}
        raise StaleEdit(
            changes=[
                {"field": name, "yours": mine, "theirs": theirs[name]}
                for name, mine in vars(terms).items()
                if mine != theirs[name]
            ]
        )
    for name, value in vars(terms).items():
        setattr(row, name, value)
    row.version += 1
    row.save()
    data = RoutingChanged(Code(row.mode), row.widen_after_minutes, row.release_after_minutes)
    record("team_routing.changed", subject=row, actor=actor, at=at, data=data)
    owe_drain(team_id=team_id, key=f"routing:{row.version}", at=at)
    return row


@transaction.atomic
def save_category_skills(*, skills: Mapping[int, str], shown: Mapping[int, str] | None = None) -> int:
    """Set what categories ask for (category id -> skill code, empty = nothing of its own); return how many changed.

    `shown` is what the form said when it was opened: what others changed beside it stays. Raises InvalidInput,
    StaleEdit for a category somebody else changed meanwhile.
    """
    if not {skill for skill in skills.values() if skill} <= set(Skill.values):
        raise InvalidInput(fields={"skill": [_("This skill is not known.")]})
    locked = Category.objects.select_for_update(no_key=True).filter(pk__in=skills).order_by("pk")
    there = set(locked.values_list("pk", flat=True))  # the rows of needs may not exist yet
    known = dict(CategorySkill.objects.values_list("category_id", "skill"))
    changed = own_changes(shown or {}, {pk: skill for pk, skill in skills.items() if pk in there}, known)
    CategorySkill.objects.filter(pk__in=[pk for pk, skill in changed.items() if not skill]).delete()
    rows = [CategorySkill(category_id=pk, skill=skill) for pk, skill in changed.items() if skill]
    CategorySkill.objects.bulk_create(rows, update_conflicts=True, unique_fields=["category"], update_fields=["skill"])
    return len(changed)


@transaction.atomic
def set_dedicated_agent(*, customer_id: int, staff_id: int | None, at: datetime) -> DedicatedAgent | None:
    """Say who looks after a customer, or with None nobody in particular. Raises NotFound, InvalidInput."""
    if not Customer.objects.filter(pk=customer_id).exists():
        raise NotFound
    if staff_id is None:
        DedicatedAgent.objects.filter(pk=customer_id).delete()
        return None
    staff = Staff.objects.filter(pk=staff_id, is_active=True, is_dedicated=True).first()
    if staff is None or not staff.may(Permission.TICKET_REPLY):
        raise InvalidInput(fields={"staff": [_("Choose somebody who may be a customer's dedicated agent.")]})
    row, _created = DedicatedAgent.objects.update_or_create(
        customer_id=customer_id, defaults={"staff": staff, "since": at}
    )
    return row
