"""Accounts at providers of tracking, and the provider itself as a real server on loopback."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.actors import SYSTEM
from cs_portal.demo.carrier import Provider, Step
from orders.models import CarrierAccount
from orders.selectors import carrier_ids
from orders.services.carrying import AccountDraft, save_carrier_account

_number = itertools.count(1)
KUAIDI = {"key": "standin-key", "customer": "STANDIN", "salt": "pepper-and-salt"}
AFTER = {"api_key": "standin-key", "webhook_secret": "standin-secret"}


def make_account(provider: str = "kuaidi100", url: str = "https://poll.kuaidi100.com", **fields: Any) -> CarrierAccount:
    """Make an account that knows 顺丰 and 中通 by the provider's names."""
    names = {"shunfeng": "shunfeng", "zhongtong": "zhongtong"}
    if provider == "aftership":
        names = {"shunfeng": "sf-express", "zhongtong": "zto-express"}
    ids = carrier_ids()
    draft = AccountDraft(
        provider=provider,
        name=fields.pop("name", f"{provider} {next(_number)}"),
        base_url=url,
        per_minute=fields.pop("per_minute", 6000),
        credentials=fields.pop("credentials", KUAIDI if provider == "kuaidi100" else AFTER),
        companies={ids[code]: name for code, name in fields.pop("companies", names).items()},
    )
    account = save_carrier_account(account_id=None, draft=draft, actor=SYSTEM, at=timezone.now())
    if fields:
        CarrierAccount.objects.filter(pk=account.pk).update(**fields)
        account.refresh_from_db()
    return account


@contextmanager
def provider_server(settings: Any, **told: Any) -> Iterator[Provider]:
    """Run a provider on loopback and let just that port be asked."""
    provider = Provider(**told)
    settings.OUTGOING_ALLOW = [f"127.0.0.1:{provider.port}"]
    try:
        yield provider
    finally:
        provider.close()


def steps(begun: datetime, count: int = 5) -> list[Step]:
    """Return the first scans of a parcel's way from Hangzhou to Shanghai, an hour apart."""
    told = [
        ("picked_up", "103", "【杭州市】快件已揽收", "浙江,杭州市"),
        ("in_transit", "1002", "【杭州转运中心】快件已发出", "浙江,杭州市"),
        ("in_transit", "1001", "【上海市】快件已到达目的地城市", "上海,上海市"),
        ("out_for_delivery", "5", "【上海市】派送员正在派送", "上海,上海市"),
        ("delivered", "301", "【上海市】已签收，签收人：本人", "上海,上海市"),
    ]
    return [
        Step(begun + timedelta(hours=index), status, code, text, place)
        for index, (status, code, text, place) in enumerate(told[:count])
    ]
