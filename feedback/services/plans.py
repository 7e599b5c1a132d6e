"""Save a follow-up plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import Code, record
from feedback.enums import VisitChannel
from feedback.events import PlanSaved
from feedback.models import FollowUpPlan


@dataclass(frozen=True)
class PlanDraft:
    """A plan as it is typed."""

    name: str
    due_after_days: int
    within_days: int
    max_attempts: int
    channel: str
    script_zh: str = ""
    script_en: str = ""
    shop_id: int | None = None
    is_active: bool = True


@transaction.atomic
def save_plan(
    *, draft: PlanDraft, actor: Actor, at: datetime, plan_id: int | None = None, version: int | None = None
) -> FollowUpPlan:
    """Add or change a plan; visits already owed keep their times. Raises NotFound, StaleEdit, InvalidInput."""
    plan = FollowUpPlan()
    if plan_id is not None:
        found = FollowUpPlan.objects.select_for_update(no_key=True).filter(pk=plan_id).first()
        if found is None:
            raise NotFound
        plan = found
    changed = [name for name, value in asdict(draft).items() if getattr(plan, name) != value]
    if plan_id is not None and version != plan.version:
        raise StaleEdit(changes=[{"field": name, "theirs": str(getattr(plan, name))} for name in changed])
    _check(draft, plan_id)
    for name, value in asdict(draft).items():
        setattr(plan, name, value)
    if plan_id is not None:
        plan.version += 1
    plan.save()
    fields = tuple(Code(name) for name in changed)
    record("follow_up_plan.changed", subject=plan, actor=actor, at=at, data=PlanSaved(fields=fields))
    return plan


def _check(draft: PlanDraft, plan_id: int | None) -> None:
    if draft.channel not in VisitChannel.values:
        raise InvalidInput(fields={"channel": [_("Choose a way to reach the customer.")]})
    if not 1 <= draft.within_days <= 60:
        raise InvalidInput(fields={"within_days": [_("Choose between 1 and 60 days.")]})
    if not 0 <= draft.due_after_days < draft.within_days:
        raise InvalidInput(fields={"due_after_days": [_("A visit must become due before its deadline.")]})
    if not 1 <= draft.max_attempts <= 10:
        raise InvalidInput(fields={"max_attempts": [_("Choose between 1 and 10 attempts.")]})
    same_shop = Q(shop_id=draft.shop_id) if draft.shop_id else Q(shop_id__isnull=True)
    others = FollowUpPlan.objects.filter(same_shop, is_active=True).exclude(pk=plan_id or 0)
    if draft.is_active and others.exists():
        raise InvalidInput(fields={"shop_id": [_("Another plan is active for this shop. Switch it off first.")]})
