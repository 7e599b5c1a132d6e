"""The trial's providers of text messages, WeChat and push: stand-ins on this machine, with accounts as in life."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from core.actors import SYSTEM
from core.crypto import random_token
from notifications.enums import Channel
from notifications.services import save_account, save_provider_template, subscribe_push
from notifications.services.gateway import trial_subscription
from notifications.templates import TEMPLATES
from orders.models import Order

BROWSERS = 5


def set_channels_up(now: datetime) -> None:
    """Make the accounts, name the providers' templates, and let the newest orders' customers have push notices."""
    base = f"{settings.PUBLIC_URL.rstrip('/')}/mail/gateway"
    accounts = {
        "sms": {
            "access_key_id": "trial", "access_key_secret": random_token(), "sign_name": "青禾",
            "endpoint": f"{base}/sms/",
        },
        "wechat": {
            "app_id": "wxtrial", "app_secret": random_token(), "token": random_token(), "endpoint": f"{base}/wechat",
        },
        "push": {"subject": "mailto:care@shop.example", "private_key": ""},
    }  # fmt: skip
    for channel, values in accounts.items():
        save_account(channel=channel, version=0, values=values, is_active=True, actor=SYSTEM, at=now)
    for number, (key, channel) in enumerate(sorted(TEMPLATES), 1):
        if channel in {Channel.SMS, Channel.WECHAT}:
            code = f"SMS_{100000 + number}" if channel == Channel.SMS else f"trial-template-{number}"
            save_provider_template(
                channel=channel, key=key, language="zh-hans", code=code, fields="", version=0, actor=SYSTEM, at=now
            )
    customers = Order.objects.order_by("-placed_at", "-pk").values_list("customer_id", flat=True)[:BROWSERS]
    for customer_id in dict.fromkeys(customers):
        place = trial_subscription(f"phone-{customer_id}")
        subscribe_push(customer_id=customer_id, subscription=place, at=now)
