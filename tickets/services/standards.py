"""Service standards: published in versions, followed as a checklist, asked before resolving."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.roles import ROLES
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import Code, record
from tickets.models import Category, DepartmentTask, ServiceStandard, StandardVersion, Ticket, TicketStep
from tickets.selectors.standards import standard_of
from tickets.services.locking import announce_ticket, lock_ticket
from tickets.work_enums import TASK_RUNNING
from tickets.work_errors import DepartmentsOwe, StepsLeft
from tickets.work_events import StandardPublished, StepFact

MOST_STEPS, MOST_SOLUTIONS = 30, 20


@dataclass(frozen=True)
class StandardWords:
    """What a version says. A step is {title, hint, is_required, key}; one without a key is new."""

    summary: str = ""
    owner_role: str = ""
    time_limit_minutes: int | None = None
    steps: list[dict[str, Any]] = field(default_factory=list)
    solutions: list[dict[str, str]] = field(default_factory=list)
    is_active: bool = True


@transaction.atomic
def publish_standard(
    *, category_id: int, words: StandardWords, actor: Actor, at: datetime, version: int | None = None
) -> ServiceStandard:
    """Put a new version of a category's standard into force; tickets that are open keep theirs.

    Saving the same words again only wakes or rests the standard. Raises InvalidInput, StaleEdit.
    """
    category = Category.objects.filter(pk=category_id).first()
    if category is None:
        raise InvalidInput(fields={"category": [_("This category is no longer there.")]})
    ServiceStandard.objects.get_or_create(category=category)
    row = ServiceStandard.objects.select_for_update(no_key=True, of=("self",)).get(category=category)
    if version is not None and row.version != version and row.current_id is not None:
        raise StaleEdit(changes=[{"field": "version", "yours": str(version), "theirs": str(row.version)}])
    steps, solutions = _steps(words), _solutions(words)
    before = row.current
    if before is None or not _same(before, words, steps, solutions):
        row.current = StandardVersion.objects.create(
            standard=row,
            number=(before.number if before else 0) + 1,
            summary=words.summary.strip(),
            owner_role=words.owner_role,
            time_limit_minutes=words.time_limit_minutes,
            steps=steps,
            solutions=solutions,
            published_by_id=actor.id if actor.is_person else None,
            published_at=at,
        )
    elif row.is_active == words.is_active:
        return row
    row.is_active = words.is_active
    row.version += 1
    row.save(update_fields=["current", "is_active", "version"])
    required = sum(step["is_required"] for step in steps)
    fact = StandardPublished(row.current.number if row.current else 0, Code(category.key), len(steps), required)
    kind = "standard.published" if words.is_active else "standard.rested"
    record(kind, subject=row, actor=actor, at=at, data=fact)
    return row


def _same(before: StandardVersion, words: StandardWords, steps: Any, solutions: Any) -> bool:
    return (before.summary, before.owner_role, before.time_limit_minutes, before.steps, before.solutions) == (
        words.summary.strip(), words.owner_role, words.time_limit_minutes, steps, solutions,
    )  # fmt: skip


def _steps(words: StandardWords) -> list[dict[str, Any]]:
    """Return the steps tidied, each with a key that it keeps over versions. Raises InvalidInput."""
    steps = []
    for step in words.steps:
        title = " ".join(str(step.get("title", "")).split())[:120]
        if title:
            key = str(step.get("key") or "") or secrets.token_hex(4)
            hint = str(step.get("hint", "")).strip()[:500]
            steps.append({"key": key[:12], "title": title, "hint": hint, "is_required": bool(step.get("is_required"))})
    if words.owner_role and words.owner_role not in ROLES:
        raise InvalidInput(fields={"owner_role": [_("This role does not exist.")]})
    if not steps:
        raise InvalidInput(fields={"steps": [_("Name at least one step.")]})
    if len(steps) > MOST_STEPS or len({step["key"] for step in steps}) != len(steps):
        raise InvalidInput(fields={"steps": [_("Thirty steps are the most, each once.")]})
    return steps


def _solutions(words: StandardWords) -> list[dict[str, str]]:
    rows = [
        {"title": " ".join(one.get("title", "").split())[:120], "body": one.get("body", "").strip()[:4000]}
        for one in words.solutions[:MOST_SOLUTIONS]
    ]
    return [row for row in rows if row["title"] and row["body"]]


@transaction.atomic
def tick_step(*, ticket_id: int, key: str, is_done: bool, actor: Actor, at: datetime) -> bool:
    """Tick a step of the ticket's standard, or untick it; return whether something changed. Raises NotFound."""
    ticket = lock_ticket(ticket_id)
    standard = standard_of(ticket)
    keys = [step["key"] for step in standard.steps] if standard else []
    if standard is None or key not in keys:
        raise NotFound
    rows = TicketStep.objects.filter(ticket=ticket, standard_version=standard, key=key)
    if is_done == rows.exists():
        return False
    if is_done:
        done_by = actor.id if actor.is_person else None
        TicketStep.objects.create(ticket=ticket, standard_version=standard, key=key, done_by_id=done_by, done_at=at)
    else:
        rows.delete()
    done = set(TicketStep.objects.filter(ticket=ticket, standard_version=standard).values_list("key", flat=True))
    fact = StepFact(standard.standard_id, standard.number, Code(key), is_last=done >= set(keys))
    kind = "ticket_step.done" if is_done else "ticket_step.undone"
    record(kind, subject=ticket, actor=actor, at=at, data=fact)
    announce_ticket(ticket)
    return True


def check_work_done(ticket: Ticket) -> None:
    """Refuse to resolve while required steps are open or departments owe answers. Raises StepsLeft, DepartmentsOwe."""
    if DepartmentTask.objects.filter(ticket=ticket, is_blocking=True, state__in=TASK_RUNNING).exists():
        raise DepartmentsOwe
    standard = standard_of(ticket) if ticket.category_id else None
    required = standard.required_keys() if standard else []
    if standard is None or not required:
        return
    done = set(TicketStep.objects.filter(ticket=ticket, standard_version=standard).values_list("key", flat=True))
    left = [step for step in standard.steps if step.get("is_required") and step["key"] not in done]
    if left:
        names = "；".join(step["title"] for step in left[:4])
        raise StepsLeft(_("Still to do before resolving: %(steps)s") % {"steps": names}, steps=len(left))
