"""The link that stops a kind of message: signed, without an address in it, good until it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse

from core.crypto import sign, verify
from core.errors import NotFound

PURPOSE = "unsubscribe"


@dataclass(frozen=True)
class StopRequest:
    """Whose messages of which purpose on which channel are to stop."""

    address_index: bytes
    channel: str
    purpose: str
    customer_id: int | None


def unsubscribe_url(delivery: Any) -> str:
    """Return the link for a message that is being queued."""
    payload = {
        "a": bytes(delivery.to_index).hex(),
        "c": str(delivery.channel),
        "p": str(delivery.purpose),
        "u": delivery.customer_id,
    }
    return urljoin(settings.PUBLIC_URL, reverse("notifications:unsubscribe", args=[sign(payload, PURPOSE)]))


def read_stop_request(token: str) -> StopRequest:
    """Return what a link asks for. Raises NotFound when it is not ours."""
    payload = verify(token, PURPOSE)
    try:
        return StopRequest(bytes.fromhex(payload["a"]), str(payload["c"]), str(payload["p"]), payload["u"])
    except (KeyError, TypeError, ValueError):
        raise NotFound from None
