"""Let archives go: when their day is over, when somebody is erased, when nobody writes them any more."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.core.files.storage import storages
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from core.live import announce
from tickets.archive_enums import ARCHIVE_TRANSITIONS, ArchiveState
from tickets.models import Archive

logger = logging.getLogger(__name__)
STUCK = timedelta(hours=6)
SETTLED = timedelta(minutes=10)
REMEMBERED = timedelta(days=90)


def drop_folder(archive: Archive) -> None:
    """Delete every file of an archive, those of a killed worker that no row names among them."""
    store = storages["attachments"]
    try:
        _folders, names = store.listdir(archive.folder)
    except FileNotFoundError:
        return
    for name in names:
        store.delete(f"{archive.folder}/{name}")


@transaction.atomic
def _end(archive_id: int, to: str, code: str, at: datetime) -> bool:
    archive = Archive.objects.select_for_update(no_key=True).get(pk=archive_id)
    if to not in ARCHIVE_TRANSITIONS[archive.state]:
        return False
    archive.state, archive.failure_code, archive.finished_at = to, code, archive.finished_at or at
    archive.version += 1
    archive.save(update_fields=["state", "failure_code", "finished_at", "version"])
    announce(f"archive.{archive.pk}", "archive", archive.pk, archive.version)
    transaction.on_commit(lambda: drop_folder(archive), robust=True)
    return True


def end_archive(*, archive_id: int, code: str, at: datetime) -> None:
    """Give an archive up that cannot be written to its end."""
    _end(archive_id, ArchiveState.FAILED, code, at)


def sweep_archives(*, at: datetime) -> int:
    """Delete archives whose day is over or that nobody writes any more; return how many."""
    over = Archive.objects.filter(state=ArchiveState.READY, expires_at__lte=at)
    stuck = Archive.objects.filter(state=ArchiveState.WRITING, touched_at__lt=at - STUCK)
    count = sum(_end(pk, ArchiveState.EXPIRED, "", at) for pk in list(over.values_list("pk", flat=True)))
    count += sum(_end(pk, ArchiveState.FAILED, "stuck", at) for pk in list(stuck.values_list("pk", flat=True)))
    ended = Archive.objects.exclude(state__in=[ArchiveState.WRITING, ArchiveState.READY]).filter(cleared_at=None)
    # Once more for each: a worker may have put a file there while its archive was called off.
    for archive in ended.filter(Q(touched_at__lt=at - SETTLED))[:500]:
        drop_folder(archive)
        Archive.objects.filter(pk=archive.pk).update(cleared_at=at, pieces=[])
    Archive.objects.exclude(cleared_at=None).filter(created_at__lt=at - REMEMBERED).delete()
    return count


def drop_archives(customer_id: int) -> int:
    """Throw every archive away that may still hold somebody who is erased; whoever asked may ask again."""
    now = timezone.now()
    held = Archive.objects.filter(state__in=[ArchiveState.WRITING, ArchiveState.READY])
    return sum(_end(pk, ArchiveState.EXPIRED, "erased", now) for pk in list(held.values_list("pk", flat=True)))
