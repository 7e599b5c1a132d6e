"""Accounts at providers: saved encrypted, tried out; and the company's word on notices."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import encrypt, random_token
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from core.inserting import insert_once
from core.posting import AddressRefused, check_address
from notifications.channels import Outcome, adapter_for, webpush
from notifications.enums import Channel
from notifications.errors import UnknownTemplate
from notifications.events import AccountSaved, AccountTested, ProviderTemplateSaved
from notifications.models import ChannelAccount, Delivery, NoticePolicy, ProviderTemplate
from notifications.selectors.providers import credentials_of
from notifications.services.deliveries import checked_address, write_short
from notifications.templates import TEMPLATES, get_template, language_for

SECRET = frozenset({"access_key_secret", "app_secret", "token", "private_key"})


@transaction.atomic
def save_account(
    *, channel: str, version: int, values: Mapping[str, str], is_active: bool, actor: Actor, at: datetime
) -> ChannelAccount:
    """Save the account of a channel; an empty secret keeps the present one. `version` is 0 when there was none.

    A kept secret goes nowhere new: with another endpoint it must be typed again. Raises InvalidInput, StaleEdit.
    """
    row = ChannelAccount.objects.select_for_update(no_key=True).filter(channel=channel).first()
    if (row.version if row else 0) != version:
        raise StaleEdit(changes=[])
    old = credentials_of(row)
    row = row or ChannelAccount(channel=channel, version=0)
    new = _filled(channel, values, old)
    changed = tuple(Code(name) for name in sorted(new) if new[name] != old.get(name))
    if set(changed) & {"access_key_id", "access_key_secret", "app_id", "app_secret", "endpoint"}:
        row.token_sealed, row.token_until = b"", None
    row.sealed, row.is_active = encrypt(json.dumps(new)), is_active
    row.last_error_code, row.last_error_at = "", None
    row.version += 1
    if row.pk is None and not insert_once(row):
        raise StaleEdit(changes=[])
    row.save()
    data = AccountSaved(Code(channel), changed)
    record("channel_account.saved", subject=row, actor=actor, at=at, data=data)
    return row


def _filled(channel: str, values: Mapping[str, str], old: Mapping[str, Any]) -> dict[str, str]:
    new = {name: value.strip() for name, value in values.items()}
    moved = "endpoint" in new and bool(old) and new["endpoint"].rstrip("/") != str(old.get("endpoint")).rstrip("/")
    for name in SECRET & new.keys():
        if not new[name] and not moved:
            new[name] = str(old.get(name, ""))
    if channel == Channel.PUSH and not new.get("private_key"):
        new["private_key"] = webpush.new_private_key()
    missing = [name for name, value in new.items() if not value]
    if missing:
        raise InvalidInput(fields={name: [_("This is needed.")] for name in missing})
    if "endpoint" in new:
        try:
            check_address(new["endpoint"])
        except AddressRefused:
            raise InvalidInput(fields={"endpoint": [_("This is not an address of a provider.")]}) from None
        new["endpoint"] = new["endpoint"].rstrip("/") + ("/" if channel == Channel.SMS else "")
    if channel == Channel.PUSH:
        try:
            webpush.private_key(new["private_key"])
        except ValueError:
            raise InvalidInput(fields={"private_key": [_("This is not a key.")]}) from None
        return new
    return new | {"hook_key": str(old.get("hook_key") or random_token())}


@transaction.atomic
def save_provider_template(
    *, channel: str, key: str, language: str, code: str, fields: str, version: int, actor: Actor, at: datetime
) -> ProviderTemplate | None:
    """Say which of the provider's templates stands for ours; an empty code takes it away.

    Raises UnknownTemplate, InvalidInput, StaleEdit.
    """
    if channel not in {Channel.SMS, Channel.WECHAT}:
        raise UnknownTemplate(template=key, channel=channel)
    get_template(key, channel)
    wrong = [line for line in fields.splitlines() if line.strip() and not line.partition("=")[0].strip().isidentifier()]
    if wrong:
        raise InvalidInput(fields={"fields": [_("Each line is the provider's field, an equals sign and words.")]})
    rows = ProviderTemplate.objects.select_for_update()
    row = rows.filter(channel=channel, key=key, language=language).first()
    if (row.version if row else 0) != version:
        raise StaleEdit(changes=[])
    code, fields = code.strip(), fields.replace("\r\n", "\n").strip()
    data = ProviderTemplateSaved(Code(channel), Code(key), Code(language))
    if not code:
        if row is not None:
            record("provider_template.saved", subject=row, actor=actor, at=at, data=data)
            row.delete()
        return None
    if row is None:
        row = ProviderTemplate(channel=channel, key=key, language=language, code=code, fields=fields)
        if not insert_once(row):
            raise StaleEdit(changes=[])
    else:
        row.code, row.fields = code, fields
        row.version += 1
        row.save(update_fields=["code", "fields", "version"])
    record("provider_template.saved", subject=row, actor=actor, at=at, data=data)
    return row


@dataclass(frozen=True)
class PolicyDraft:
    """What a person fills in about notices; `channels` is the order in which they are tried."""

    has_quiet_hours: bool
    quiet_from: time
    quiet_until: time
    daily_cap: int
    channels: Sequence[str]


@transaction.atomic
def save_notice_policy(*, draft: PolicyDraft, version: int, actor: Actor, at: datetime) -> NoticePolicy:
    """Save the company's word on notices. Raises InvalidInput, StaleEdit."""
    insert_once(NoticePolicy())
    row = NoticePolicy.objects.select_for_update(no_key=True).get(pk=1)
    if row.version != version:
        raise StaleEdit(changes=[])
    if sorted(draft.channels) != sorted(Channel.values):
        raise InvalidInput(fields={"channels": [_("Name each channel once.")]})
    if not 1 <= draft.daily_cap <= 50:
        raise InvalidInput(fields={"daily_cap": [_("From 1 to 50.")]})
    changed = []
    for name in ("has_quiet_hours", "quiet_from", "quiet_until", "daily_cap", "channels"):
        value = list(draft.channels) if name == "channels" else getattr(draft, name)
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed.append(Code(name))
    row.version += 1
    row.save()
    record("notice_policy.changed", subject=row, actor=actor, at=at, data=AccountSaved(Code("all"), tuple(changed)))
    return row


def test_account(*, channel: str, to: str, actor: Actor, at: datetime) -> Outcome:
    """Send a real message through an account now and return what the provider said; waits at most some seconds.

    Raises InvalidInput. Not in a transaction: it talks to the network.
    """
    draft = _test_message(channel, to, at)
    outcome = adapter_for(channel).send(draft)
    _note_test(channel, outcome, actor, at)
    return outcome


test_account.__test__ = False  # type: ignore[attr-defined] # its name begins like a test's


def _test_message(channel: str, to: str, at: datetime) -> Delivery:
    """Return a message that is kept nowhere: the sample of the first template the provider has for us."""
    language = language_for(translation.get_language() or "zh-hans")
    key = test_template(channel)
    template = get_template(key, channel)
    delivery = Delivery(
        channel=channel, template=key, language=language, queued_at=at, expires_at=at + timedelta(minutes=30),
        pk=secrets.randbelow(10**9) + 10**15,
    )  # fmt: skip
    address = checked_address(channel, to)
    if channel == Channel.PUSH:
        try:
            webpush.read_place(address)
        except ValueError:
            raise InvalidInput(fields={"to": [_("This is not a browser's subscription.")]}) from None
    delivery.to_enc = encrypt(address)
    values = template.sample_in(language)
    write_short(delivery, values)
    return delivery


def test_template(channel: str) -> str:
    """Return the key of a template that can go out on a channel now. Raises InvalidInput when there is none."""
    named = ProviderTemplate.objects.filter(channel=channel).order_by("key").values_list("key", flat=True)
    keys = list(named) if channel != Channel.PUSH else sorted(k for k, c in TEMPLATES if c == channel)
    found = next((key for key in keys if (key, channel) in TEMPLATES), None)
    if found is None:
        raise InvalidInput(fields={"to": [_("Name one of the provider's templates first; see below.")]})
    return found


test_template.__test__ = False  # type: ignore[attr-defined]


@transaction.atomic
def _note_test(channel: str, outcome: Outcome, actor: Actor, at: datetime) -> None:
    row = ChannelAccount.objects.select_for_update(no_key=True).get(channel=channel)
    if outcome.is_accepted:
        row.tested_at, row.last_error_code, row.last_error_at = at, "", None
    else:
        row.last_error_code, row.last_error_at = outcome.code[:64], at
    row.save(update_fields=["tested_at", "last_error_code", "last_error_at"])
    data = AccountTested(Code(channel), Code(outcome.code[:64]), outcome.is_accepted)
    record("channel_account.tested", subject=row, actor=actor, at=at, data=data)
