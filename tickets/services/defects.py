"""Product defects found while working on a ticket."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput
from core.events import record
from tickets.models import DepartmentTask, ProductDefect
from tickets.work_events import DefectReported


@dataclass(frozen=True)
class Defect:
    """A product defect found while answering; the product when it is known."""

    words: str
    product_id: int | None = None


def report_defect(task: DepartmentTask, defect: Defect, actor: Actor, at: datetime) -> None:
    """Flag a product defect on a locked task, for everybody to see. Raises InvalidInput."""
    words = " ".join(defect.words.split())[:300]
    if not words:
        raise InvalidInput(fields={"defect": [_("Say in a sentence what is wrong with the product.")]})
    row, _is_new = ProductDefect.objects.update_or_create(
        task=task,
        defaults={
            "ticket_id": task.ticket_id,
            "product_id": defect.product_id,
            "words": words,
            "reported_by_id": actor.id if actor.is_person else None,
            "reported_at": at,
        },
    )
    row.ticket = task.ticket
    data = DefectReported(task_id=task.pk, product_id=defect.product_id, team_id=task.team_id)
    record("defect.reported", subject=row, actor=actor, at=at, data=data)
