"""The terms of quality review."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput
from core.events import record
from tickets.models import QualityTerms
from tickets.services.settings_rows import lock_row

LIMITS = {
    "appeal_days": (1, 60),
    "decide_days": (1, 60),
    "coach_below": (0, 100),
    "coach_days": (1, 60),
    "new_agent_days": (0, 365),
    "away_hours": (4, 400),
}


@transaction.atomic
def save_quality_terms(*, values: dict[str, int], version: int, actor: Actor, at: datetime) -> QualityTerms:
    """Change days, thresholds and what counts as new or away. Raises InvalidInput, StaleEdit."""
    for name, (least, most) in LIMITS.items():
        if not least <= values[name] <= most:
            raise InvalidInput(fields={name: [_("Between %(least)s and %(most)s.") % {"least": least, "most": most}]})
    QualityTerms.objects.get_or_create(pk=1, defaults={"version": 0})
    row = lock_row(QualityTerms, 1, version, values)
    for name in LIMITS:
        setattr(row, name, values[name])
    row.version += 1
    row.save(update_fields=[*LIMITS, "version"])
    record("quality_terms.changed", subject=row, actor=actor, at=at)
    return row
