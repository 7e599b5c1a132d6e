"""Messages of shop systems: checked, kept raw, answered at once, applied once, replayed by hand."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor, ActorType
from core.crypto import decrypt, encrypt
from core.errors import Conflict, DomainError, NotFound, NotSignedIn
from core.events import Code, record
from core.jobs import schedule
from core.live import announce
from orders.enums import HookState
from orders.errors import InvalidOrder
from orders.models import InboundHook, ShopConnection
from orders.platforms import platform_of
from orders.platforms.base import OrderNews, Unreadable, parse
from orders.services.sources.mirroring import mirror_news
from orders.source_events import HookReplayed

_BINARY = "\x00base64:"
MAX_PROBLEMS = 20


@transaction.atomic
def receive_message(*, connection: ShopConnection, body: bytes, headers: Mapping[str, str], at: datetime) -> bool:
    """Check a message's signature, keep it and owe its application; return whether it was new.

    The same signed bytes are one message however often and under whatever headers they come: headers are not signed.
    A greeting (WooCommerce's unsigned first message) is only noted. Raises NotSignedIn.
    """
    platform = platform_of(connection.platform)
    lowered = {name.lower(): value for name, value in headers.items()}
    if platform.is_greeting(body):
        ShopConnection.objects.filter(pk=connection.pk).update(heard_at=at)
        return False
    if not platform.is_genuine(body, lowered, decrypt(connection.secret_enc)):
        raise NotSignedIn(_("The signature does not fit. Check the secret."), code="bad_signature")
    named = platform.origin_of(lowered)
    if connection.origin and named and named != connection.origin:
        raise NotSignedIn(_("This message is from another shop."), code="other_shop")
    delivery = next((lowered[name] for name in platform.DELIVERY if lowered.get(name)), "")
    fresh = InboundHook(
        shop_id=connection.shop_id, connection=connection,
        message_id=f"{connection.pk}:{hashlib.sha256(body).hexdigest()}",
        topic=_line(lowered.get(platform.TOPIC, ""), 60),
        delivery_id=_line(delivery, 80), size=len(body), body_enc=encrypt(_as_text(body)), received_at=at,
    )  # fmt: skip
    InboundHook.objects.bulk_create([fresh], ignore_conflicts=True)
    hook = InboundHook.objects.only("pk", "state").get(shop_id=fresh.shop_id, message_id=fresh.message_id)
    ShopConnection.objects.filter(pk=connection.pk).update(heard_at=at)
    if hook.state != HookState.STORED:
        return False
    return schedule(
        "orders.apply_hook", key=str(hook.pk), due_at=at, shard=f"hook:{connection.shop_id}",
        payload={"hook_id": hook.pk},
    )  # fmt: skip


def _line(value: str, limit: int) -> str:
    return "".join(char for char in value if char.isprintable())[:limit]


def _as_text(body: bytes) -> str:
    """Return the body as text that gives the same bytes again."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _BINARY + base64.b64encode(body).decode()


@transaction.atomic
def apply_message(*, hook_id: int, at: datetime) -> str:
    """Apply a kept message once; what cannot be understood is kept as refused with its reasons.

    Return its state, "" when it is not a shop system's.
    """
    hook = InboundHook.objects.select_for_update(of=("self",)).select_related("connection").filter(pk=hook_id).first()
    if hook is None or hook.connection is None:
        return ""
    if hook.state != HookState.STORED or hook.body_enc is None:
        return str(hook.state)
    hook.problems, hook.error_code = [], ""
    try:
        with transaction.atomic():
            news = _news(hook, at)
            hook.kind, hook.source_id = news.kind, news.source_id
            actor = Actor(ActorType.API, None)
            order = mirror_news(connection_id=hook.connection.pk, news=news, actor=actor, at=at)
        hook.state = HookState.APPLIED if order is not None else HookState.WAITING
    except DomainError as refused:
        hook.state, hook.error_code, order = HookState.REFUSED, refused.code[:40], None
        if isinstance(refused, InvalidOrder):
            hook.problems = [[p.field, p.code, p.params] for p in refused.problems[:MAX_PROBLEMS]]
        elif refused.context.get("field"):
            hook.problems = [[str(refused.context["field"])[:60], "", {}]]
    hook.applied_at = at
    hook.save(update_fields=["kind", "source_id", "state", "error_code", "problems", "applied_at"])
    if order is not None:
        waiting = InboundHook.objects.filter(connection=hook.connection, source_id=hook.source_id)
        waiting.filter(state=HookState.WAITING).update(state=HookState.APPLIED, applied_at=at)
    announce("order_messages", "inbound_hook", hook.pk, hook.replays + 1)
    return str(hook.state)


def _news(hook: InboundHook, at: datetime) -> OrderNews:
    assert hook.connection is not None
    assert hook.body_enc is not None
    body = decrypt(hook.body_enc)
    if body.startswith(_BINARY):
        raise Unreadable(code="hook_not_utf8")
    news: OrderNews = platform_of(hook.connection.platform).read(parse(body), hook.topic)
    if news.kind == "order.deleted":  # such a message tells no time of its own
        return OrderNews(news.kind, news.source_id, cancelled_at=hook.received_at)
    return news


@transaction.atomic
def replay_hook(*, hook_id: int, actor: Actor, at: datetime) -> InboundHook:
    """Let a kept message be applied once more; what it told before is told again, so nothing can happen twice.

    Raises NotFound, Conflict while it still waits to be applied or when its body is gone.
    """
    hook = InboundHook.objects.select_for_update().filter(pk=hook_id).first()
    if hook is None:
        raise NotFound
    if hook.state == HookState.STORED:
        raise Conflict(_("This message is about to be applied."), code="hook_not_applied_yet")
    if hook.body_enc is None:
        raise Conflict(_("The content of this message was erased."), code="hook_erased")
    before = str(hook.state)
    hook.state, hook.applied_at, hook.error_code, hook.problems = HookState.STORED, None, "", []
    hook.replays += 1
    hook.save(update_fields=["state", "applied_at", "error_code", "problems", "replays"])
    schedule(
        "orders.apply_hook", key=f"{hook.pk}:{hook.replays}", due_at=at, shard=f"hook:{hook.shop_id}",
        payload={"hook_id": hook.pk},
    )  # fmt: skip
    payload = HookReplayed(hook.pk, Code(before))
    record("shop_connection.hook_replayed", subject=hook, actor=actor, at=at, data=payload)
    announce("order_messages", "inbound_hook", hook.pk, hook.replays + 1)
    return hook
