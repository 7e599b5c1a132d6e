"""The answer that is prepared for a standstill the system found; a person reads it, then sends it or not."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from core.actors import SYSTEM
from core.errors import StaleEdit, TransitionNotAllowed
from orders.services.incidents import lock_incident
from tickets.incident_words import FOUND_TEXTS
from tickets.models import IncidentUpdate
from tickets.services.incidents.preparing import save_draft


def prepare_for_finding(*, incident_id: int, at: datetime) -> bool:
    """Prepare the answer once, in both languages; return whether it was. One a person wrote meanwhile stays."""
    try:
        with transaction.atomic():
            lock_incident(incident_id)
            if IncidentUpdate.objects.filter(incident_id=incident_id).exists():
                return False
            save_draft(
                incident_id=incident_id, texts=FOUND_TEXTS, is_final=False, version=0, actor=SYSTEM, at=at
            )  # fmt: skip
    except (IntegrityError, StaleEdit, TransitionNotAllowed):  # somebody was faster, or it is dismissed already
        return False
    return True
