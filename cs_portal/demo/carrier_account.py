"""The demo shop's account at the trial's provider of tracking."""

from __future__ import annotations

import secrets
from datetime import datetime

from core.actors import SYSTEM
from cs_portal.demo.carrier import Provider
from orders.models import Carrier, CarrierAccount
from orders.services.carrying import AccountDraft, save_carrier_account

NAME = "快递100（体验版）"


def open_account(provider: Provider, *, at: datetime) -> CarrierAccount:
    """Make the account, or lead the one that is there to where the provider stands today."""
    known = CarrierAccount.objects.filter(name=NAME).first()
    draft = AccountDraft(
        provider="kuaidi100",
        name=NAME,
        base_url=provider.url,
        per_minute=600,
        credentials={"key": provider.key, "customer": provider.customer, "salt": secrets.token_hex(16)},
        companies={carrier.pk: carrier.code for carrier in Carrier.objects.filter(is_active=True)},
    )
    return save_carrier_account(account_id=known.pk if known else None, draft=draft, actor=SYSTEM, at=at)
