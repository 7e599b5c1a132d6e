"""How a message leaves: one adapter for each channel that is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from notifications.errors import NoChannel
from notifications.models import Delivery


@dataclass(frozen=True)
class Outcome:
    """What the other side said. `code` is a short machine word; `is_bad_address`: never try this address again."""

    is_accepted: bool
    is_transient: bool = False
    code: str = ""
    is_bad_address: bool = False


class Adapter(Protocol):
    """Sends one message over the network; never called inside a transaction."""

    def send(self, delivery: Delivery) -> Outcome:
        """Hand the message over and report what was said. Must not raise for what the other side does."""
        ...


ADAPTERS: dict[str, Adapter] = {}


def register_adapter(channel: str, adapter: Adapter) -> None:
    """Set a channel up."""
    ADAPTERS[str(channel)] = adapter


def adapter_for(channel: str) -> Adapter:
    """Return the adapter of a channel. Raises NoChannel."""
    try:
        return ADAPTERS[str(channel)]
    except KeyError:
        raise NoChannel(channel=str(channel)) from None
