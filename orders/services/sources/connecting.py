"""Connections to shop systems, and which of our carriers their names for carriers mean."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import encrypt
from core.editing import check_version
from core.errors import InvalidInput, NotFound, Text
from core.events import Code, record
from core.jobs import schedule
from orders.models import Carrier, CarrierName, Shop, ShopConnection
from orders.source_enums import Platform
from orders.source_events import CarrierMatched, ConnectionChanged

_ORIGIN = re.compile(r"[a-z0-9][a-z0-9.-]{0,120}(?::\d{2,5})?(?:/[A-Za-z0-9_./~-]*)?")
FORGED_NOTED = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class ConnectionDraft:
    """What can be set about a connection; an empty secret keeps the one there is."""

    platform: str
    origin: str = ""
    secret: str = ""
    is_active: bool = True


@transaction.atomic
def add_connection(*, shop_id: int, draft: ConnectionDraft, actor: Actor, at: datetime) -> ShopConnection:
    """Connect a shop to its shop system; return it with the address to send to. Raises InvalidInput, NotFound."""
    if not Shop.objects.filter(pk=shop_id).exists():
        raise NotFound
    values = _check(draft, needs_secret=True)
    try:
        with transaction.atomic():
            connection = ShopConnection.objects.create(
                shop_id=shop_id, platform=draft.platform, token=secrets.token_urlsafe(24), **values
            )
    except IntegrityError:
        raise _taken() from None
    record("shop_connection.added", subject=connection, actor=actor, at=at)
    return connection


@transaction.atomic
def change_connection(
    *, connection_id: int, draft: ConnectionDraft, version: int | None = None, actor: Actor, at: datetime
) -> ShopConnection:
    """Change a connection; its platform and address stay. Raises InvalidInput, NotFound, StaleEdit."""
    connection = ShopConnection.objects.select_for_update(no_key=True).filter(pk=connection_id).first()
    if connection is None:
        raise NotFound
    values = _check(draft, needs_secret=False)
    changed = check_version(connection, version, values)
    if not changed:
        return connection
    for name in changed:
        setattr(connection, name, values[name])
    connection.version += 1
    try:
        with transaction.atomic():
            connection.save(update_fields=[*changed, "version"])
    except IntegrityError:
        raise _taken() from None
    codes = tuple(Code(name.removesuffix("_enc")) for name in changed)
    record("shop_connection.changed", subject=connection, actor=actor, at=at, data=ConnectionChanged(codes))
    return connection


def _check(draft: ConnectionDraft, *, needs_secret: bool) -> dict[str, object]:
    fields: dict[str, list[Text]] = {}
    origin = re.sub(r"^https?://", "", draft.origin.strip().lower()).strip("/")
    secret = draft.secret.strip()
    if draft.platform not in Platform.values:
        fields["platform"] = [_("Choose one of the platforms.")]
    if origin and not _ORIGIN.fullmatch(origin):
        fields["origin"] = [_("An address such as my-shop.myshopify.com.")]
    if needs_secret and not secret:
        fields["secret"] = [_("Enter the secret with which the shop system signs its messages.")]
    elif secret and (not 8 <= len(secret) <= 200 or not secret.isprintable()):
        fields["secret"] = [_("A secret has 8 to 200 characters.")]
    if fields:
        raise InvalidInput(fields=fields)
    values: dict[str, object] = {"origin": origin, "is_active": draft.is_active}
    return {**values, "secret_enc": encrypt(secret)} if secret else values


def _taken() -> InvalidInput:
    return InvalidInput(fields={"origin": [_("This shop is connected to that address already.")]})


def note_forged(*, connection_id: int, at: datetime) -> None:
    """Count a message whose signature did not fit, at most one a second: whoever sends many of them costs one write."""
    stale = Q(forged_at__isnull=True) | Q(forged_at__lt=at - FORGED_NOTED)
    ShopConnection.objects.filter(stale, pk=connection_id).update(forged=F("forged") + 1, forged_at=at)


@transaction.atomic
def match_carrier_name(*, name_id: int, carrier_id: int, actor: Actor, at: datetime) -> CarrierName:
    """Say which carrier a foreign name means; orders that told it follow. Raises NotFound, InvalidInput."""
    name = CarrierName.objects.select_for_update(no_key=True).filter(pk=name_id).first()
    if name is None:
        raise NotFound
    carrier = Carrier.objects.filter(pk=carrier_id).first()
    if carrier is None:
        raise InvalidInput(fields={"carrier": [_("Choose one of the carriers.")]})
    if name.carrier_id == carrier.pk:
        return name
    name.carrier = carrier
    name.save(update_fields=["carrier"])
    record("carrier.name_matched", subject=carrier, actor=actor, at=at, data=CarrierMatched(name.pk))
    schedule(
        "orders.mirror_names", key=f"{name.pk}:{carrier.pk}:{at.timestamp()}", due_at=at,
        shard=f"carrier-name:{name.pk}", payload={"key": name.key, "after": 0},
    )  # fmt: skip
    return name
