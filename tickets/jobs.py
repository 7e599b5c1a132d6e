"""Work of the tickets app that is due later or outside a request: thin leaves over the services."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM, Actor
from core.crypto import hash_token, random_token
from core.errors import DomainError
from core.jobs import RetryLater, RunningJob, job, periodic, schedule
from core.text import normalise_email
from notifications.models import InboundMail
from notifications.selectors import get_parsed_mail
from notifications.services import ignore_mail, quarantine_mail
from tickets.attachments.store import remove
from tickets.errors import StoreAway
from tickets.services import close_resolved_ticket, store_attachment
from tickets.services.attachments import sweep_orphans, sweep_unsent
from tickets.services.bulk import BULK_JOB, go_on_by_job, retire_runs
from tickets.services.categories import MOVE_JOB, move_tickets
from tickets.services.erasing import ERASE_FILES
from tickets.services.handing_over import hand_over_tickets
from tickets.services.mail_in import StoredFiles, take_mail, with_whole_text
from tickets.services.moving import CLOSE_JOB
from tickets.services.undo_send import RELEASE_JOB, release_held

logger = logging.getLogger(__name__)
APPLY_MAIL = "tickets.apply_mail"
HAND_OVER = "tickets.hand_over_part"
MAX_MAIL_FILES = 10


@job(CLOSE_JOB)
def close_resolved(*, job: RunningJob, ticket_id: int, round: int) -> None:
    """Close a ticket that stayed resolved for the policy's days."""
    close_resolved_ticket(ticket_id=ticket_id, round_=round, at=timezone.now())


@job(RELEASE_JOB)
def release_held_message(*, job: RunningJob, held_id: int, version: int) -> None:
    """Send an answer whose time to take it back is over, or whose planned time has come."""
    release_held(held_id=held_id, version=version, at=timezone.now())


@job(MOVE_JOB)
def move_category(*, job: RunningJob, category_id: int, to_id: int, staff_id: int | None, part: int) -> None:
    """Give a hundred tickets of a rested category their new one, then owe the next hundred."""
    now = timezone.now()
    actor = Actor("staff", staff_id) if staff_id else SYSTEM
    if move_tickets(category_id=category_id, to_id=to_id, actor=actor, at=now):
        payload = {"category_id": category_id, "to_id": to_id, "staff_id": staff_id, "part": part + 1}
        schedule(MOVE_JOB, key=f"{job.key.rpartition(':')[0]}:{part + 1}", due_at=now, payload=payload)


@job(APPLY_MAIL, outside=True, max_attempts=6)
def apply_mail(*, job: RunningJob, inbound_id: int) -> None:
    """Store a mail's files, then put it into its ticket; run again it changes nothing more."""
    inbound = InboundMail.objects.filter(pk=inbound_id, state="received", kind="message").first()
    if inbound is None:
        logger.info("tickets.mail_not_taken", extra={"inbound_id": inbound_id})
        return
    mail = with_whole_text(get_parsed_mail(inbound_id))
    now = timezone.now()
    if normalise_email(mail.from_address) is None:  # nobody to answer: a person looks at it
        quarantine_mail(inbound_id=inbound_id, reason="no_sender", at=now)
        return
    if take_mail(inbound_id=inbound_id, mail=mail, files=_store_files(mail), at=now) is None:
        ignore_mail(inbound_id=inbound_id, reason="own_address", at=now)


def _store_files(mail: Any) -> StoredFiles:
    session = hash_token(random_token())
    ids, refused = [], []
    for file in list(mail.attachments)[:MAX_MAIL_FILES]:
        try:
            row = store_attachment(
                file=file.content,
                name=file.name or "",
                at=timezone.now(),
                session_hash=session,
                content_id=file.content_id or "",
                is_inline=file.is_inline,
            )
        except StoreAway as away:  # the mail waits rather than lose its files
            raise RetryLater("store_away") from away
        except DomainError as error:
            refused.append((file.name or "", str(error)))
        else:
            ids.append(row.pk)
    refused += [(file.name or "", "") for file in list(mail.attachments)[MAX_MAIL_FILES:]]
    return StoredFiles(tuple(ids), session, tuple(refused))


@job(HAND_OVER)
def hand_over(*, job: RunningJob, staff_id: int, successor_id: int | None, team_id: int | None, part: int) -> None:
    """Hand over a hundred tickets, then owe the next hundred."""
    now = timezone.now()
    if hand_over_tickets(staff_id=staff_id, successor_id=successor_id, successor_team_id=team_id, at=now):
        payload = {"staff_id": staff_id, "successor_id": successor_id, "team_id": team_id, "part": part + 1}
        base = job.key.rpartition(":")[0]
        schedule(HAND_OVER, key=f"{base}:{part + 1}", due_at=now, payload=payload)


@job(ERASE_FILES, outside=True, max_attempts=12)
def erase_files(*, job: RunningJob, keys: list[str]) -> None:
    """Delete the files of an erased customer from the store."""
    remove(keys)


@periodic("tickets.sweep_files", every=timedelta(hours=6), fill=False, outside=True)
def sweep_files(*, period_start: datetime) -> None:
    """Drop files that were uploaded and never sent, and files no row knows."""
    now = timezone.now()
    logger.info("attachments.swept unsent=%s orphans=%s", sweep_unsent(now=now), sweep_orphans(now=now))


from tickets import routing_jobs  # noqa: E402, F401 - jobs of the same app, found with these


@job(BULK_JOB, outside=True, max_attempts=6)
def run_bulk(*, job: RunningJob, run_id: int, turn: str, part: int) -> None:
    """Change some more of the chosen tickets, each in its own transaction, then owe the rest."""
    go_on_by_job(run_id=run_id, turn=turn, part=part)


@periodic("tickets.retire_bulk_runs", every=timedelta(hours=6), fill=False, outside=True)
def retire_bulk_runs(*, period_start: datetime) -> None:
    """Forget bulk changes a week after they were ordered."""
    while retire_runs(before=timezone.now() - timedelta(days=7)):
        pass


from tickets import clock_jobs  # noqa: E402, F401 - the clocks' own work
