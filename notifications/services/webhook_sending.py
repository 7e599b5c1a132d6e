"""Send webhook messages: claim, post outside any transaction, write down what came back.

At least once: when the process dies between the receiver's 200 and our commit, the same message goes out again under
the same `webhook-id`. A subscription has a job, a shard and rests of its own, so a dead or slow receiver costs the
others next to nothing.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from standardwebhooks.webhooks import Webhook as Signer

from core import posting
from core.crypto import CannotDecrypt, decrypt
from core.jobs import schedule
from core.models import Job, JobState
from notifications.models import Webhook, WebhookSent, WebhookTry
from notifications.selectors.webhooks import due_webhooks
from notifications.services.webhook_stopping import stop_webhook
from notifications.webhook_enums import GIVE_UP, RESTS, RETRIES, WEBHOOK_SENT_MOVES, WebhookSentState, WebhookState

logger = logging.getLogger(__name__)
SEND = "notifications.send_webhooks"
HOLD = timedelta(seconds=30)
RUN_SECONDS, RUN_MOST = 8.0, 100
SLOW = 1.0  # seconds a message; a receiver slower than this works a fifth of the time at most
HEAD = 500
AGENT = "cs-portal-webhooks/1"


@dataclass(frozen=True)
class Came:
    """What came of a try: a code ("200", "timeout", …) and the beginnings of what was said."""

    code: str
    status: int | None
    milliseconds: int
    request_head: str
    answer_head: str = ""

    @property
    def is_taken(self) -> bool:
        """Say whether the receiver took the message."""
        return self.status is not None and 200 <= self.status < 300


def owe_due_webhooks(*, now: datetime) -> int:
    """Owe a job to each subscription with something to send; returns how many. One at a time for each."""
    made = 0
    for webhook in due_webhooks(now).only("pk", "wave")[:500]:
        made += _owe(webhook, now)
    return made


@transaction.atomic
def _owe(webhook: Webhook, now: datetime) -> bool:
    key = f"{webhook.pk}:{webhook.wave}"
    payload = {"webhook_id": webhook.pk, "wave": webhook.wave}
    if schedule(SEND, key=key, shard=f"webhook:{webhook.pk}", due_at=now, payload=payload):
        return True
    state = Job.objects.filter(name=SEND, key=key).values_list("state", flat=True).first()
    if state not in {JobState.READY, JobState.RUNNING}:  # its job came to nothing: begin again with the next
        Webhook.objects.filter(pk=webhook.pk, wave=webhook.wave).update(wave=F("wave") + 1)
    return False


def send_webhooks(*, webhook_id: int, wave: int) -> None:
    """Send what is due for one subscription, for some seconds; it stops at the first failure. Never raises for that."""
    begun, count = time.monotonic(), 0
    while count < RUN_MOST and (spent := time.monotonic() - begun) < RUN_SECONDS:
        sent = claim_message(webhook_id=webhook_id, at=timezone.now())
        if sent is None:
            break
        count += 1
        came = transmit(sent)
        settle_message(sent_id=sent.pk, number=sent.attempts, came=came, at=timezone.now())
        if not came.is_taken:
            break
    spent = time.monotonic() - begun
    rest = timedelta(seconds=4 * spent) if count and spent / count > SLOW else None
    end_wave(webhook_id=webhook_id, wave=wave, rest=rest, at=timezone.now())


@transaction.atomic
def end_wave(*, webhook_id: int, wave: int, rest: timedelta | None, at: datetime) -> None:
    """Let the next job begin; a slow receiver is left alone for a while first."""
    rows = Webhook.objects.filter(pk=webhook_id, wave=wave)
    if rest is not None:
        later = at + rest
        rows.filter(Q(rest_until__isnull=True) | Q(rest_until__lt=later)).update(rest_until=later)
    rows.update(wave=F("wave") + 1)


@transaction.atomic
def claim_message(*, webhook_id: int, at: datetime, sent_id: int | None = None) -> WebhookSent | None:
    """Take the next due message (or the named one) for a try, which is counted here; None when there is none.

    While it is held no other worker takes it; one whose worker died is free after half a minute.
    """
    rows = WebhookSent.objects.filter(
        Q(held_until__isnull=True) | Q(held_until__lte=at),
        webhook_id=webhook_id,
        webhook__state=WebhookState.ACTIVE,
        state=WebhookSentState.QUEUED,
    )
    rows = rows.filter(pk=sent_id) if sent_id else rows.filter(next_try_at__lte=at)
    locked = rows.select_related("webhook").select_for_update(skip_locked=True, of=("self",), no_key=True)
    for sent in locked.order_by("next_try_at", "pk")[:20]:
        if sent.tries_left == 0:  # its worker was lost in the last try
            _end(sent, WebhookSentState.FAILED, "interrupted", at)
            continue
        sent.attempts += 1
        sent.tries_left -= 1
        sent.held_until = at + HOLD
        sent.save(update_fields=["attempts", "tries_left", "held_until"])
        return sent
    return None


def transmit(sent: WebhookSent) -> Came:
    """Post a message now; not in a transaction. No redirect is followed, and nothing inside one's own network asked."""
    begun, head = time.monotonic(), ""
    try:
        headers = signed_headers(sent, timezone.now())
        head = "\n".join(f"{name}: {value}" for name, value in headers.items() if name != "webhook-signature")
        reply = posting.post(sent.webhook.url, sent.body.encode(), headers, seconds=posting.SECONDS)
    except CannotDecrypt:
        return Came("key_missing", None, 0, head)
    except posting.EncryptionNeeded:
        return Came("needs_https", None, _since(begun), head)
    except posting.AddressRefused:
        return Came("address_refused", None, _since(begun), head)
    except posting.NotReached:
        spent = _since(begun)
        return Came("too_slow" if spent >= posting.SECONDS * 1000 else "not_reached", None, spent, head)
    return Came(str(reply.status), reply.status, _since(begun), head, _answer_head(reply))


def signed_headers(sent: WebhookSent, at: datetime) -> dict[str, str]:
    """Return the headers of a try, signed with the secret, and for a day after a rotation with the old one, too."""
    webhook, secrets = sent.webhook, [decrypt(sent.webhook.secret_enc)]
    if webhook.old_secret_enc is not None and webhook.old_secret_until and at < webhook.old_secret_until:
        secrets.append(decrypt(webhook.old_secret_enc))
    return {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "webhook-id": sent.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(secret).sign(sent.message_id, at, sent.body) for secret in secrets),
    }


@transaction.atomic
def settle_message(*, sent_id: int, number: int, came: Came, at: datetime) -> WebhookSent | None:
    """Write a try down: taken, to be tried again, or given up; a receiver that failed for days is switched off."""
    owners = WebhookSent.objects.filter(pk=sent_id).values("webhook_id")
    webhook = Webhook.objects.select_for_update(no_key=True).filter(pk__in=owners).first()
    sent = WebhookSent.objects.select_for_update(no_key=True).filter(pk=sent_id).first()
    if webhook is None or sent is None:  # deleted meanwhile
        return None
    WebhookTry.objects.create(
        sent=sent, number=number, at=at, milliseconds=came.milliseconds, status=came.status, code=came.code[:40],
        request_head=came.request_head, answer_head=came.answer_head,
    )  # fmt: skip
    if sent.state != WebhookSentState.QUEUED:  # another worker's try, after ours was held too long
        return sent
    is_mine = sent.attempts == number
    if came.is_taken:
        _end(sent, WebhookSentState.SENT, came.code, at)
    elif is_mine and (sent.event_id is None or sent.tries_left == 0):
        _end(sent, WebhookSentState.FAILED, came.code, at)
    elif is_mine:
        wait = RETRIES[len(RETRIES) - sent.tries_left]  # ten tries, nine waits: after the first nine are left
        sent.next_try_at, sent.held_until, sent.last_code = at + wait, None, came.code[:40]
        sent.save(update_fields=["next_try_at", "held_until", "last_code"])
    if came.is_taken or sent.event_id is not None:  # a test that fails says nothing about the messages
        _note(webhook, came, at)
    return sent


def _end(sent: WebhookSent, state: WebhookSentState, code: str, at: datetime) -> None:
    assert state in WEBHOOK_SENT_MOVES[sent.state]
    sent.state, sent.last_code = state, code[:40]
    sent.next_try_at, sent.held_until, sent.done_at = None, None, at
    sent.save(update_fields=["state", "last_code", "next_try_at", "held_until", "done_at"])


def _note(webhook: Webhook, came: Came, at: datetime) -> None:
    """Keep how the receiver does: rests that grow with failures in a row, the end after three days of them."""
    webhook.last_code = came.code[:40]
    if came.is_taken:
        webhook.failures, webhook.failing_since, webhook.rest_until, webhook.last_ok_at = 0, None, None, at
    else:
        webhook.failures += 1
        webhook.failing_since = webhook.failing_since or at
        webhook.rest_until = at + RESTS[min(webhook.failures, len(RESTS)) - 1]
    webhook.save(update_fields=["last_code", "failures", "failing_since", "rest_until", "last_ok_at"])
    if webhook.state != WebhookState.ACTIVE or came.is_taken:
        return
    if came.status == 410:
        stop_webhook(webhook, cause="gone", at=at)
    elif webhook.failing_since is not None and at - webhook.failing_since >= GIVE_UP:
        stop_webhook(webhook, cause="failing", at=at)


def _since(begun: float) -> int:
    return int((time.monotonic() - begun) * 1000)


def _answer_head(reply: posting.Reply) -> str:
    text = reply.body[: HEAD * 4].decode("utf-8", "replace")[:HEAD]
    clean = "".join(char if char.isprintable() or char == "\n" else " " for char in text)
    kind = "".join(char for char in reply.headers.get("content-type", "")[:100] if char.isprintable())
    return "\n".join(filter(None, (f"content-type: {kind}" if kind else "", clean)))
