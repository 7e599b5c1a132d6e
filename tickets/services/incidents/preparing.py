"""Prepare an update, send it on its way, hold it, go on, stop it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from core.actors import SYSTEM, Actor
from core.errors import InvalidInput, NotFound, StaleEdit, TransitionNotAllowed
from core.events import record
from core.jobs import schedule
from core.live import announce
from orders.incident_enums import INCIDENT_CLOSED, INCIDENT_OPEN, IncidentState
from orders.models import Incident
from orders.services.incidents import lock_incident, start_incident
from tickets.incident_enums import GOING_OUT, UPDATE_TRANSITIONS, NoticeState, Reason, UpdateState
from tickets.incident_errors import NobodyToTell, UpdateGoingOut, UpdateSentAlready
from tickets.incident_events import UpdateFact
from tickets.incident_words import LANGUAGES, MOST, unknown_variables
from tickets.models import IncidentNotice, IncidentUpdate

TELL_JOB = "tickets.tell_incident"
# One row for each person (joined records are one), with the newest affected order; whoever has one already keeps it.
_AUDIENCE = """
INSERT INTO tickets_incident_notice (update_id, customer_id, order_id, state, channel, reason)
SELECT DISTINCT ON (coalesce(c.merged_into_id, c.id))
       %s, coalesce(c.merged_into_id, c.id), a.order_id, 'waiting', '', ''
  FROM orders_affected_order a JOIN customers_customer c ON c.id = a.customer_id
 WHERE a.incident_id = %s AND a.removed_at IS NULL
 ORDER BY coalesce(c.merged_into_id, c.id), a.order_id DESC
ON CONFLICT (update_id, customer_id) DO NOTHING
"""


@transaction.atomic
def save_draft(
    *, incident_id: int, texts: dict[str, str], is_final: bool, version: int, actor: Actor, at: datetime
) -> IncidentUpdate:
    """Keep the prepared answer of an incident; `version` 0 = there was none.

    Raises NotFound, StaleEdit, InvalidInput, TransitionNotAllowed.
    """
    _lock_open(incident_id)
    texts = _checked(texts)
    draft = _draft_of(incident_id)
    if (draft.version if draft else 0) != version:
        raise StaleEdit
    if draft is None:
        draft = IncidentUpdate(incident_id=incident_id, version=0)
    draft.texts, draft.is_final = texts, is_final
    draft.version += 1
    draft.save()
    _announce(draft)
    return draft


@transaction.atomic
def send_update(*, incident_id: int, version: int, actor: Actor, at: datetime) -> IncidentUpdate:
    """Send the prepared answer to every customer of the incident, once each, in the background.

    An incident that was only declared is under way with it. Raises NotFound, TransitionNotAllowed, StaleEdit for a
    draft that changed meanwhile, UpdateSentAlready, UpdateGoingOut, NobodyToTell.
    """
    incident = _lock_open(incident_id)
    draft = _draft_of(incident_id)
    rows = IncidentUpdate.objects.filter(incident_id=incident_id)
    if draft is None:
        raise UpdateSentAlready
    if draft.version != version:
        raise StaleEdit
    if rows.filter(state__in=GOING_OUT).exists():
        raise UpdateGoingOut
    _move(draft, UpdateState.SENDING)
    draft.number = (rows.aggregate(last=Max("number"))["last"] or 0) + 1
    draft.sent_by_id, draft.sent_at = actor.id if actor.is_person else None, at
    draft.save()
    draft.audience = gather_audience(draft)
    if not draft.audience:
        raise NobodyToTell
    draft.save(update_fields=["audience"])
    _record("incident_update.sent", draft, actor, at)
    _owe(draft, at)
    if incident.state == IncidentState.DECLARED:
        start_incident(incident_id=incident_id, actor=actor, at=at)
    _announce(draft)
    return draft


def gather_audience(update: IncidentUpdate) -> int:
    """Give everybody affected, who has none yet, a copy of a stored update; return how many were added."""
    with connection.cursor() as cursor:
        cursor.execute(_AUDIENCE, [update.pk, update.incident_id])
        return cursor.rowcount


@transaction.atomic
def pause_update(*, incident_id: int, update_id: int, actor: Actor, at: datetime) -> IncidentUpdate:
    """Hold an update; at most the customer under work is still told. Raises NotFound, TransitionNotAllowed."""
    update = lock_update(incident_id, update_id)
    _move(update, UpdateState.PAUSED)
    _save(update, "incident_update.paused", actor, at)
    return update


@transaction.atomic
def continue_update(*, incident_id: int, update_id: int, actor: Actor, at: datetime) -> IncidentUpdate:
    """Go on with a held update. Raises NotFound, TransitionNotAllowed."""
    update = lock_update(incident_id, update_id)
    if update.state != UpdateState.PAUSED:
        raise TransitionNotAllowed(before=update.state, after=UpdateState.SENDING.value)
    _move(update, UpdateState.SENDING)
    update.turn += 1
    _owe(update, at)
    _save(update, "incident_update.continued", actor, at)
    return update


@transaction.atomic
def cancel_update(*, incident_id: int, update_id: int, actor: Actor, at: datetime) -> IncidentUpdate:
    """Stop an update for good; who was told stays told. Raises NotFound, TransitionNotAllowed."""
    update = lock_update(incident_id, update_id)
    _move(update, UpdateState.CANCELLED)
    update.finished_at = at
    waiting = IncidentNotice.objects.filter(update=update, state=NoticeState.WAITING)
    waiting.update(state=NoticeState.DROPPED, reason=Reason.CANCELLED)
    _save(update, "incident_update.stopped", actor, at)
    return update


@transaction.atomic
def finish_update(*, update_id: int, at: datetime) -> bool:
    """Close an update when nobody is left to anybody; return whether it is closed."""
    update = IncidentUpdate.objects.select_for_update(no_key=True).filter(pk=update_id).first()
    if update is None or update.state != UpdateState.SENDING:
        return True
    if IncidentNotice.objects.filter(update=update, state=NoticeState.WAITING).exists():  # another worker holds it
        return False
    _move(update, UpdateState.SENT)
    update.finished_at = at
    _save(update, "incident_update.finished", SYSTEM, at)
    return True


@transaction.atomic
def add_latecomers(*, incident_id: int, at: datetime) -> int:
    """Give customers who were found later a copy of the newest update; return how many. Nothing for a reviewed one."""
    incident = lock_incident(incident_id)
    if incident.state in INCIDENT_CLOSED:
        return 0
    rows = IncidentUpdate.objects.select_for_update(no_key=True).filter(incident_id=incident_id, number__isnull=False)
    update = rows.order_by("-number").first()
    if update is None or update.state == UpdateState.CANCELLED:
        return 0
    added = gather_audience(update)
    if not added:
        return 0
    update.audience += added
    if update.state == UpdateState.SENT:
        _move(update, UpdateState.SENDING)
        update.finished_at = None
        update.turn += 1
        _owe(update, at)
    update.version += 1
    update.save()
    _announce(update)
    return added


def lock_update(incident_id: int, update_id: int) -> IncidentUpdate:
    """Lock and return an update of an incident. Raises NotFound."""
    rows = IncidentUpdate.objects.select_for_update(no_key=True)
    update = rows.filter(pk=update_id, incident_id=incident_id).first()
    if update is None:
        raise NotFound
    return update


def owe_telling(update_id: int, turn: int, part: int, at: datetime) -> None:
    """Owe the next part of telling; call inside a transaction."""
    payload = {"update_id": update_id, "turn": turn, "part": part}
    schedule(TELL_JOB, key=f"{update_id}:{turn}:{part}", due_at=at, payload=payload)


def _owe(update: IncidentUpdate, at: datetime) -> None:
    owe_telling(update.pk, update.turn, 1, at)


def _lock_open(incident_id: int) -> Incident:
    incident = lock_incident(incident_id)
    if incident.state not in INCIDENT_OPEN:
        raise TransitionNotAllowed(_("The incident is over. Open it again to write to its customers."))
    return incident


def _draft_of(incident_id: int) -> IncidentUpdate | None:
    rows = IncidentUpdate.objects.select_for_update(no_key=True)
    return rows.filter(incident_id=incident_id, state=UpdateState.DRAFT).first()


def _move(update: IncidentUpdate, to: str) -> None:
    """Set the state of the locked row; the only reader of the transition table."""
    if to not in UPDATE_TRANSITIONS[update.state]:
        raise TransitionNotAllowed(before=update.state, after=str(to))
    update.state = to


def _save(update: IncidentUpdate, kind: str, actor: Actor, at: datetime) -> None:
    update.version += 1
    update.save(update_fields=["state", "turn", "finished_at", "version"])
    _record(kind, update, actor, at)
    _announce(update)


def _record(kind: str, update: IncidentUpdate, actor: Actor, at: datetime) -> None:
    counts = IncidentNotice.objects.filter(update=update).values_list("state", flat=True)
    told = unreachable = 0
    if kind != "incident_update.sent":
        told = counts.filter(state=NoticeState.TOLD).count()
        unreachable = counts.filter(state=NoticeState.UNREACHABLE).count()
    data = UpdateFact(
        update.incident_id, update.number or 0, update.audience, told, unreachable, is_final=update.is_final
    )
    record(kind, subject=update, actor=actor, at=at, data=data)


def _announce(update: IncidentUpdate) -> None:
    announce(f"incident.{update.incident_id}", "update", update.pk, update.version)


def _checked(texts: dict[str, str]) -> dict[str, str]:
    """Return the texts by language without blanks around. Raises InvalidInput."""
    kept = {name: texts.get(name, "").replace("\r\n", "\n").strip() for name in LANGUAGES}
    fields: dict[str, list[Any]] = {}
    if not kept["zh-hans"]:
        fields["text_zh"] = [_("Write the Chinese text; most customers read that one.")]
    for name, key in (("text_zh", "zh-hans"), ("text_en", "en")):
        if unknown := unknown_variables(kept[key]):
            fields[name] = [_("There is no variable {%(name)s}.") % {"name": unknown[0]}]
        elif len(kept[key]) > MOST:
            fields[name] = [_("This is longer than 4,000 characters.")]
    if fields:
        raise InvalidInput(fields=fields)
    return {name: text for name, text in kept.items() if text}
