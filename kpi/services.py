"""Advance and rebuild the folds; set targets."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import record
from core.folds import FOLDS, advance, lag, rebuild
from core.live import publish
from kpi.metrics import METRICS
from kpi.models import Target


def advance_folds(*, at: datetime, budget: timedelta | None = None) -> int:
    """Consume every closed window; return how many folds had events. Open boards are told to look again.

    With a budget for all folds together a long window is left half-way and gone on with at the next call.
    """
    begun, changed = time.monotonic(), 0
    for fold in FOLDS.values():
        left = None if budget is None else max(timedelta(0), budget - timedelta(seconds=time.monotonic() - begun))
        changed += advance(fold, at, budget=left)
    if changed:
        publish("board", "figures", int(at.timestamp()), int(at.timestamp()))
    return changed


def rebuild_folds(*, names: list[str] | None, at: datetime) -> list[str]:
    """Build figures again from the whole log; return the names rebuilt."""
    chosen = [fold for fold in FOLDS.values() if not names or fold.name in names]
    for fold in chosen:
        rebuild(fold, at)
    return [fold.name for fold in chosen]


@transaction.atomic
def set_target(*, metric: str, value: float, version: int, actor: Actor, at: datetime) -> Target:
    """Set a metric's target in its own unit. Raises NotFound, InvalidInput, StaleEdit."""
    if metric not in METRICS:
        raise NotFound
    if not 0 <= value < 10**9:
        raise InvalidInput(fields={"value": [_("Enter a number of zero or more.")]})
    row = Target.objects.select_for_update().filter(metric=metric).first()
    if row is None:
        row = Target.objects.create(metric=metric, value=value, changed_at=at)
    else:
        if row.version != version:
            raise StaleEdit(changes=[{"field": "value", "yours": value, "theirs": row.value}])
        row.value, row.version, row.changed_at = value, row.version + 1, at
        row.save(update_fields=["value", "version", "changed_at"])
    record("target.changed", subject=row, actor=actor, at=at)
    return row


FOLD_NAMES = {
    "tickets": gettext_lazy("Tickets"), "surveys": gettext_lazy("Surveys"), "visits": gettext_lazy("Follow-up visits"),
    "quality": gettext_lazy("Quality"), "calls": gettext_lazy("Calls"), "tasks": gettext_lazy("Tasks"),
    "deliveries": gettext_lazy("Deliveries"),
}  # fmt: skip


def fold_health() -> list[dict[str, Any]]:
    """Say how far the figures are behind the log."""
    now = timezone.now()
    lines = []
    for row in lag():
        late = row["advanced_at"] is None or now - row["advanced_at"] > timedelta(minutes=1)
        behind = f"{row['behind']}" if row["behind"] <= 10000 else "10000+"
        lines.append(
            {
                "label": _("Figures: %(name)s") % {"name": FOLD_NAMES.get(row["name"], row["name"])},
                "value": _("%(count)s events behind") % {"count": behind},
                "state": "warn" if late and row["behind"] else "ok",
                "hint": _("An open write transaction holds the figures back.") if late and row["behind"] else "",
            }
        )
    return lines
