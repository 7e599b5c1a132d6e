"""Steps of a migration that people take: bring the files, confirm what becomes of what, call it off."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import IO, Any

from django.core.files.base import File
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound, TooLarge
from core.jobs import schedule
from core.live import announce
from core.text import normalise
from orders.models import Shop
from orders.services.imports.reading import storage
from tickets.enums import Priority, TicketStatus
from tickets.migration_enums import MIGRATION_TRANSITIONS, MigrationState
from tickets.migration_errors import MigrationBusy
from tickets.models import CustomField, Migration, MigrationPerson, MigrationProblem
from tickets.services.migration.reading import kind_of_file

logger = logging.getLogger(__name__)
MOST_BYTES = 2 * 1024**3
MOST_FILES = 50
CHECK_JOB, RUN_JOB = "tickets.check_migration", "tickets.run_migration"
KEPT = timedelta(days=30)
_SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def lock_migration(migration_id: int) -> Migration:
    """Lock and return a migration. Raises NotFound."""
    rows = Migration.objects.select_for_update(no_key=True, of=("self",)).select_related("shop")
    migration = rows.filter(pk=migration_id).first()
    if migration is None:
        raise NotFound
    return migration


def move_migration(migration: Migration, to: str) -> None:
    """Move a migration on; the only place that assigns its state. Raises MigrationBusy."""
    if to not in MIGRATION_TRANSITIONS[migration.state]:
        raise MigrationBusy(state=str(migration.state), to=str(to))
    migration.state = to
    migration.version += 1
    announce(f"migration.{migration.pk}", "migration", migration.pk, migration.version)


def start_migration(
    *, source: str, shop_id: int | None, files: Sequence[tuple[str, IO[bytes]]], actor: Actor, at: datetime
) -> Migration:
    """Store the files of an export and have them read dry; nothing of it is taken in yet.

    `files` are (name, open file); users are read before tickets. `source` names the other desk: the same name again
    knows what came before. Raises InvalidInput, MigrationRefused, TooLarge, NotFound.
    """
    if not _SOURCE.fullmatch(source):
        raise InvalidInput(fields={"source": [_("Small Latin letters, digits and hyphens only.")]})
    if not files or len(files) > MOST_FILES:
        raise InvalidInput(fields={"files": [_("Choose one to fifty files.")]})
    if shop_id is not None and not Shop.objects.filter(pk=shop_id, is_active=True).exists():
        raise NotFound
    kept: list[dict[str, Any]] = []
    try:
        for name, file in sorted(files, key=lambda pair: ("user" not in pair[0].lower(), pair[0])):
            kept.append(_keep(name, file, at))
        return _add(source, shop_id, kept, actor, at)
    except DomainError:
        for one in kept:
            storage().delete(one["key"])
        raise


def _keep(name: str, file: IO[bytes], at: datetime) -> dict[str, Any]:
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    if size > MOST_BYTES:
        raise TooLarge(_("A file is larger than 2 GB. Split it and bring the parts."), code="file_too_large")
    kind = kind_of_file(file)
    file.seek(0)
    key = storage().save(f"migrations/{at:%Y%m}/{secrets.token_urlsafe(12)}.{kind}", File(file, name="upload"))
    return {"key": key, "name": normalise(PurePosixPath(name.replace("\\", "/")).name)[:200] or "export", "size": size}


@transaction.atomic
def _add(source: str, shop_id: int | None, files: list[dict[str, Any]], actor: Actor, at: datetime) -> Migration:
    migration = Migration.objects.create(
        source=source, shop_id=shop_id, files=files, started_by_id=actor.id if actor.is_person else None, created_at=at
    )
    schedule(CHECK_JOB, key=str(migration.pk), due_at=at, payload={"migration_id": migration.pk})
    logger.info("migration.opened id=%s files=%s", migration.pk, len(files))
    return migration


@transaction.atomic
def begin_migration(*, migration_id: int, mapping: dict[str, Any], actor: Actor, at: datetime) -> Migration:
    """Take in what was checked, each value as the mapping says. Raises InvalidInput, MigrationBusy."""
    migration = lock_migration(migration_id)
    migration.mapping = _checked(migration, mapping)
    move_migration(migration, MigrationState.RUNNING)
    migration.save()
    schedule(
        RUN_JOB, key=f"{migration.pk}:0", due_at=at, shard=f"migration:{migration.pk}",
        payload={"migration_id": migration.pk},
    )  # fmt: skip
    return migration


def _checked(migration: Migration, mapping: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping of known values only; what is not named stays as it was proposed."""
    known = migration.mapping
    fields = {"note", "", *CustomField.objects.filter(is_active=True).values_list("key", flat=True)}
    allowed: dict[str, set[Any]] = {
        "statuses": set(TicketStatus.values),
        "priorities": set(Priority.values),
        "fields": fields,
    }
    result = {"keep_tags": bool(mapping.get("keep_tags", known.get("keep_tags", True)))}
    for name, values in allowed.items():
        chosen = known.get(name, {}) | {k: v for k, v in mapping.get(name, {}).items() if k in known.get(name, {})}
        if not set(chosen.values()) <= values:
            raise InvalidInput(fields={name: [_("Choose one of the values in the list.")]})
        result[name] = chosen
    return result


@transaction.atomic
def cancel_migration(*, migration_id: int, actor: Actor, at: datetime) -> Migration:
    """Call a migration off; tickets that are in stay in, the files go. Raises MigrationBusy when it is over."""
    migration = lock_migration(migration_id)
    move_migration(migration, MigrationState.CANCELLED)
    migration.finished_at = at
    migration.save()
    MigrationPerson.objects.filter(migration=migration).delete()
    transaction.on_commit(lambda: drop_files(migration), robust=True)
    return migration


def drop_files(migration: Migration) -> None:
    """Delete a migration's files."""
    for file in migration.files:
        storage().delete(file["key"])


def sweep_migrations(*, at: datetime) -> int:
    """Clear away files and refused parts nobody needs any more; return how many migrations."""
    swept = 0
    idle = Migration.objects.filter(created_at__lt=at - KEPT).exclude(state=MigrationState.RUNNING)
    for migration in idle.exclude(files=[])[:100]:
        drop_files(migration)
        swept += 1
        with transaction.atomic():
            MigrationPerson.objects.filter(migration=migration).delete()
            MigrationProblem.objects.filter(migration=migration).delete()
            Migration.objects.filter(pk=migration.pk).update(files=[])
            Migration.objects.filter(
                pk=migration.pk, state__in=[MigrationState.CHECKING, MigrationState.CHECKED]
            ).update(state=MigrationState.CANCELLED, finished_at=at)
    return swept


def wipe_unfinished(migration: Migration) -> None:
    """Forget the people a finished migration named."""
    MigrationPerson.objects.filter(migration=migration).delete()
