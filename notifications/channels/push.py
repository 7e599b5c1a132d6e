"""The push adapter: one encrypted message to the push service of a browser (RFC 8030).

A push service knows no key of ours, but `Topic` has a second message take the place of the first while it waits there,
and the browser shows two of the same `tag` as one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from core import posting
from core.crypto import CannotDecrypt
from notifications.channels import Outcome, reference_of, webpush
from notifications.channels.reaching import outcome_of
from notifications.models import Delivery
from notifications.selectors.providers import push_account

_SECONDS = 8.0
_LONGEST = 28 * 24 * 3600
_USUAL = 24 * 3600
_WORDS = 300
_GONE = frozenset({404, 410})


@dataclass(frozen=True)
class PushAccount:
    """Our own key for push services (base64url) and the address they may write to about us (mailto: or https:)."""

    private_key: str
    subject: str


class PushAdapter:
    """Send by web push."""

    def send(self, delivery: Delivery) -> Outcome:
        """Encrypt and post; a subscription that ended is never tried again."""
        if not delivery.to:
            return Outcome(False, False, "erased")
        try:
            account = push_account()
        except CannotDecrypt:
            return Outcome(False, True, "key_missing")
        if account is None:
            return Outcome(False, False, "not_set_up")
        place, now = webpush.read_place(delivery.to), timezone.now()
        tag = reference_of(delivery)
        told = {
            "title": delivery.subject[:120], "body": delivery.text.strip()[:_WORDS],
            "url": delivery.params.get("url", ""), "tag": tag,
        }  # fmt: skip
        headers = {
            "Authorization": webpush.authorization(
                webpush.private_key(account.private_key), place.endpoint, account.subject, now=now
            ),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(_lives(delivery.expires_at, now)),
            "Topic": tag[:32],
            "Urgency": "normal",
        }
        body = webpush.encrypted(json.dumps(told, ensure_ascii=False).encode(), place)
        try:
            reply = posting.post(place.endpoint, body, headers, seconds=_SECONDS)
        except (posting.AddressRefused, posting.NotReached) as error:
            return outcome_of(error)
        return read_answer(reply.status)

    def find_out(self, delivery: Delivery) -> Outcome | None:
        """A push service cannot be asked; topic and tag make a second message take the place of the first."""
        return None


def read_answer(status: int) -> Outcome:
    """Return what a push service's answer means."""
    if status in {200, 201, 202}:
        return Outcome(True, code=f"push.{status}")
    is_transient = status in {408, 429} or status >= 500
    return Outcome(False, is_transient, f"push.{status}", status in _GONE, is_unknown=status >= 500)


def _lives(expires_at: datetime | None, now: datetime) -> int:
    left = int((expires_at - now).total_seconds()) if expires_at else _USUAL
    return max(60, min(left, _LONGEST))
