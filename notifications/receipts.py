"""What a provider tells, read: a receipt, and a customer's text message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Receipt:
    """One receipt: our reference and the provider's name for the message (either may be empty), and what became."""

    reference: str
    provider_ref: str
    is_good: bool
    code: str
    at: datetime


@dataclass(frozen=True)
class TextReply:
    """One text message of a customer; `name` is the provider's own id of it."""

    name: str
    phone: str
    text: str
    sent_at: datetime
