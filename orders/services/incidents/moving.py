"""Bring an incident under way, to its end, and to its review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, TransitionNotAllowed
from core.events import Code, record
from core.jobs import schedule
from orders.incident_enums import INCIDENT_TRANSITIONS, IncidentState
from orders.incident_events import IncidentReviewed, IncidentStep
from orders.models import FoundCluster, Incident
from orders.services.incidents.declaring import incident_url, lock_incident, save_incident

REVIEW_JOB = "orders.incident_review_due"
REVIEW_WITHIN = timedelta(days=3)
SETTLE_JOB = "orders.settle_incident"


@dataclass(frozen=True)
class Review:
    """What is written after an incident; `cost` is an estimate, None = not known."""

    what: str
    cause: str
    helped: str
    changes: str
    cost: Decimal | None = None
    currency: str = "CNY"


def move(incident: Incident, to: str) -> str:
    """Set the state of the locked row and return the one before; the only reader of the transition table."""
    before = str(incident.state)
    if to not in INCIDENT_TRANSITIONS[before]:
        raise TransitionNotAllowed(before=before, after=str(to))
    incident.state = to
    return before


@transaction.atomic
def start_incident(*, incident_id: int, actor: Actor, at: datetime) -> Incident:
    """Say that somebody works on it; one under way stays so. Raises NotFound, TransitionNotAllowed."""
    incident = lock_incident(incident_id)
    if incident.state == IncidentState.UNDER_WAY:
        return incident
    if incident.state != IncidentState.DECLARED:  # an ended one is opened again, by its own name
        raise TransitionNotAllowed(before=incident.state, after=IncidentState.UNDER_WAY.value)
    before = move(incident, IncidentState.UNDER_WAY)
    incident.started_at = at
    save_incident(incident, "state", "started_at")
    _record("incident.started", incident, before, actor, at)
    return incident


@transaction.atomic
def end_incident(
    *, incident_id: int, is_told: bool, reason: str, actor: Actor, at: datetime, version: int | None = None
) -> Incident:
    """End an incident whose customers were told so (`is_told`), or for a `reason` in words.

    After commit: a review is due in three days, and of one the system found the exceptions are closed together.
    Raises NotFound, StaleEdit, InvalidInput, TransitionNotAllowed.
    """
    incident = lock_incident(incident_id, version=version)
    before = move(incident, IncidentState.OVER)
    reason = " ".join(reason.split())[:400]
    if not is_told and not reason:
        words = _("Send a last update first, or say why customers need none.")
        raise InvalidInput(words, fields={"reason": [words]})
    incident.over_at, incident.over_reason = at, reason
    incident.round += 1
    save_incident(incident, "state", "over_at", "over_reason", "round")
    _record("incident.ended", incident, before, actor, at)
    if FoundCluster.objects.filter(incident=incident, ended_at=None).update(ended_at=at):
        payload = {"incident_id": incident.pk, "after": 0}
        schedule(SETTLE_JOB, key=f"{incident.pk}:{incident.round}", due_at=at, payload=payload)
    schedule(
        REVIEW_JOB,
        key=f"{incident.pk}:{incident.round}",
        due_at=at + REVIEW_WITHIN,
        payload={"incident_id": incident.pk, "round": incident.round},
    )
    return incident


@transaction.atomic
def reopen_incident(*, incident_id: int, actor: Actor, at: datetime, version: int | None = None) -> Incident:
    """Say that it flares up again before it was reviewed. Raises NotFound, StaleEdit, TransitionNotAllowed."""
    incident = lock_incident(incident_id, version=version)
    if incident.state != IncidentState.OVER:
        raise TransitionNotAllowed(before=incident.state, after=IncidentState.UNDER_WAY.value)
    before = move(incident, IncidentState.UNDER_WAY)
    incident.started_at = incident.started_at or at
    incident.over_at, incident.over_reason = None, ""
    save_incident(incident, "state", "started_at", "over_at", "over_reason")
    _record("incident.reopened", incident, before, actor, at)
    return incident


@transaction.atomic
def review_incident(*, incident_id: int, review: Review, actor: Actor, at: datetime, version: int) -> Incident:
    """Keep the review of an incident that is over. Raises NotFound, StaleEdit, InvalidInput, TransitionNotAllowed."""
    incident = lock_incident(incident_id, version=version)
    words = {name: str(getattr(review, name)).strip()[:4000] for name in ("what", "cause", "helped", "changes")}
    fields: dict[str, list] = {name: [_("Write a sentence at least.")] for name, text in words.items() if not text}
    if review.cost is not None and review.cost < 0:
        fields["cost"] = [_("An amount cannot be negative.")]
    if fields:
        raise InvalidInput(fields=fields)
    move(incident, IncidentState.REVIEWED)
    for name, text in words.items():
        setattr(incident, f"review_{name}", text)
    incident.cost, incident.currency = review.cost, review.currency
    incident.reviewed_at, incident.reviewed_by_id = at, actor.id if actor.is_person else None
    saved = [*(f"review_{name}" for name in words), "cost", "currency", "reviewed_at", "reviewed_by"]
    save_incident(incident, "state", *saved)
    data = IncidentReviewed(review.cost, Code(review.currency))
    record("incident.reviewed", subject=incident, actor=actor, at=at, data=data)
    return incident


@transaction.atomic
def remind_of_review(*, incident_id: int, round_: int, at: datetime) -> bool:
    """Remind the owner of a review that is still missing after this ending; return whether it was."""
    incident = Incident.objects.select_for_update(no_key=True).filter(pk=incident_id).first()
    if incident is None or incident.state != IncidentState.OVER or incident.round != round_:
        return False
    params = {"incident_id": incident.pk}
    notify(staff_id=incident.owner_id, kind="incident.review_due", params=params, url=incident_url(incident.pk), at=at)
    return True


def _record(kind: str, incident: Incident, before: str, actor: Actor, at: datetime) -> None:
    seconds = max(0, int((at - incident.declared_at).total_seconds()))
    record(kind, subject=incident, actor=actor, at=at, data=IncidentStep(Code(before), seconds))
