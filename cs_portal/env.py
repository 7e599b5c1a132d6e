"""Read the environment: the only module that does.

Every key has a type, a default or a reason why it must be given, and a sentence for the operator.
`bin/up` writes `var/secrets.env` and passes it on; docker-compose.yml sets the same keys.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent


class EnvironmentError_(RuntimeError):
    """A key is missing or cannot be read; the message says which and how to mend it."""


@dataclass(frozen=True)
class Key:
    """One environment key: its default (None = required) and what it is for."""

    name: str
    default: str | None
    help: str


KEYS: dict[str, Key] = {}


def _key(name: str, default: str | None, help: str) -> str:
    KEYS[name] = Key(name, default, help)
    value = os.environ.get(name, default)
    if value is None:
        raise EnvironmentError_(f"{name} is not set. {help}")
    return value


def text(name: str, default: str | None, help: str) -> str:
    """Read a string."""
    return _key(name, default, help).strip()


def flag(name: str, default: str | None, help: str) -> bool:
    """Read a yes/no value: 1, true, yes, on or 0, false, no, off."""
    value = text(name, default, help).lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"", "0", "false", "no", "off"}:
        return False
    raise EnvironmentError_(f"{name}={value!r} is neither yes nor no. {help}")


def number(name: str, default: str | None, help: str) -> int:
    """Read a whole number."""
    value = text(name, default, help)
    try:
        return int(value)
    except ValueError as error:
        raise EnvironmentError_(f"{name}={value!r} is not a whole number. {help}") from error


def words(name: str, default: str | None, help: str) -> list[str]:
    """Read a comma-separated list."""
    return [part.strip() for part in text(name, default, help).split(",") if part.strip()]


def path(name: str, default: str | None, help: str) -> Path:
    """Read a path; a relative one is relative to the checkout."""
    value = Path(text(name, default, help)).expanduser()
    return value if value.is_absolute() else ROOT / value


def keyring(name: str, default: str | None, help: str) -> dict[str, bytes]:
    """Read `id:base64,id:base64`; the first is used for writing, all for reading. Each key is 32 bytes."""
    ring: dict[str, bytes] = {}
    for part in words(name, default, help):
        key_id, _, encoded = part.partition(":")
        try:
            secret = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except ValueError as error:
            raise EnvironmentError_(f"{name}: key {key_id!r} is not base64. {help}") from error
        if len(secret) != 32 or not 0 < len(key_id) <= 8:
            raise EnvironmentError_(f"{name}: key {key_id!r} must have 32 bytes and an id of 1–8 characters. {help}")
        ring[key_id] = secret
    if not ring:
        raise EnvironmentError_(f"{name} holds no key. {help}")
    return ring


def database(url: str, *, pool: bool, statement_timeout_ms: int, prepares: bool = True) -> dict[str, Any]:
    """Turn a postgresql:// URL into Django's DATABASES entry, with the timeouts of docs/operations.md."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise EnvironmentError_("DATABASE_URL must start with postgresql://")
    flags = f"-c statement_timeout={statement_timeout_ms} -c lock_timeout=2000"
    flags += " -c idle_in_transaction_session_timeout=10000"
    options: dict[str, Any] = {"connect_timeout": 3}
    if prepares:  # for the statements of core.kept alone; all others are never prepared
        options["prepare_threshold"] = 0
        flags += " -c plan_cache_mode=force_generic_plan"  # else most of them are planned at every call
    options["options"] = flags
    if pool:
        options["pool"] = {
            "min_size": 1,
            "max_size": 8,
            "timeout": 5,
            "max_lifetime": 1800,
        }
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 0 if pool else 60,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": options,
        "TEST": {"NAME": unquote(parts.path.lstrip("/"))},
    }


def smtp(url: str) -> dict[str, Any]:
    """Turn smtp://user:password@host:port (smtps:// for TLS, ?starttls=1) into Django's e-mail settings."""
    parts = urlsplit(url)
    if parts.scheme not in {"smtp", "smtps"}:
        raise EnvironmentError_("SMTP_URL must start with smtp:// or smtps://")
    secure = parts.scheme == "smtps"
    return {
        "host": parts.hostname or "127.0.0.1",
        "port": parts.port or (465 if secure else 25),
        "username": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "use_ssl": secure,
        "use_tls": "starttls=1" in parts.query,
    }
