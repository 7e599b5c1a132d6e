"""Subscriptions of outgoing webhooks: made, changed, paused, tried out, their secrets rotated, messages replayed."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core import posting
from core.actors import Actor
from core.crypto import encrypt
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, StaleEdit, TransitionNotAllowed
from core.events import Code, record
from notifications.models import Webhook, WebhookSent
from notifications.services.webhook_feed import new_message_id
from notifications.services.webhook_sending import claim_message, settle_message, transmit
from notifications.webhook_enums import PING, WEBHOOK_MOVES, WEBHOOK_SENT_MOVES, WebhookSentState, WebhookState
from notifications.webhook_events import WebhookSaved
from notifications.webhook_kinds import WEBHOOK_KINDS, ping_body

BOTH_FOR = timedelta(days=1)
MOST = 50
REPLAY_MOST = 5000
TRIES = 10
EDITED = ("name", "url", "kinds", "shop_ids")


@dataclass(frozen=True)
class WebhookDraft:
    """What a person fills in; no shops means all of them."""

    name: str
    url: str
    kinds: tuple[str, ...]
    shop_ids: tuple[int, ...] = ()


@transaction.atomic
def create_webhook(*, draft: WebhookDraft, actor: Actor, at: datetime) -> tuple[Webhook, str]:
    """Make a subscription; returns it and its secret, which is not shown again.

    Raises InvalidInput, Conflict when there are too many, NotAllowed when nobody in person answers for it.
    """
    if not actor.is_person or actor.id is None:
        raise NotAllowed
    if Webhook.objects.count() >= MOST:
        raise Conflict(_("There are fifty webhooks already. Delete one that nobody needs."))
    _check(draft)
    secret = _new_secret()
    webhook = Webhook(secret_enc=encrypt(secret), owner_id=actor.id, active_since=at)
    _fill(webhook, draft)
    webhook.save(force_insert=True)
    record("webhook.added", subject=webhook, actor=actor, at=at, data=WebhookSaved())
    return webhook, secret


@transaction.atomic
def edit_webhook(*, webhook_id: int, version: int, draft: WebhookDraft, actor: Actor, at: datetime) -> Webhook:
    """Save a subscription that still has `version`. Raises NotFound, InvalidInput, StaleEdit."""
    webhook = _lock(webhook_id)
    _check(draft)
    theirs = {name: getattr(webhook, name) for name in EDITED}
    _fill(webhook, draft)
    changed = [name for name in EDITED if getattr(webhook, name) != theirs[name]]
    if webhook.version != version:
        raise StaleEdit(
            changes=[{"field": name, "yours": getattr(webhook, name), "theirs": theirs[name]} for name in changed]
        )
    if changed:
        webhook.version += 1
        webhook.save(update_fields=[*EDITED, "version"])
        fields = tuple(Code(name) for name in changed)
        record("webhook.changed", subject=webhook, actor=actor, at=at, data=WebhookSaved(fields))
    return webhook


@transaction.atomic
def pause_webhook(*, webhook_id: int, actor: Actor, at: datetime) -> Webhook:
    """Send nothing more for now; what happens meanwhile is not told later. Raises NotFound, TransitionNotAllowed."""
    webhook = _lock(webhook_id)
    _move(webhook, WebhookState.PAUSED)
    webhook.save(update_fields=["state", "version"])
    record("webhook.paused", subject=webhook, actor=actor, at=at)
    return webhook


@transaction.atomic
def resume_webhook(*, webhook_id: int, actor: Actor, at: datetime) -> Webhook:
    """Tell of what happens from now on; messages that were waiting go out. Raises NotFound, TransitionNotAllowed."""
    webhook = _lock(webhook_id)
    _move(webhook, WebhookState.ACTIVE)
    webhook.active_since, webhook.failures, webhook.failing_since, webhook.rest_until = at, 0, None, None
    webhook.save(update_fields=["state", "version", "active_since", "failures", "failing_since", "rest_until"])
    record("webhook.resumed", subject=webhook, actor=actor, at=at)
    return webhook


@transaction.atomic
def delete_webhook(*, webhook_id: int, actor: Actor, at: datetime) -> None:
    """Delete a subscription with its messages. Raises NotFound."""
    webhook = _lock(webhook_id)
    record("webhook.deleted", subject=webhook, actor=actor, at=at)
    webhook.delete()


@transaction.atomic
def rotate_secret(*, webhook_id: int, actor: Actor, at: datetime) -> tuple[Webhook, str]:
    """Make a new secret, shown once; for a day messages carry the signatures of both. Raises NotFound."""
    webhook, secret = _lock(webhook_id), _new_secret()
    webhook.old_secret_enc, webhook.old_secret_until = webhook.secret_enc, at + BOTH_FOR
    webhook.secret_enc = encrypt(secret)
    webhook.version += 1
    webhook.save(update_fields=["old_secret_enc", "old_secret_until", "secret_enc", "version"])
    record("webhook.secret_rotated", subject=webhook, actor=actor, at=at)
    return webhook, secret


def try_webhook(*, webhook_id: int, at: datetime) -> WebhookSent:
    """Send a test message now and return it with what came of it; waits at most some seconds.

    Not in a transaction: it talks to the network. Raises NotFound, Conflict when the subscription is not on.
    """
    sent = _queue_ping(webhook_id, at)
    claimed = claim_message(webhook_id=webhook_id, at=at, sent_id=sent.pk)
    if claimed is None:
        raise Conflict(_("Switch the webhook on first, then test it."))
    settle_message(sent_id=sent.pk, number=claimed.attempts, came=transmit(claimed), at=timezone.now())
    return WebhookSent.objects.get(pk=sent.pk)


@transaction.atomic
def _queue_ping(webhook_id: int, at: datetime) -> WebhookSent:
    webhook = _lock(webhook_id)
    if webhook.state != WebhookState.ACTIVE:
        raise Conflict(_("Switch the webhook on first, then test it."))
    return WebhookSent.objects.create(
        webhook=webhook, message_id=new_message_id(), kind=PING, body=ping_body(webhook_id, at), tries_left=1,
        next_try_at=at + timedelta(minutes=1), queued_at=at,
    )  # fmt: skip


@transaction.atomic
def replay_message(*, sent_id: int, at: datetime) -> WebhookSent:
    """Send a message again, the same words under the same id. Raises NotFound, TransitionNotAllowed."""
    sent = WebhookSent.objects.select_for_update(no_key=True).filter(pk=sent_id).first()
    if sent is None:
        raise NotFound
    if WebhookSentState.QUEUED not in WEBHOOK_SENT_MOVES[sent.state]:
        raise TransitionNotAllowed(_("This message is on its way already."))
    WebhookSent.objects.filter(pk=sent_id).update(**_again(at))
    sent.refresh_from_db()
    return sent


@transaction.atomic
def replay_failed(*, webhook_id: int, at: datetime) -> int:
    """Send what was given up again, the oldest first, at most five thousand at a time; return how many."""
    _lock(webhook_id)
    failed = WebhookSent.objects.filter(webhook_id=webhook_id, state=WebhookSentState.FAILED, event_id__isnull=False)
    ids = list(failed.order_by("pk").values_list("pk", flat=True)[:REPLAY_MOST])
    return WebhookSent.objects.filter(pk__in=ids, state=WebhookSentState.FAILED).update(**_again(at))


def _again(at: datetime) -> dict[str, object]:
    return {
        "state": WebhookSentState.QUEUED, "tries_left": TRIES, "next_try_at": at, "held_until": None, "queued_at": at,
        "done_at": None,
    }  # fmt: skip


def _lock(webhook_id: int) -> Webhook:
    webhook = Webhook.objects.select_for_update(no_key=True).filter(pk=webhook_id).first()
    if webhook is None:
        raise NotFound
    return webhook


def _move(webhook: Webhook, to: WebhookState) -> None:
    if to not in WEBHOOK_MOVES[webhook.state]:
        raise TransitionNotAllowed
    webhook.state = to
    webhook.version += 1


def _check(draft: WebhookDraft) -> None:
    fields: dict[str, list] = {}
    if not draft.name.strip():
        fields["name"] = [_("Give it a name by which colleagues know it.")]
    try:
        parts = posting.check_address(draft.url)
        if not posting.may_go_in_the_clear(parts):
            fields["url"] = [_("Only https addresses can be told over the internet.")]
    except posting.AddressRefused:
        fields["url"] = [_("This is not an address we can send to. It begins with https:// and holds no password.")]
    if not draft.kinds or not set(draft.kinds) <= WEBHOOK_KINDS.keys():
        fields["kinds"] = [_("Choose at least one thing to be told of.")]
    if fields:
        raise InvalidInput(fields=fields)


def _fill(webhook: Webhook, draft: WebhookDraft) -> None:
    webhook.name, webhook.url = draft.name.strip()[:80], draft.url[:500]
    webhook.kinds, webhook.shop_ids = sorted(set(draft.kinds)), sorted(set(draft.shop_ids))


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
