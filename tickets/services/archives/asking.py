"""What people do with an archive: ask for it, call it off, fetch it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.files.storage import storages
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Staff
from accounts.permissions import Permission, require, scope_key
from accounts.services import record_access
from core.actors import Actor
from core.crypto import sign, verify
from core.errors import NotFound
from core.events import Code, record
from core.jobs import schedule
from core.live import announce
from tickets.archive_enums import ARCHIVE_TRANSITIONS, ArchiveState
from tickets.archive_errors import ArchiveBusy, ArchiveGone
from tickets.archive_events import ArchiveAsked
from tickets.archive_zip import Packed, stream_zip, zip_size
from tickets.models import Archive
from tickets.services.archives.clearing import drop_folder

logger = logging.getLogger(__name__)
WRITE_JOB = "tickets.write_archive"
KEPT = timedelta(hours=24)
LINK = "archive"
NEEDED = (
    Permission.ARCHIVE_EXPORT, Permission.TICKET_VIEW, Permission.ORDER_VIEW, Permission.CUSTOMER_VIEW,
    Permission.PII_REVEAL,
)  # fmt: skip
PERSONAL_FIELDS = ("name", "phone", "email", "street", "text", "note")


@dataclass(frozen=True)
class Wish:
    """What somebody wants to take out; None means all shops, from the beginning, until now."""

    press: UUID
    archive_format: str
    shop_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def scope_of(staff: Staff) -> list[Any]:
    """Return what decides which rows a person sees, as JSON."""
    return [list(part) if isinstance(part, tuple) else part for part in scope_key(staff)]


def lock_archive(archive_id: int) -> Archive:
    """Lock and return an archive. Raises NotFound."""
    archive = Archive.objects.select_for_update(no_key=True).filter(pk=archive_id).first()
    if archive is None:
        raise NotFound
    return archive


def move_archive(archive: Archive, to: str, *, at: datetime) -> None:
    """Move an archive on; the only place that assigns its state. Raises ArchiveBusy."""
    if to not in ARCHIVE_TRANSITIONS[archive.state]:
        raise ArchiveBusy(state=str(archive.state), to=str(to))
    archive.state = to
    archive.version += 1
    if to != ArchiveState.READY:
        transaction.on_commit(lambda: drop_folder(archive), robust=True)
    archive.finished_at = archive.finished_at or at
    announce(f"archive.{archive.pk}", "archive", archive.pk, archive.version)


def ask_archive(*, wish: Wish, staff: Staff, at: datetime) -> Archive:
    """Have an archive written; the same wish again is the same archive.

    Raises NotAllowed, and ArchiveBusy while another one of this person is being written.
    """
    for permission in NEEDED:
        require(staff, permission)
    try:
        return _ask(wish, staff, at)
    except IntegrityError:  # a second press at the same moment: one of the two made it
        again = Archive.objects.filter(asked_by=staff, press=wish.press).first() or _like(wish, staff)
        if again is None:
            raise ArchiveBusy from None
        return again


def _like(wish: Wish, staff: Staff) -> Archive | None:
    same = {"archive_format": wish.archive_format, "shop_id": wish.shop_id, "since": wish.since, "until": wish.until}
    return Archive.objects.filter(asked_by=staff, state=ArchiveState.WRITING, **same).first()


@transaction.atomic
def _ask(wish: Wish, staff: Staff, at: datetime) -> Archive:
    archive = Archive.objects.create(
        asked_by=staff, press=wish.press, archive_format=wish.archive_format, shop_id=wish.shop_id, since=wish.since,
        until=wish.until, scope=scope_of(staff), folder=f"passing/archives/{secrets.token_hex(20)}", created_at=at,
        touched_at=at,
    )  # fmt: skip
    asked = ArchiveAsked(Code(archive.archive_format), archive.since, archive.until)
    record("archive.asked", subject=archive, actor=Actor.staff(staff), at=at, data=asked)
    schedule(WRITE_JOB, key=f"{archive.pk}:0", due_at=at, payload={"archive_id": archive.pk})
    logger.info("archive.asked id=%s staff=%s", archive.pk, staff.pk)
    return archive


@transaction.atomic
def cancel_archive(*, archive_id: int, staff: Staff, at: datetime) -> Archive:
    """Call an archive off, or throw a ready one away; its files go. Raises NotFound, ArchiveBusy."""
    archive = lock_archive(archive_id)
    if archive.asked_by_id != staff.pk:
        raise NotFound
    move_archive(archive, ArchiveState.CANCELLED, at=at)
    archive.save(update_fields=["state", "version", "finished_at"])
    return archive


def fetch_key(archive: Archive) -> str:
    """Return the signed key of a download link: for this archive, this person, until it expires."""
    return sign([archive.pk, archive.asked_by_id, archive.folder[-8:]], LINK)


def fetch_archive(
    *, archive_id: int, key: str, staff: Staff, at: datetime, ip: str | None
) -> tuple[Archive, Iterator[bytes], int]:
    """Return an archive, its zip in parts, and how many bytes it has; who fetched it is written down first.

    Raises NotFound for another person's archive or a key that is not ours, ArchiveGone when it is over or the person
    sees other rows by now, NotAllowed without the rights.
    """
    for permission in NEEDED:
        require(staff, permission)
    told = verify(key, LINK, max_age=KEPT + timedelta(hours=1))
    archive = Archive.objects.filter(pk=archive_id, asked_by=staff).first()
    if archive is None or told != [archive.pk, staff.pk, archive.folder[-8:]]:
        raise NotFound
    _require_fetchable(archive, staff, at)
    files = [Packed(**piece) for piece in archive.pieces]
    finished = timezone.localtime(archive.finished_at)
    _note_fetch(archive, staff, at, ip)
    parts = stream_zip(files, storages["attachments"].open, at=finished)
    return archive, parts, zip_size(files, at=finished)


def _require_fetchable(archive: Archive, staff: Staff, at: datetime) -> None:
    is_over = archive.expires_at is None or archive.expires_at <= at
    if archive.state != ArchiveState.READY or is_over or archive.scope != scope_of(staff):
        raise ArchiveGone


@transaction.atomic
def _note_fetch(archive: Archive, staff: Staff, at: datetime, ip: str | None) -> None:
    locked = lock_archive(archive.pk)
    _require_fetchable(locked, staff, at)
    locked.fetched_count += 1
    locked.save(update_fields=["fetched_count"])
    record_access(
        actor=Actor.staff(staff), subject_type="ticket_archive", subject_id=archive.pk, fields=PERSONAL_FIELDS,
        purpose="export: archive (unmasked)", at=at, ip=ip,
    )  # fmt: skip
