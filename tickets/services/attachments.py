"""Take files in: check, make safe, store, remember; and clean up what was never sent."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from core.errors import NotFound
from tickets.attachments.pictures import Picture, redraw
from tickets.attachments.sniff import safe_name, sniff
from tickets.attachments.store import all_files, new_key, put, remove, remove_paths
from tickets.errors import FileTooLarge, NoRoom
from tickets.models import Attachment, StoredBytes
from tickets.selectors.files import bytes_used

logger = logging.getLogger(__name__)
UNSENT_LIFE = timedelta(hours=24)
CHUNK = 64 * 1024
FOLD_AT = 500


def store_attachment(
    *,
    file: Any,
    name: str,
    ticket_id: int | None = None,
    uploaded_by: int | None = None,
    at: datetime,
    session_hash: bytes | None = None,
    content_id: str = "",
    is_inline: bool = False,
) -> Attachment:
    """Check a file by its content, redraw a picture, store it under a random key and return its row, not sent yet.

    `file` is anything with read(), or bytes. It belongs to the person who uploaded it for a ticket, or to an upload
    session. The bytes are stored before the row: what a crash leaves behind is swept.
    Raises FileRefused, FileTooLarge, NoRoom, StoreAway.
    """
    data = read_bounded(file)
    kind = sniff(data)
    picture = redraw(data, kind.mime) if kind.is_picture else None
    body = picture.data if picture else data
    check_quota(len(body))
    key, thumbnail_key = new_key(), new_key() if picture else ""
    try:
        put(key, body)
        if picture:
            put(thumbnail_key, picture.thumbnail)
        return _remember(
            key=key,
            thumbnail_key=thumbnail_key,
            name=safe_name(name, kind.kept_as),
            mime=kind.kept_as.mime,
            body=body,
            picture=picture,
            ticket_id=ticket_id,
            uploaded_by=uploaded_by,
            session_hash=session_hash,
            content_id=content_id[:255],
            is_inline=is_inline,
            created_at=at,
        )
    except BaseException:
        _remove_quietly([key, thumbnail_key])
        raise


@transaction.atomic
def _remember(*, body: bytes, picture: Picture | None, **fields: Any) -> Attachment:
    row = Attachment.objects.create(
        size=len(body),
        sha256=hashlib.sha256(body).digest(),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        **fields,
    )
    take_room()
    return row


def read_bounded(file: Any) -> bytes:
    """Return all bytes of a file, counting as they come. Raises FileTooLarge past the limit."""
    limit = settings.ATTACHMENT_MAX_BYTES
    data = bytearray(file) if isinstance(file, bytes | bytearray) else bytearray()
    if not data and not isinstance(file, bytes | bytearray):
        while chunk := file.read(CHUNK):
            data += chunk
            if len(data) > limit:
                break
    if len(data) > limit:
        megabytes = limit // (1024 * 1024)
        raise FileTooLarge(_("This file is larger than %(limit)s MB.") % {"limit": megabytes}, limit=limit)
    return bytes(data)


def check_quota(size: int) -> None:
    """Raise NoRoom when these bytes would pass the quota as it stands: a look before the store is asked to take them.

    Two uploads may both look and both see room; the one that counts is take_room, under its lock.
    """
    used = bytes_used()
    if used + size > settings.ATTACHMENT_QUOTA_BYTES:
        logger.error("attachments.quota_reached used=%s", used)
        raise NoRoom


@transaction.atomic
def take_room() -> None:
    """Raise NoRoom when the files written by this transaction pass the quota.

    One writer at a time until its commit, so that each sees what the others took. Taken after every other lock of the
    transaction, therefore it can be part of no deadlock.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('tickets.room'))")
    if StoredBytes.objects.count() > FOLD_AT:
        with connection.cursor() as cursor:
            cursor.execute(
                """WITH gone AS (DELETE FROM tickets_stored_bytes RETURNING delta)
                   INSERT INTO tickets_stored_bytes (delta) SELECT sum(delta) FROM gone HAVING sum(delta) <> 0"""
            )
    check_quota(0)


@transaction.atomic
def discard_attachment(
    *, attachment_id: int, uploaded_by: int | None = None, session_hash: bytes | None = None
) -> None:
    """Throw away a file that was not sent yet, by whoever uploaded it. Raises NotFound."""
    rows = Attachment.objects.select_for_update().filter(pk=attachment_id, message__isnull=True)
    rows = rows.filter(session_hash=session_hash) if session_hash else rows.filter(uploaded_by=uploaded_by)
    row = rows.first() if session_hash or uploaded_by else None
    if row is None:
        raise NotFound
    keys = [row.key, row.thumbnail_key]
    row.delete()
    transaction.on_commit(lambda: _remove_quietly(keys))


def sweep_unsent(*, now: datetime) -> int:
    """Drop rows never sent within a day, with their files; return how many."""
    unsent = Attachment.objects.filter(message__isnull=True, held__isnull=True)
    old = unsent.filter(created_at__lt=now - UNSENT_LIFE).order_by("pk")[:500]
    rows = list(old)
    for row in rows:
        with transaction.atomic():
            deleted, _by_model = Attachment.objects.filter(pk=row.pk, message__isnull=True, held__isnull=True).delete()
        if deleted:
            _remove_quietly([row.key, row.thumbnail_key])
    return len(rows)


def sweep_orphans(*, now: datetime) -> int:
    """Delete stored files that no row names and that are older than a day; return how many."""
    batch: dict[str, str] = {}
    count = 0
    for path, key, written_at in all_files():
        if written_at < now - UNSENT_LIFE:
            batch[path] = key
        if len(batch) == 500:
            count += _remove_unknown(batch)
            batch = {}
    return count + _remove_unknown(batch)


def _remove_unknown(files: dict[str, str]) -> int:
    keys = list(files.values())
    rows = Attachment.objects.filter(Q(key__in=keys) | Q(thumbnail_key__in=keys))
    known = {key for pair in rows.values_list("key", "thumbnail_key") for key in pair}
    return remove_paths(path for path, key in files.items() if key not in known)


def _remove_quietly(keys: Iterable[str]) -> None:
    try:
        remove(keys)
    except OSError as error:  # the sweep comes again; the row is gone already
        logger.warning("attachments.not_removed error=%s", type(error).__name__)
