"""Store signed webhooks raw, then apply each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core.crypto import decrypt, encrypt
from core.errors import DomainError, NotSignedIn
from core.jobs import schedule
from orders.enums import HookState
from orders.models import InboundHook, Shop

KEPT, KEPT_REFUSED = timedelta(days=30), timedelta(days=90)


@transaction.atomic
def store_hook(*, shop_code: str, body: bytes, headers: Mapping[str, str], at: datetime) -> bool:
    """Check the signature and the clock, store the message and owe its application; return whether it was new.

    Raises NotSignedIn for an unknown shop, a wrong signature or a timestamp five minutes off, all alike.
    """
    shop = Shop.objects.filter(code=shop_code.strip().lower()[:32], is_active=True).first()
    lowered = {name.lower(): value for name, value in headers.items()}
    message_id = lowered.get("webhook-id", "")[:255]
    try:
        if shop is None or shop.hook_secret_enc is None or not message_id:
            raise WebhookVerificationError
        Webhook(decrypt(shop.hook_secret_enc)).verify(body, lowered)
    except (WebhookVerificationError, ValueError, RuntimeError):
        raise NotSignedIn(_("The signature does not fit. Check the shop's code, its secret and the clock.")) from None
    hook, created = InboundHook.objects.get_or_create(
        shop=shop, message_id=message_id, defaults={"body_enc": encrypt(body.decode()), "received_at": at}
    )
    if created:
        schedule(
            "orders.apply_hook",
            key=str(hook.pk),
            due_at=at,
            shard=f"hook:{shop.pk}",
            payload={"hook_id": hook.pk},
        )
    return created


@transaction.atomic
def apply_hook(*, hook_id: int, apply: Callable[[InboundHook, str], str], at: datetime) -> str:
    """Apply a stored message once; what cannot be understood is kept as refused with its reason. Return its state.

    `apply` gets the hook and its body and returns the kind of message.
    """
    hook = InboundHook.objects.select_for_update().select_related("shop").filter(pk=hook_id).first()
    if hook is None or hook.state != HookState.STORED or hook.body_enc is None or hook.connection_id is not None:
        return "" if hook is None else str(hook.state)
    try:
        with transaction.atomic():
            hook.kind = apply(hook, decrypt(hook.body_enc))[:40]
        hook.state = HookState.APPLIED
    except DomainError as refused:
        hook.state, hook.error_code = HookState.REFUSED, refused.code[:40]
    hook.applied_at = at
    hook.save(update_fields=["kind", "state", "error_code", "applied_at"])
    return str(hook.state)


def sweep_hooks(*, at: datetime) -> int:
    """Delete applied messages after thirty days, refused ones after ninety; return how many."""
    rows = InboundHook.objects.filter(received_at__lt=at - KEPT).exclude(
        state__in=[HookState.STORED, HookState.REFUSED]
    )
    refused = InboundHook.objects.filter(received_at__lt=at - KEPT_REFUSED, state=HookState.REFUSED)
    return rows.delete()[0] + refused.delete()[0]
