import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import ApiScope
from accounts.events import ApiKeyCreated
from accounts.models import ApiKey
from accounts.services.staff import codes
from core import crypto
from core.actors import Actor
from core.errors import InvalidInput, NotAllowed, NotFound
from core.events import record

TOUCH_EVERY = timedelta(minutes=1)


@transaction.atomic
def create_api_key(
    *,
    name: str,
    scopes: Iterable[str],
    shop_ids: Iterable[int],
    actor: Actor,
    at: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; returns the row and the key itself, which cannot be shown again. Raises InvalidInput, NotAllowed."""
    if not actor.is_person or actor.id is None:
        raise NotAllowed
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(ApiScope.values):
        raise InvalidInput(fields={"scopes": [_("Choose at least one thing the key may do.")]})
    if expires_at is not None and expires_at <= at:
        raise InvalidInput(fields={"days": [_("The key must live for a while.")]})
    prefix = f"csk_{secrets.token_hex(4)}"
    plain = f"{prefix}_{crypto.random_token()}"
    key = ApiKey.objects.create(
        name=name.strip(),
        prefix=prefix,
        key_hash=crypto.hash_token(plain),
        scopes=wanted,
        shop_ids=sorted(set(shop_ids)),
        created_by_id=actor.id,
        created_at=at,
        expires_at=expires_at,
    )
    record(
        "api_key.created",
        subject=key,
        actor=actor,
        at=at,
        data=ApiKeyCreated(codes(key.scopes), tuple(key.shop_ids), expires_at),
    )
    return key, plain


@transaction.atomic
def revoke_api_key(*, key_id: int, actor: Actor, at: datetime) -> ApiKey:
    """End a key for good; doing it twice changes nothing."""
    key = ApiKey.objects.select_for_update(no_key=True).filter(pk=key_id).first()
    if key is None:
        raise NotFound
    if key.revoked_at is None:
        key.revoked_at = at
        key.save(update_fields=["revoked_at"])
        record("api_key.revoked", subject=key, actor=actor, at=at)
    return key


def touch_api_key(*, key: ApiKey, at: datetime) -> None:
    """Note that a key just read is in use, at most once a minute (the condition stands in the update, too)."""
    since = at - TOUCH_EVERY
    if key.last_used_at is not None and key.last_used_at >= since:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=since)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=at)
