"""Accounts at the stand-in provider, notices and their jobs."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM
from core.jobs import drain
from core.models import Job
from notifications.models import ChannelAccount, Notice
from notifications.services import NoticeDraft, Place, give_notice, save_account, save_provider_template
from notifications.templates import TEMPLATES, register_template
from tests.providers import APP_ID, APP_SECRET, KEY_ID, KEY_SECRET, TOKEN, Provider

_number = itertools.count(1)
TEMPLATE = "tests.parcel"
PHONE = "+8613800138000"
CHANNELS = ("push", "wechat", "sms", "email")


def make_account(channel: str, provider: Provider, **values: str) -> ChannelAccount:
    """Make the account of a channel at the stand-in, as the settings page does."""
    usual: dict[str, dict[str, str]] = {
        "sms": {
            "access_key_id": KEY_ID, "access_key_secret": KEY_SECRET, "sign_name": "青禾", "endpoint": provider.url,
        },
        "wechat": {"app_id": APP_ID, "app_secret": APP_SECRET, "token": TOKEN, "endpoint": provider.url},
        "push": {"subject": "mailto:care@service.example", "private_key": ""},
    }  # fmt: skip
    return save_account(
        channel=channel, version=0, values=usual[channel] | values, is_active=True, actor=SYSTEM, at=timezone.now()
    )


def make_words(key: str = TEMPLATE) -> str:
    """Register a template on every channel, and name the provider's templates for it."""
    for channel in CHANNELS:
        if (key, channel) not in TEMPLATES:
            register_template(
                key,
                channel=channel,
                subject={"zh-hans": "订单 {order_number}", "en": "Order {order_number}"},
                body={"zh-hans": "订单 {order_number} 已发货\n\n{url}", "en": "Order {order_number} left\n\n{url}"},
            )
    for channel in ("sms", "wechat"):
        save_provider_template(
            channel=channel, key=key, language="zh-hans", code=f"T_{channel}", version=0, actor=SYSTEM,
            fields="number=订单 {order_number}" if channel == "wechat" else "", at=timezone.now(),
        )  # fmt: skip
    return key


def make_notice_row(provider: Provider, *, at: datetime | None = None, **fields: Any) -> Notice:
    """Give a notice with an address on every channel, outside quiet hours unless told otherwise."""
    addresses = {
        "push": provider.subscription(), "wechat": "oOpenId123456", "sms": PHONE, "email": "wang@customer.example",
    }  # fmt: skip
    channels = fields.pop("channels", CHANNELS)
    fields.setdefault("is_urgent", True)
    draft = NoticeDraft(
        **{
            "key": f"tests:{next(_number)}",
            "template": TEMPLATE,
            "language": "zh-hans",
            "zone": "Asia/Shanghai",
            "places": [Place(channel, addresses[channel]) for channel in channels],
            "context": {"order_number": "A1001", "url": "https://shop.example/track/x", "shop_name": "青禾"},
            "customer_id": 7,
            **fields,
        }
    )
    return give_notice(draft=draft, at=at or timezone.now())


def run_all(times: int = 1) -> None:
    """Run the jobs that are due, with tries that would wait for later run at once."""
    drain(seconds=15)
    for _ in range(times - 1):
        Job.objects.filter(state="ready").update(retry_at=None)
        drain(seconds=15)
