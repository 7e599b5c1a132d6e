"""Accounts at providers, their templates, and what can be sent where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from core.crypto import CannotDecrypt, decrypt, same
from core.errors import NotFound
from notifications.enums import Channel
from notifications.models import ChannelAccount, InboundText, ProviderTemplate, PushSubscription
from notifications.templates import LANGUAGES, TEMPLATES, VARIABLE

if TYPE_CHECKING:
    from notifications.channels.aliyun import SmsAccount
    from notifications.channels.push import PushAccount
    from notifications.channels.wechat import WechatAccount

PROVIDERS = (Channel.SMS, Channel.WECHAT, Channel.PUSH)


def find_account(channel: str) -> ChannelAccount | None:
    """Return the account of a channel."""
    return ChannelAccount.objects.filter(channel=channel).first()


def credentials_of(row: ChannelAccount | None) -> dict[str, Any]:
    """Return an account's credentials, empty when it has none. Raises CannotDecrypt."""
    return dict(json.loads(decrypt(row.sealed))) if row is not None and row.sealed else {}


def sms_account() -> SmsAccount | None:
    """Return the account text messages go through. Raises CannotDecrypt."""
    from notifications.channels.aliyun import SmsAccount

    known = _active(Channel.SMS)
    return SmsAccount(**known) if known else None


def wechat_account() -> WechatAccount | None:
    """Return the official account. Raises CannotDecrypt."""
    from notifications.channels.wechat import WechatAccount

    known = _active(Channel.WECHAT)
    return WechatAccount(**known) if known else None


def push_account() -> PushAccount | None:
    """Return our key for push services. Raises CannotDecrypt."""
    from notifications.channels.push import PushAccount

    known = _active(Channel.PUSH)
    return PushAccount(**known) if known else None


def push_public_key() -> str:
    """Return the public half of our key, as a browser needs it to subscribe; "" where push is not set up."""
    from notifications.channels import webpush

    try:
        account = push_account()
        return webpush.public_text(webpush.private_key(account.private_key)) if account else ""
    except (CannotDecrypt, ValueError):
        return ""


def active_channels() -> set[str]:
    """Return the channels one can send on; mail always."""
    rows = ChannelAccount.objects.filter(is_active=True).exclude(sealed=b"")
    return {str(Channel.EMAIL), *rows.values_list("channel", flat=True)}


def find_provider_template(channel: str, key: str, language: str) -> ProviderTemplate | None:
    """Return the provider's template for one of ours in a language, else the one of the other language."""
    rows = {row.language: row for row in ProviderTemplate.objects.filter(channel=channel, key=key)}
    return rows.get(language) or next(iter(rows.values()), None)


def provider_templates(channel: str) -> list[dict[str, Any]]:
    """Return our templates on a channel, each with the provider's template of each language (None: none named)."""
    if channel not in {Channel.SMS, Channel.WECHAT}:
        return []
    known = {(row.key, row.language): row for row in ProviderTemplate.objects.filter(channel=channel)}
    return [
        {
            "template": template,
            "languages": [(language, known.get((template.key, language))) for language in LANGUAGES],
        }
        for template in sorted(TEMPLATES.values(), key=lambda one: one.key)
        if template.channel == channel and not template.key.startswith("tests.")
    ]


def lacks(channel: str, template: str, language: str, active: set[str]) -> str:
    """Return why a template cannot go out on a channel now, as a code; empty when it can."""
    if channel not in active:
        return "not_set_up"
    if (template, channel) not in TEMPLATES:
        return "no_words"
    if channel in {Channel.SMS, Channel.WECHAT} and find_provider_template(channel, template, language) is None:
        return "no_template_code"
    return ""


def fields_for(row: ProviderTemplate, names: list[str], values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values for a provider's template: its own lines filled in, else our variables by their names."""
    known = {name: " ".join(str(value or "").split()) for name, value in values.items()}
    lines = [line.partition("=") for line in row.fields.splitlines() if "=" in line]
    if not lines:
        return {name: known.get(name, "") for name in names}
    return {
        name.strip(): VARIABLE.sub(lambda found: known.get(found[1], ""), words).strip()
        for name, _equals, words in lines
        if name.strip()
    }


def opens_door(channel: str, key: str) -> bool:
    """Tell whether a key is the secret in the address a provider was given."""
    try:
        known = str(credentials_of(find_account(channel)).get("hook_key") or "")
    except CannotDecrypt:
        return False
    return bool(known) and same(known, key)


def push_places(customer_ids: list[int]) -> list[str]:
    """Return the push addresses of a person's browsers, the newest first; only for services that send."""
    rows = PushSubscription.objects.filter(customer_id__in=customer_ids).order_by("-pk")
    return [place for row in rows[: PushSubscription.MOST] if (place := row.place)]


def get_inbound_text(text_id: int) -> InboundText:
    """Return a received text message. Raises NotFound."""
    row = InboundText.objects.filter(pk=text_id).first()
    if row is None:
        raise NotFound(text=text_id)
    return row


def _active(channel: str) -> dict[str, Any]:
    return credentials_of(ChannelAccount.objects.filter(channel=channel, is_active=True).first())
