"""Declare an incident and correct what was said of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, has
from accounts.services import notify
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit, TransitionNotAllowed
from core.events import Code, record
from core.live import announce
from orders.incident_enums import INCIDENT_CLOSED, IncidentKind, IncidentSeverity
from orders.incident_events import IncidentChanged, IncidentDeclared
from orders.models import Incident, Shop


@dataclass(frozen=True)
class IncidentDraft:
    """What is said of an incident; `shop_ids` empty = every shop."""

    title: str
    kind: str
    owner_id: int
    what: str = ""
    severity: int = IncidentSeverity.MAJOR
    shop_ids: list[int] = field(default_factory=list)


@transaction.atomic
def declare_incident(*, draft: IncidentDraft, actor: Actor, at: datetime, client_id: UUID | None = None) -> Incident:
    """Declare that something went wrong for many orders; the same `client_id` twice is one.

    Raises InvalidInput, and Conflict for somebody else's `client_id`. After commit: the owner hears of it, lists look
    again.
    """
    values = _checked(draft)
    by = actor.id if actor.is_person else None
    try:
        with transaction.atomic():
            incident = Incident.objects.create(**values, declared_by_id=by, declared_at=at, client_id=client_id)
    except IntegrityError:  # the form was sent twice
        known = Incident.objects.filter(client_id=client_id, declared_by_id=by).first() if client_id else None
        if known is not None:
            return known
        if client_id and Incident.objects.filter(client_id=client_id).exists():
            raise Conflict from None  # somebody else's form
        raise
    data = IncidentDeclared(
        Code(incident.kind), incident.severity, incident.owner_id, tuple(incident.shop_ids)
    )  # fmt: skip
    record("incident.declared", subject=incident, actor=actor, at=at, data=data)
    _tell_owner(incident, actor, at)
    announce_incident(incident)
    return incident


@transaction.atomic
def change_incident(*, incident_id: int, draft: IncidentDraft, actor: Actor, at: datetime, version: int) -> Incident:
    """Correct what was said of an incident that is not reviewed yet.

    Its shops only grow narrower or wider for later searches. Raises NotFound, StaleEdit, InvalidInput,
    TransitionNotAllowed.
    """
    incident = lock_incident(incident_id, version=version)
    if incident.state in INCIDENT_CLOSED:
        raise TransitionNotAllowed
    values = _checked(draft)
    fields = [name for name, value in values.items() if getattr(incident, name) != value]
    if not fields:
        return incident
    for name in fields:
        setattr(incident, name, values[name])
    save_incident(incident, *fields)
    data = IncidentChanged(tuple(Code(name) for name in fields))
    record("incident.changed", subject=incident, actor=actor, at=at, data=data)
    if "owner_id" in fields:
        _tell_owner(incident, actor, at)
    return incident


def lock_incident(incident_id: int, *, version: int | None = None) -> Incident:
    """Lock and return an incident. Raises NotFound, and StaleEdit when it is not at `version` any more."""
    incident = Incident.objects.select_for_update(no_key=True).filter(pk=incident_id).first()
    if incident is None:
        raise NotFound
    if version is not None and incident.version != version:
        raise StaleEdit
    return incident


def save_incident(incident: Incident, *fields: str) -> None:
    """Write fields of the locked row with its next version, and have pages look again after commit."""
    incident.version += 1
    incident.save(update_fields=[*fields, "version"])
    announce_incident(incident)


def announce_incident(incident: Incident) -> None:
    """After commit, have the incident's page and the list look again."""
    announce(f"incident.{incident.pk}", "incident", incident.pk, incident.version)
    announce("incident", "incident", incident.pk, incident.version)


def incident_url(incident_id: int) -> str:
    """Return the path of an incident's page."""
    return reverse("orders:incident", args=[incident_id])


def _checked(draft: IncidentDraft) -> dict[str, Any]:
    fields: dict[str, list[Any]] = {}
    title, what = " ".join(draft.title.split()), draft.what.strip()
    if not title or len(title) > 120:
        fields["title"] = [_("Say in a few words what happened.")]
    if draft.kind not in IncidentKind.values:
        fields["kind"] = [_("Choose a kind.")]
    if draft.severity not in IncidentSeverity.values:
        fields["severity"] = [_("Choose how bad it is.")]
    owner = Staff.objects.filter(pk=draft.owner_id, is_active=True).first()
    if owner is None or not has(owner, Permission.INCIDENT_VIEW):
        fields["owner"] = [_("Choose a colleague who sees incidents.")]
    shops = sorted(set(draft.shop_ids))
    if Shop.objects.filter(pk__in=shops).count() != len(shops):
        fields["shops"] = [_("One of the shops is not there any more.")]
    if fields:
        raise InvalidInput(fields=fields)
    return {
        "title": title, "what": what[:4000], "kind": str(draft.kind), "severity": int(draft.severity),
        "owner_id": draft.owner_id, "shop_ids": shops,
    }  # fmt: skip


def _tell_owner(incident: Incident, actor: Actor, at: datetime) -> None:
    if actor.is_person and actor.id == incident.owner_id:
        return
    params = {"incident_id": incident.pk}
    notify(staff_id=incident.owner_id, kind="incident.yours", params=params, url=incident_url(incident.pk), at=at)
