"""Secrets of an installation: made once, kept in var/secrets.env, readable by its owner only."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from cs_portal.runtime.faults import StartError


def _fresh() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(48),
        "FIELD_KEYS": "k1:" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "INDEX_KEY": secrets.token_urlsafe(32),
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        "VALKEY_PASSWORD": secrets.token_urlsafe(24),
    }


def read_env(path: Path) -> dict[str, str]:
    """Read KEY=value lines; raises StartError for a line that is neither that, empty nor a comment."""
    values: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            name, equals, value = line.partition("=")
            if not equals:
                raise StartError(f"{path}, line {number}: expected NAME=value")
            values[name.strip()] = value.strip()
    return values


def write_env(path: Path, values: Mapping[str, str], comment: str) -> None:
    """Write KEY=value lines for the owner's eyes only, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half_written = path.with_name(path.name + ".part")
    half_written.unlink(missing_ok=True)
    descriptor = os.open(half_written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as target:
        target.write(f"# {comment}\n" + "".join(f"{name}={value}\n" for name, value in values.items()))
        target.flush()
        os.fsync(target.fileno())
    half_written.replace(path)


def ensure_secrets(var: Path) -> dict[str, str]:
    """Return the secrets, made on the first start; a key a newer version needs is added.

    Raises StartError when there is a database but no secrets: nothing could open it.
    """
    path = var / "secrets.env"
    known = read_env(path) if path.exists() else {}
    if not known and (var / "postgres" / "PG_VERSION").exists():
        raise StartError(
            f"{path} is missing, so the database in {var / 'postgres'} cannot be opened. "
            "Put the file back from a backup, or start anew: bin/up --reset"
        )
    whole = {**_fresh(), **known}
    if whole != known:
        write_env(path, whole, "Keys of this installation. Keep a copy: without them encrypted data is lost.")
    return whole


def adopt_running(environ: MutableMapping[str, str], var: Path) -> bool:
    """Give a command typed by hand the environment of the running bin/up, unless it has its own; True when given."""
    path = var / "run.env"
    if "SECRET_KEY" in environ or not path.exists():
        return False
    for name, value in read_env(path).items():
        environ.setdefault(name, value)
    return True
