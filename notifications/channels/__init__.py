"""How a message leaves: one adapter for each channel that is set up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.crypto import same, short_mac
from notifications.errors import NoChannel
from notifications.models import Delivery


@dataclass(frozen=True)
class Outcome:
    """What the other side said. `code` is a short machine word; `is_bad_address`: never try this address again.

    `is_unknown`: it was handed over and nothing was heard, so it may have been taken; `reference` is the other side's
    name for the message; `is_arrived`: it reached its recipient already.
    """

    is_accepted: bool
    is_transient: bool = False
    code: str = ""
    is_bad_address: bool = False
    is_unknown: bool = False
    reference: str = ""
    is_arrived: bool = False


class Adapter(Protocol):
    """Sends one message over the network; never called inside a transaction."""

    def send(self, delivery: Delivery) -> Outcome:
        """Hand the message over and report what was said. Must not raise for what the other side does."""
        ...

    def find_out(self, delivery: Delivery) -> Outcome | None:
        """Ask what became of an earlier try; None when the other side knows nothing of it or cannot be asked."""
        ...


def reference_of(delivery: Delivery) -> str:
    """Return how we name a message to a provider: the same over all tries, and not to be guessed."""
    return f"{delivery.pk}x{short_mac(str(delivery.pk), 'delivery.reference')}"


def read_reference(reference: str) -> int | None:
    """Return the message a reference names, None for one that is not ours."""
    number, _x, proof = reference.partition("x")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        return None
    return int(number) if same(proof, short_mac(number, "delivery.reference")) else None


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
