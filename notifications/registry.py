"""Who wants to know when somebody stops or resumes a kind of message: apps above register here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class ContactChoice(Protocol):
    """Called inside the transaction with ids and codes only."""

    def __call__(self, *, customer_id: int, channel: str, purpose: str, is_allowed: bool, at: datetime) -> None:
        """Store the choice."""
        ...


UNSUBSCRIBE: list[Callable[..., None]] = []


def register_unsubscribe(function: ContactChoice) -> None:
    """Have `f(*, customer_id, channel, purpose, is_allowed, at)` called for each unsubscription or its undoing."""
    if function not in UNSUBSCRIBE:
        UNSUBSCRIBE.append(function)
