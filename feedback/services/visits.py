"""Make a follow-up visit: take it, try, write down what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.events import Code, record
from core.jobs import schedule
from feedback.enums import Outcome, SkipReason, VisitState
from feedback.errors import VisitDone, VisitTaken
from feedback.events import VisitAnswered, VisitAttempted, VisitSkipped
from feedback.models import Visit, VisitAttempt
from feedback.services.dimensions import announce_visit, move_visit, visit_dimensions
from feedback.services.planning import DUE_JOB

HELD_FOR = timedelta(minutes=30)
FURTHEST_TRY = timedelta(days=30)
AGAIN = frozenset({Outcome.NO_ANSWER, Outcome.CALL_BACK})
_ENDS = {
    Outcome.ANSWERED: VisitState.ANSWERED,
    Outcome.WRONG_NUMBER: VisitState.UNREACHABLE,
    Outcome.DECLINED: VisitState.DECLINED,
}


@dataclass(frozen=True)
class Attempt:
    """What came of one attempt; `next_try_at` for no answer and call back, `satisfaction` 1–5 for answered."""

    outcome: str
    note: str = ""
    satisfaction: int | None = None
    next_try_at: datetime | None = None


def is_held(visit: Visit, staff_id: int, at: datetime) -> bool:
    """Tell whether a colleague took the visit within the last half hour."""
    if visit.agent_id is None or visit.agent_id == staff_id or visit.claimed_at is None:
        return False
    return visit.claimed_at > at - HELD_FOR


def _lock_open(visit_id: int, staff_id: int, at: datetime) -> Visit:
    visit = (
        Visit.objects.select_for_update(no_key=True, of=("self",)).select_related("plan").filter(pk=visit_id).first()
    )
    if visit is None:
        raise NotFound
    if visit.done_at is not None:
        raise VisitDone
    if is_held(visit, staff_id, at):
        raise VisitTaken
    return visit


@transaction.atomic
def claim_visit(*, visit_id: int, staff_id: int, at: datetime) -> Visit:
    """Take a visit for half an hour so that no colleague calls at the same time. Raises VisitTaken, VisitDone."""
    visit = _lock_open(visit_id, staff_id, at)
    visit.agent_id = staff_id
    visit.claimed_at = at
    visit.version += 1
    visit.save(update_fields=["agent_id", "claimed_at", "version"])
    announce_visit(visit)
    return visit


@transaction.atomic
def release_visit(*, visit_id: int, staff_id: int, at: datetime) -> Visit:
    """Give a visit back to the list. Raises VisitTaken when it is a colleague's, VisitDone."""
    visit = _lock_open(visit_id, staff_id, at)
    visit.agent_id = None
    visit.claimed_at = None
    visit.version += 1
    visit.save(update_fields=["agent_id", "claimed_at", "version"])
    announce_visit(visit)
    return visit


@transaction.atomic
def record_attempt(*, visit_id: int, attempt: Attempt, version: int, staff_id: int, at: datetime) -> Visit:
    """Write down an attempt and move the visit on; the last one allowed without an answer ends it as not reached.

    Raises NotFound, VisitTaken, VisitDone, StaleEdit, InvalidInput. After commit: lists look again; a satisfaction of 1
    or 2 opens a ticket by its reaction.
    """
    visit = _lock_open(visit_id, staff_id, at)
    if visit.version != version:
        raise StaleEdit
    next_try_at = _check(visit, attempt, at)
    visit.attempts += 1
    is_last = attempt.outcome in AGAIN and visit.attempts >= visit.plan.max_attempts
    if is_last:
        next_try_at = None
    row = VisitAttempt(
        visit=visit,
        number=visit.attempts,
        outcome=attempt.outcome,
        channel=visit.channel,
        agent_id=staff_id,
        note=attempt.note,
        next_try_at=next_try_at,
        at=at,
    )
    row.save(force_insert=True)
    _settle(visit, attempt, staff_id, next_try_at, at)
    _record(visit, attempt, next_try_at, Actor.staff(staff_id), at)
    announce_visit(visit)
    return visit


def _check(visit: Visit, attempt: Attempt, at: datetime) -> datetime | None:
    fields: dict[str, list[Any]] = {}
    if attempt.outcome not in Outcome.values:
        fields["outcome"] = [_("Say what came of it.")]
    if attempt.outcome == Outcome.ANSWERED and attempt.satisfaction not in {1, 2, 3, 4, 5}:
        fields["satisfaction"] = [_("How satisfied is the customer, from 1 to 5?")]
    wanted = attempt.next_try_at
    if attempt.outcome in AGAIN and visit.attempts + 1 < visit.plan.max_attempts:
        if wanted is None:
            fields["next_try_at"] = [_("When shall we try again?")]
        elif not at < wanted <= at + FURTHEST_TRY:
            fields["next_try_at"] = [_("Choose a time within the next 30 days.")]
    if fields:
        raise InvalidInput(fields=fields)
    return wanted if attempt.outcome in AGAIN else None


def _settle(visit: Visit, attempt: Attempt, staff_id: int, next_try_at: datetime | None, at: datetime) -> None:
    if next_try_at is not None:
        move_visit(visit, VisitState.ATTEMPTED)
        visit.show_at = next_try_at
        visit.claimed_at = None
        schedule(DUE_JOB, key=f"{visit.pk}:{visit.attempts}", due_at=next_try_at, payload={"visit_id": visit.pk})
    else:
        move_visit(visit, _ENDS.get(Outcome(attempt.outcome), VisitState.UNREACHABLE))
        visit.done_at = at
    visit.agent_id = staff_id
    visit.outcome = attempt.outcome
    visit.satisfaction = attempt.satisfaction if attempt.outcome == Outcome.ANSWERED else None
    if attempt.note:
        visit.note = attempt.note
    visit.version += 1
    visit.save(
        update_fields=[
            "state", "show_at", "claimed_at", "done_at", "agent_id", "outcome", "satisfaction", "note", "attempts",
            "version",
        ]
    )  # fmt: skip


def _record(visit: Visit, attempt: Attempt, next_try_at: datetime | None, actor: Actor, at: datetime) -> None:
    if visit.state == VisitState.ANSWERED:
        done = VisitAnswered(**visit_dimensions(visit), satisfaction=visit.satisfaction, attempt=visit.attempts)
        record("visit.answered", subject=visit, actor=actor, at=at, data=done)
        return
    tried = VisitAttempted(
        **visit_dimensions(visit), outcome=Code(attempt.outcome), attempt=visit.attempts, next_try_at=next_try_at
    )
    record("visit.attempted", subject=visit, actor=actor, at=at, data=tried)


@transaction.atomic
def skip_visit(*, visit_id: int, why: str, version: int, staff_id: int, at: datetime) -> Visit:
    """End a visit without an attempt and say why. Raises NotFound, VisitTaken, VisitDone, StaleEdit, InvalidInput."""
    visit = _lock_open(visit_id, staff_id, at)
    if visit.version != version:
        raise StaleEdit
    if why not in SkipReason.values:
        raise InvalidInput(fields={"why": [_("Say why the visit is not made.")]})
    move_visit(visit, VisitState.SKIPPED)
    visit.skip_reason = why
    visit.agent_id = staff_id
    visit.done_at = at
    visit.version += 1
    visit.save(update_fields=["state", "skip_reason", "agent_id", "done_at", "version"])
    data = VisitSkipped(**visit_dimensions(visit), why=Code(why))
    record("visit.skipped", subject=visit, actor=Actor.staff(staff_id), at=at, data=data)
    announce_visit(visit)
    return visit
