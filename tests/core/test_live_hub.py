"""The hub on a real bus: what went out while a page was on its way to the socket is not lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import redis
from django.conf import settings

from core.live.announce import publish
from core.live.hub import Hub, Listener


def on_a_hub(scene: Callable[[Hub], Awaitable[None]]) -> None:
    """Play a scene on a hub of its own, in a thread of its own: a browser's loop may run in this one."""
    failed: list[BaseException] = []

    async def play() -> None:
        hub = Hub()
        try:
            await scene(hub)
        finally:
            if hub.task is not None:
                hub.task.cancel()
                with suppress(asyncio.CancelledError):
                    await hub.task

    def run() -> None:
        try:
            asyncio.run(play())
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.01)


async def heard(hub: Hub, group: str, version: int) -> None:
    """Let a hint go over the bus while somebody else keeps the hub awake."""
    hub.join("board", Listener())
    await until(lambda: hub.hears_since is not None)
    await asyncio.to_thread(publish, group, "ticket", 5, version)
    await until(lambda: any(frame["version"] == version for _at, frame in hub.recent))


def frames(listener: Listener) -> list[dict[str, Any]]:
    return [listener.queue.get_nowait() for _ in range(listener.queue.qsize())]


def test_a_hint_sent_before_the_page_listened_comes_late() -> None:
    async def scene(hub: Hub) -> None:
        await heard(hub, "ticket.5", 3)
        assert hub.hears_since is not None
        hub.hears_since -= 30  # it has listened for long
        page, other, younger = Listener(), Listener(), Listener()
        for listener in (page, other, younger):
            hub.join("ticket.5", listener)
        hub.catch_up(page, {"ticket.5"}, age=5.0)
        hub.catch_up(other, {"ticket.6", "tickets"}, age=5.0)
        hub.catch_up(younger, {"ticket.5"}, age=0.0)
        (told,) = frames(page)
        assert (told["type"], told["group"], told["version"]) == ("event", "ticket.5", 3)
        assert frames(other) == frames(younger) == []

    on_a_hub(scene)


def test_whoever_comes_before_the_hub_hears_anything_looks_again_once_it_does() -> None:
    async def scene(hub: Hub) -> None:
        page, quiet = Listener(), Listener()
        hub.join("tickets", page)
        hub.join("tickets", quiet)
        hub.catch_up(page, {"tickets"}, age=2.0)
        assert frames(page) == []
        await until(lambda: hub.hears_since is not None)
        assert frames(page) == [{"type": "resync"}]
        assert frames(quiet) == []

    on_a_hub(scene)


def test_whoever_listened_while_the_line_was_cut_looks_again() -> None:
    async def scene(hub: Hub) -> None:
        def lines() -> set[str]:
            return {line["id"] for line in bus.client_list(_type="pubsub")}

        bus = redis.Redis.from_url(settings.LAYER_URL)
        others, page = lines(), Listener()
        hub.join("ticket.5", page)
        await until(lambda: hub.hears_since is not None)
        hub.catch_up(page, {"ticket.5"}, age=0.0)
        assert frames(page) == []
        (line,) = lines() - others
        bus.client_kill_filter(_id=line)
        await until(lambda: not page.queue.empty())
        assert frames(page) == [{"type": "resync"}]
        await asyncio.to_thread(publish, "ticket.5", "ticket", 5, 9)
        await until(lambda: not page.queue.empty())
        assert frames(page)[0]["version"] == 9

    on_a_hub(scene)


def test_what_is_older_than_the_memory_is_looked_at_again() -> None:
    async def scene(hub: Hub) -> None:
        await heard(hub, "ticket.5", 4)
        page = Listener()
        hub.join("ticket.5", page)
        hub.catch_up(page, {"ticket.5"}, age=3600.0)
        assert frames(page) == [{"type": "resync"}]

    on_a_hub(scene)
