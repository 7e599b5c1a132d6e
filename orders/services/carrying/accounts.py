"""Accounts at carriers' providers: added, changed, halted and resumed by people."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import CannotDecrypt, encrypt, random_token
from core.errors import InvalidInput, NotFound, StaleEdit, Text
from core.events import Code, record
from core.posting import AddressRefused, check_address, may_go_in_the_clear
from orders.carriers import CarrierError, adapter_for, adapters, credentials_of
from orders.carrying_events import CarrierAccountChanged
from orders.models import Carrier, CarrierAccount, CarrierCompany
from orders.services.carrying.pacing import announce_board, note_well


@dataclass(frozen=True)
class AccountDraft:
    """What is told of an account. Credentials left empty stay as they are; `companies` maps carrier ids to codes."""

    provider: str
    name: str
    base_url: str
    per_minute: int = 300
    is_active: bool = True
    credentials: dict[str, str] = field(default_factory=dict)
    companies: dict[int, str] = field(default_factory=dict)


@transaction.atomic
def save_carrier_account(
    *, account_id: int | None, draft: AccountDraft, version: int | None = None, actor: Actor, at: datetime
) -> CarrierAccount:
    """Add an account or change one. Raises InvalidInput, NotFound, StaleEdit."""
    account = _locked(account_id) if account_id is not None else CarrierAccount(provider=draft.provider)
    if account_id is not None and version is not None and account.version != version:
        raise StaleEdit
    values = _checked(account, draft)
    changed = [name for name, value in values.items() if name != "credentials_enc" and getattr(account, name) != value]
    changed += ["credentials"] if any(draft.credentials.values()) else []
    for name, value in values.items():
        setattr(account, name, value)
    if account_id is None:
        account.push_token = random_token()
        account.credentials_enc = values["credentials_enc"]
    else:
        account.version += 1
    try:
        with transaction.atomic():
            account.save()
            changed += ["companies"] if _save_companies(account, draft.companies) else []
    except IntegrityError as error:
        raise _taken(error) from None
    if account_id is None:
        record("carrier_account.added", subject=account, actor=actor, at=at)
    elif changed:
        data = CarrierAccountChanged(tuple(Code(name) for name in changed))
        record("carrier_account.changed", subject=account, actor=actor, at=at, data=data)
    announce_board()
    return account


def _checked(account: CarrierAccount, draft: AccountDraft) -> dict[str, Any]:
    fields: dict[str, list[Text]] = {}
    name, base_url = " ".join(draft.name.split()), draft.base_url.strip().rstrip("/")
    if draft.provider not in adapters() or (account.pk and account.provider != draft.provider):
        raise InvalidInput(fields={"provider": [_("Choose one of the providers.")]})
    if not 1 <= len(name) <= 80:
        fields["name"] = [_("Give the account a name of at most 80 characters.")]
    if problem := _address_problem(base_url):
        fields["base_url"] = [problem]
    if not 1 <= draft.per_minute <= 60000:
        fields["per_minute"] = [_("Give a number from 1 to 60,000.")]
    known = _known(account)
    for credential in adapter_for(draft.provider).credentials:
        told = draft.credentials.get(credential.name, "").strip()
        if told and (len(told) > 200 or not told.isascii() or not told.isprintable()):
            fields[credential.name] = [_("At most 200 letters, digits and signs.")]
        known[credential.name] = told or known.get(credential.name, "")
        if not known[credential.name]:
            fields[credential.name] = [_("The account does not work without this.")]
    if fields:
        raise InvalidInput(fields=fields)
    return {
        "name": name, "base_url": base_url, "per_minute": draft.per_minute, "is_active": draft.is_active,
        "credentials_enc": encrypt(json.dumps(known)),
    }  # fmt: skip


def _known(account: CarrierAccount) -> dict[str, str]:
    if not account.pk:
        return {}
    try:
        return credentials_of(account)
    except CannotDecrypt:  # the key is gone: everything has to be typed anew
        return {}


def _address_problem(url: str) -> Text | None:
    try:
        parts = check_address(url)
    except AddressRefused:
        return _("Give the whole address, such as https://poll.kuaidi100.com")
    if len(url) > 200 or parts.query:
        return _("Give the whole address, such as https://poll.kuaidi100.com")
    if not may_go_in_the_clear(parts):
        return _("The address must begin with https://")
    return None


def _save_companies(account: CarrierAccount, told: dict[int, str]) -> bool:
    wanted = {carrier_id: code.strip() for carrier_id, code in told.items() if code.strip()}
    if any(len(code) > 40 or not code.isprintable() for code in wanted.values()):
        raise InvalidInput(fields={"companies": [_("A company's code has at most 40 characters.")]})
    if Carrier.objects.filter(pk__in=wanted).count() != len(wanted):
        raise NotFound
    have = dict(account.companies.values_list("carrier_id", "code"))
    if have == wanted:
        return False
    account.companies.exclude(carrier_id__in=[pk for pk, code in wanted.items() if have.get(pk) == code]).delete()
    CarrierCompany.objects.bulk_create(
        CarrierCompany(account=account, carrier_id=pk, code=code) for pk, code in wanted.items() if have.get(pk) != code
    )
    return True


def _taken(error: IntegrityError) -> InvalidInput:
    if "company" in str(error):
        return InvalidInput(fields={"companies": [_("Two carriers cannot have the same code.")]})
    return InvalidInput(fields={"name": [_("Another account has this name.")]})


@transaction.atomic
def stop_carrier_account(*, account_id: int, actor: Actor, at: datetime) -> CarrierAccount:
    """Stop asking at an account by hand; what it pushes is still taken. Raises NotFound."""
    account = _locked(account_id)
    if not account.halted_code:
        account.halted_code, account.halted_at = "by_hand", at
        account.version += 1
        account.save(update_fields=["halted_code", "halted_at", "version"])
        data = CarrierAccountChanged((Code("halted"),))
        record("carrier_account.changed", subject=account, actor=actor, at=at, data=data)
        announce_board()
    return account


@transaction.atomic
def resume_carrier_account(*, account_id: int, actor: Actor, at: datetime) -> CarrierAccount:
    """Ask again: the halt is lifted and the breaker closed. Raises NotFound."""
    account = _locked(account_id)
    if account.halted_code or account.open_until or account.failures:
        account.halted_code, account.halted_at, account.failures, account.open_until = "", None, 0, None
        account.version += 1
        account.save(update_fields=["halted_code", "halted_at", "failures", "open_until", "version"])
        record("carrier_account.resumed", subject=account, actor=actor, at=at)
        announce_board()
    return account


@transaction.atomic
def renew_push_token(*, account_id: int, actor: Actor, at: datetime) -> CarrierAccount:
    """Give an account another push address; the old one ends now. Raises NotFound."""
    account = _locked(account_id)
    account.push_token = random_token()
    account.version += 1
    account.save(update_fields=["push_token", "version"])
    data = CarrierAccountChanged((Code("push_token"),))
    record("carrier_account.changed", subject=account, actor=actor, at=at, data=data)
    return account


def try_carrier_account(*, account_id: int) -> str:
    """Ask the provider whether it takes the account; return "" or a code why not. Not inside a transaction."""
    account = CarrierAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise NotFound
    try:
        adapter_for(account.provider).probe(account)
    except CarrierError as error:
        return error.code
    except (CannotDecrypt, KeyError):
        return "key_missing"
    note_well(account_id=account.pk, at=timezone.now())
    return ""


def _locked(account_id: int) -> CarrierAccount:
    account = CarrierAccount.objects.select_for_update(no_key=True).filter(pk=account_id).first()
    if account is None:
        raise NotFound
    return account
