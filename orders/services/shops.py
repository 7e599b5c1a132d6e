"""Shops, carriers and products."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import encrypt
from core.editing import check_version
from core.errors import InvalidInput, NotFound, Text
from core.events import Code, record
from core.text import normalise
from orders.events import ShopChanged
from orders.gazetteer import region_of
from orders.models import Carrier, Product, Shop

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True)
class ShopDraft:
    """What can be set about a shop."""

    code: str
    name: str
    currency: str = "CNY"
    timezone: str = "Asia/Shanghai"
    language: str = "zh-hans"
    color: str = "#0F766E"
    contact_email: str = ""
    contact_phone: str = ""
    ships_from: str = ""
    complete_after_days: int = 7
    promise_days: int = 5
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class ProductData:
    """What a shop tells about one product; None = not told."""

    sku: str
    name: str
    category: str = ""
    price: Decimal | None = None
    currency: str = "CNY"
    stock: int | None = None


@transaction.atomic
def save_shop(*, shop_id: int | None, version: int | None, draft: ShopDraft, actor: Actor, at: datetime) -> Shop:
    """Add a shop (no id) or change one. Raises InvalidInput, NotFound, StaleEdit with what differs."""
    values = _check_shop(draft)
    if shop_id is None:
        try:
            with transaction.atomic():
                shop = Shop.objects.create(**values)
        except IntegrityError:
            raise _code_taken() from None
        record("shop.added", subject=shop, actor=actor, at=at)
        return shop
    found = Shop.objects.select_for_update(no_key=True).filter(pk=shop_id).first()
    if found is None:
        raise NotFound
    shop = found
    changed = check_version(shop, version, values)
    if not changed:
        return shop
    for name in changed:
        setattr(shop, name, values[name])
    shop.version += 1
    try:
        with transaction.atomic():
            shop.save(update_fields=[*changed, "version"])
    except IntegrityError:
        raise _code_taken() from None
    record("shop.changed", subject=shop, actor=actor, at=at, data=ShopChanged(tuple(Code(name) for name in changed)))
    return shop


def _check_shop(draft: ShopDraft) -> dict[str, object]:
    fields: dict[str, list[Text]] = {}
    code, name = draft.code.strip().lower(), normalise(draft.name)
    if not _CODE.fullmatch(code):
        fields["code"] = [_("A code has 1 to 32 small letters, digits and dashes.")]
    if not 1 <= len(name) <= 80:
        fields["name"] = [_("Give the shop a name of at most 80 characters.")]
    if not re.fullmatch(r"[A-Z]{3}", draft.currency.strip().upper()):
        fields["currency"] = [_("A currency code has three letters, such as CNY.")]
    if draft.timezone not in available_timezones():
        fields["timezone"] = [_("Choose a time zone from the list.")]
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", draft.color):
        fields["color"] = [_("A colour is # and six hexadecimal digits.")]
    if draft.contact_email:
        try:
            validate_email(draft.contact_email)
        except ValidationError:
            fields["contact_email"] = [_("This is not an email address.")]
    if len(draft.contact_phone) > 32:
        fields["contact_phone"] = [_("At most 32 characters.")]
    if len(draft.ships_from) > 120:
        fields["ships_from"] = [_("At most 120 characters.")]
    elif draft.ships_from.strip() and not region_of(draft.ships_from).province:
        fields["ships_from"] = [_("Begin with a Chinese province or city that we know.")]
    for key, top in (("complete_after_days", 365), ("promise_days", 365)):
        if not 0 <= getattr(draft, key) <= top:
            fields[key] = [_("Give a number of days from 0 to 365.")]
    if fields:
        raise InvalidInput(fields=fields)
    return {
        "code": code, "name": name, "currency": draft.currency.strip().upper(), "timezone": draft.timezone,
        "language": draft.language, "color": draft.color.upper(), "contact_email": draft.contact_email.strip(),
        "contact_phone": draft.contact_phone.strip(), "complete_after_days": draft.complete_after_days,
        "promise_days": draft.promise_days, "is_active": draft.is_active, "ships_from": normalise(draft.ships_from),
    }  # fmt: skip


def _code_taken() -> InvalidInput:
    return InvalidInput(fields={"code": [_("Another shop has this code.")]})


@transaction.atomic
def renew_hook_secret(*, shop_id: int, actor: Actor, at: datetime) -> str:
    """Give a shop a new webhook secret and return it; it is shown this once and the old one ends now."""
    shop = Shop.objects.select_for_update(no_key=True).filter(pk=shop_id).first()
    if shop is None:
        raise NotFound
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    shop.hook_secret_enc = encrypt(secret)
    shop.version += 1
    shop.save(update_fields=["hook_secret_enc", "version"])
    record(
        "shop.changed", subject=shop, actor=actor, at=at, data=ShopChanged((Code("hook_secret"),)), reason="new_secret"
    )
    return secret


@transaction.atomic
def save_carrier(
    *,
    carrier_id: int | None,
    code: str,
    name: str,
    name_en: str = "",
    hotline: str = "",
    is_active: bool = True,
    version: int | None = None,
    actor: Actor,
    at: datetime,
) -> Carrier:
    """Add or change a carrier. Raises InvalidInput, NotFound, StaleEdit when somebody saved since `version`."""
    fields: dict[str, list[Text]] = {}
    if not _CODE.fullmatch(code.strip().lower()):
        fields["code"] = [_("A code has 1 to 32 small letters, digits and dashes.")]
    if not 1 <= len(normalise(name)) <= 80:
        fields["name"] = [_("Give the carrier a name of at most 80 characters.")]
    if len(hotline) > 32:
        fields["hotline"] = [_("At most 32 characters.")]
    if fields:
        raise InvalidInput(fields=fields)
    values = {
        "code": code.strip().lower(), "name": normalise(name), "name_en": normalise(name_en)[:80],
        "hotline": hotline.strip(), "is_active": is_active,
    }  # fmt: skip
    carrier = Carrier() if carrier_id is None else Carrier.objects.select_for_update().filter(pk=carrier_id).first()
    if carrier is None:
        raise NotFound
    if carrier_id is not None:
        if not check_version(carrier, version, values):
            return carrier
        carrier.version += 1
    for key, value in values.items():
        setattr(carrier, key, value)
    try:
        with transaction.atomic():
            carrier.save()
    except IntegrityError:
        raise InvalidInput(fields={"code": [_("Another carrier has this code.")]}) from None
    record("carrier.saved", subject=carrier, actor=actor, at=at)
    return carrier


@transaction.atomic
def save_products(*, shop_id: int, products: Iterable[ProductData], actor: Actor, at: datetime) -> int:
    """Take in what a shop tells about its products, by article number; return how many rows. Stock is dated `at`."""
    rows = [
        Product(
            shop_id=shop_id, sku=normalise(p.sku)[:64], name=normalise(p.name)[:200],
            category=normalise(p.category)[:64],
            price=p.price, currency=p.currency, stock=p.stock, stock_at=at if p.stock is not None else None,
        )
        for p in {p.sku: p for p in products}.values()
        if p.sku.strip() and p.name.strip()
    ]  # fmt: skip
    rows.sort(key=lambda row: row.sku)
    Product.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["shop", "sku"],
        update_fields=["name", "category", "price", "currency", "stock", "stock_at"],
        batch_size=1000,
    )
    return len(rows)
