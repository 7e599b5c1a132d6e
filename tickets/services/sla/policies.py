"""What supervisors set: policies, their conditions and their order."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from core.calendar.selectors import calendar_rows
from core.errors import InvalidInput, NotFound, Text
from tickets.enums import BreachMove
from tickets.models import RepriceRun, SlaPolicy
from tickets.services.settings_rows import lock_row
from tickets.services.sla.repricing import Preview, owe_reprice, preview_policy

STEP = 10


@dataclass(frozen=True)
class PolicyTerms:
    """What a policy promises, in minutes, for which tickets, and what happens when it is not kept."""

    name: str
    first_response_minutes: int
    resolution_minutes: int
    close_after_days: int = 7
    is_business_time: bool = False
    next_response_minutes: int | None = None
    calendar_id: int | None = None
    pauses_for_department: bool = False
    warn_percent: int = 75
    breach_raises_priority: bool = True
    breach_notifies: bool = True
    breach_move: str = BreachMove.KEEP.value
    breach_team_id: int | None = None
    is_active: bool = True
    category_ids: list[int] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    priorities: list[int] = field(default_factory=list)
    tiers: list[str] = field(default_factory=list)
    channels: list[str] = field(default_factory=list)
    shop_ids: list[int] = field(default_factory=list)


CONDITIONS = ("category_ids", "stages", "priorities", "tiers", "channels", "shop_ids")


def _checked(terms: PolicyTerms, is_default: bool) -> dict[str, Any]:
    wanted = asdict(terms)
    problems: dict[str, list[Text]] = {}
    wanted["name"] = " ".join(terms.name.split())
    if not wanted["name"]:
        problems["name"] = [_("Give the policy a name.")]
    if terms.resolution_minutes < terms.first_response_minutes:
        problems["resolution_minutes"] = [_("This is shorter than the time to the first reply.")]
    if terms.calendar_id is not None and not calendar_rows([terms.calendar_id]):
        problems["calendar_id"] = [_("This calendar is no longer there.")]
    if terms.breach_move != BreachMove.TEAM:
        wanted["breach_team_id"] = None
    elif not Team.objects.filter(pk=terms.breach_team_id or 0, archived_at__isnull=True).exists():
        problems["breach_team_id"] = [_("Choose the team that takes over.")]
    if is_default:  # it catches what no rule takes, so it has no conditions and cannot rest
        wanted |= {name: [] for name in CONDITIONS} | {"is_active": True}
    if not terms.is_business_time:
        wanted["calendar_id"] = None
    if problems:
        raise InvalidInput(fields=problems)
    return wanted


@transaction.atomic
def save_policy(
    *, pk: int | None, terms: PolicyTerms, at: datetime, version: int | None = None
) -> tuple[SlaPolicy, RepriceRun | None]:
    """Add or change a policy; a new one is asked last before the default. Raises InvalidInput, NotFound, StaleEdit.

    Running clocks that hang on it follow in batches after commit (the run returned); one that already stopped keeps
    the promise it was measured by. New conditions count for new tickets, and for others when their category or
    priority changes.
    """
    if pk is None:
        is_first = not SlaPolicy.objects.filter(is_default=True).exists()
        last = SlaPolicy.objects.order_by("-position").values_list("position", flat=True).first() or 0
        wanted = _checked(terms, is_first)
        return SlaPolicy.objects.create(**wanted, is_default=is_first, position=last + STEP), None
    row = SlaPolicy.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    wanted = _checked(terms, row.is_default)
    row = lock_row(SlaPolicy, pk, version, wanted)
    changed = [name for name, value in wanted.items() if getattr(row, name) != value]
    if not changed:
        return row, None
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*wanted, "version"])
    return row, owe_reprice(policies=[row], at=at)


def preview_policy_change(*, pk: int, terms: PolicyTerms, at: datetime) -> Preview:
    """Return what saving these terms would do to the running clocks. Writes nothing. Raises InvalidInput, NotFound."""
    row = SlaPolicy.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    for name, value in _checked(terms, row.is_default).items():
        setattr(row, name, value)
    return preview_policy(row, at=at)


@transaction.atomic
def move_policy(*, pk: int, up: bool) -> SlaPolicy:
    """Have a policy asked one place earlier or later; the default stays last. Raises NotFound."""
    rows = list(SlaPolicy.objects.select_for_update(no_key=True).filter(is_default=False).order_by("position", "pk"))
    place = next((n for n, row in enumerate(rows) if row.pk == pk), None)
    if place is None:
        raise NotFound
    other = place - 1 if up else place + 1
    if 0 <= other < len(rows):
        rows[place], rows[other] = rows[other], rows[place]
    for number, row in enumerate(rows, start=1):
        if row.position != number * STEP:
            row.position = number * STEP
            row.save(update_fields=["position"])
    return next(row for row in rows if row.pk == pk)
