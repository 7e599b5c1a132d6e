"""/ws/desk: the staff socket. It carries hints only; every byte of content comes through the normal views."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from core.live.hub import Listener, hub
from core.registry import CONSOLES, LIVE_GROUPS

logger = logging.getLogger(__name__)
SIGNED_OUT, TOO_MANY_STRIKES, TOO_SLOW = 4401, 4400, 4408
MAX_GROUPS, MAX_STRIKES, RECHECK_SECONDS = 60, 10, 15
_GROUP = re.compile(r"([a-z_]{1,24})(?:\.([0-9]{1,18}))?")


class DeskSocket(AsyncWebsocketConsumer):
    """One browser tab of a member of staff."""

    async def connect(self) -> None:
        """Accept a signed-in member of staff; close others with 4401 so that the page goes to sign-in."""
        self.listener = Listener()
        self.strikes = 0
        self.groups_joined: set[str] = set()
        self.checked_at = 0.0
        self.sender: asyncio.Task[None] | None = None
        await self.accept()
        if not await self._still_signed_in(force=True):
            await self.close(SIGNED_OUT)
            return
        hub().join(f"staff.{self.staff_id}", self.listener)
        self.sender = asyncio.create_task(self._pump())
        await self._say({"type": "hello", "heartbeat": 25})

    async def disconnect(self, code: int) -> None:
        """Forget the listener."""
        hub().leave(self.listener)
        if self.sender is not None:
            self.sender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.sender

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Answer one frame: subscribe or ping. Ten bad ones close the socket."""
        if not await self._still_signed_in():
            await self.close(SIGNED_OUT)
            return
        frame = _parse(text_data)
        kind = frame.get("type") if frame else None
        if kind == "ping":
            await self._say({"type": "pong"})
        elif kind == "subscribe" and frame is not None and isinstance(frame.get("groups"), list):
            await self._subscribe([str(name) for name in frame["groups"][:MAX_GROUPS]], _age(frame.get("age")))
        else:
            self.strikes += 1
            await self._say({"type": "error", "code": "bad_frame"})
            if self.strikes >= MAX_STRIKES:
                await self.close(TOO_MANY_STRIKES)

    async def _subscribe(self, names: list[str], age: float | None) -> None:
        allowed = await database_sync_to_async(self._allowed)(names)
        wanted = {f"staff.{self.staff_id}", *allowed}
        hub().leave(self.listener)
        for name in wanted:
            hub().join(name, self.listener)
        refused = [name for name in names if name not in allowed]
        if age is not None and (new := wanted - self.groups_joined):
            hub().catch_up(self.listener, new, age)
        self.groups_joined = wanted
        await self._say({"type": "subscribed", "groups": sorted(allowed)})
        if refused:
            await self._say({"type": "error", "code": "not_allowed", "count": len(refused)})

    def _allowed(self, names: list[str]) -> list[str]:
        from django.contrib.auth import get_user_model

        staff = get_user_model().objects.filter(pk=self.staff_id or 0, is_active=True).first()
        if staff is None:
            return []
        return [name for name in dict.fromkeys(names) if _may_listen(staff, name)]

    async def _still_signed_in(self, force: bool = False) -> bool:
        """Check the session at most every few seconds; a kill event forces it at once."""
        if not force and time.monotonic() - self.checked_at < RECHECK_SECONDS:
            return True
        self.checked_at = time.monotonic()
        key = _session_key(self.scope)
        self.staff_id = await database_sync_to_async(_hear)(key) if key else None
        return self.staff_id is not None

    async def _pump(self) -> None:
        try:
            while True:
                frame = await self.listener.queue.get()
                if self.listener.overflown:
                    self.listener.overflown = False
                    while not self.listener.queue.empty():
                        self.listener.queue.get_nowait()
                    frame = {"type": "resync"}
                if frame.get("event") == "signed_out" and not await self._still_signed_in(force=True):
                    await self.close(SIGNED_OUT)
                    return
                await asyncio.wait_for(self._say(frame), timeout=20)
        except TimeoutError:
            await self.close(TOO_SLOW)

    async def _say(self, frame: dict[str, Any]) -> None:
        await self.send(text_data=json.dumps(frame, separators=(",", ":")))


def _parse(text: str | None) -> dict[str, Any] | None:
    if not text or len(text) > 8192:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _age(value: Any) -> float | None:
    """Return how old the page says it is in seconds; None for no number."""
    return float(value) if isinstance(value, int | float) and 0 <= value < 10**9 else None


def _may_listen(staff: Any, name: str) -> bool:
    match = _GROUP.fullmatch(name)
    if match is None:
        return False
    prefix, number = match.group(1), match.group(2)
    if prefix == "staff":
        return number is not None and int(number) == staff.pk
    door = LIVE_GROUPS.get(prefix)
    return door is not None and bool(door(staff, int(number) if number else None))


def _session_key(scope: Any) -> str | None:
    from http.cookies import SimpleCookie

    from django.conf import settings

    for name, value in scope.get("headers", []):
        if name == b"cookie":
            morsel = SimpleCookie(value.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)
            return morsel.value if morsel else None
    return None


def _hear(key: str) -> int | None:
    """Return the signed-in staff id of a session, and tell whoever keeps count that a console of hers is open."""
    staff_id = _staff_of_session(key)
    if staff_id is not None:
        for name, heard in CONSOLES.items():
            try:
                heard(staff_id)
            except Exception:  # presence is a comfort: it must never cost anybody the socket
                logger.exception("live.console_failed name=%s", name)
    return staff_id


def _staff_of_session(key: str) -> int | None:
    """Return the signed-in staff id of a session, None when it is gone, stale or its owner may no longer sign in."""
    from importlib import import_module

    from django.conf import settings
    from django.contrib.auth import (
        BACKEND_SESSION_KEY,
        HASH_SESSION_KEY,
        SESSION_KEY,
        get_user_model,
    )

    from core.crypto import same

    store = import_module(settings.SESSION_ENGINE).SessionStore(key)
    if BACKEND_SESSION_KEY not in store:
        return None
    staff = get_user_model().objects.filter(pk=store.get(SESSION_KEY), is_active=True).first()
    if staff is None or not same(str(store.get(HASH_SESSION_KEY, "")), staff.get_session_auth_hash()):
        return None
    return int(staff.pk)
