"""Answer a repeated request with the answer it got before: the Idempotency-Key header of the API.

The row that claims the key is written in the same transaction as the work, so the work and the memory of it commit or
vanish together. Two requests with one key at the same time: the second waits on the unique key until the first has
committed (and then gets its answer) or rolled back (and then does the work itself).
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from rest_framework.utils.encoders import JSONEncoder

from core.errors import Conflict, InvalidInput
from core.models import IdempotentReply

logger = logging.getLogger(__name__)
TRIES = 3
GIVE_WAY = frozenset({"40P01", "40001"})  # deadlock_detected, serialization_failure
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Reply:
    """An answer: HTTP status and JSON body; `is_repeat` when it was given before."""

    status: int
    body: Any
    is_repeat: bool = False


def read_key(request: HttpRequest, *, required: bool = False) -> str:
    """Return the Idempotency-Key of a request, "" without one. Raises InvalidInput."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key and not required:
        return ""
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            fields={"Idempotency-Key": [_("Send a header Idempotency-Key of 1 to 255 visible ASCII characters.")]}
        )
    return key


def answer_once(*, scope: str, key: str, request_data: Any, work: Callable[[], tuple[int, Any]]) -> Reply:
    """Do `work` and keep its (status, body), or return what was kept for the same scope, key and request data.

    `scope` names the caller and the door (`api.7.orders`), `request_data` is the parsed body. Without a key the work is
    simply done. A DomainError in the work rolls everything back and keeps nothing, so the caller may try again.
    Doors lock several orders each in its own order: whoever is chosen to give way in a deadlock begins again, so `work`
    must not keep anything outside the database. Raises Conflict (code `idempotency_key_reused`) when the key came with
    other data before.
    """
    for _again in range(TRIES - 1):
        try:
            return _answer(scope, key, request_data, work)
        except OperationalError as error:
            if connection.in_atomic_block or getattr(error.__cause__, "sqlstate", None) not in GIVE_WAY:
                raise
            logger.warning("request.gave_way scope=%s", scope)
    return _answer(scope, key, request_data, work)


def _answer(scope: str, key: str, request_data: Any, work: Callable[[], tuple[int, Any]]) -> Reply:
    if not key:
        with transaction.atomic():
            return Reply(*work())
    digest = hashlib.sha256(json.dumps(request_data, sort_keys=True, cls=JSONEncoder).encode()).digest()
    with transaction.atomic():
        if not _claim(scope, key, digest):
            return _kept(scope, key, digest)
        status, body = work()
        stored = json.loads(json.dumps(body, cls=JSONEncoder))
        IdempotentReply.objects.filter(scope=scope, key=key).update(status=status, body=stored)
        return Reply(status, stored)


def _claim(scope: str, key: str, digest: bytes) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotent_reply (scope, key, request_hash) VALUES (%s, %s, %s)"
            " ON CONFLICT (scope, key) DO NOTHING",
            [scope, key, digest],
        )
        return cursor.rowcount == 1


def _kept(scope: str, key: str, digest: bytes) -> Reply:
    row = IdempotentReply.objects.filter(scope=scope, key=key).first()
    if row is None or row.status is None:  # swept between the claim and this look: the caller may simply send it again
        raise Conflict(_("The same request is being worked on. Send it again in a moment."), code="request_in_progress")
    if bytes(row.request_hash) != digest:
        raise Conflict(
            _("This idempotency key was used before with other content. Use a new key for a new request."),
            code="idempotency_key_reused",
        )
    return Reply(row.status, row.body, is_repeat=True)
