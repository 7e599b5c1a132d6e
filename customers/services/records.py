"""What staff write about a customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from core.actors import Actor
from core.errors import StaleEdit
from core.events import Code, record
from core.text import normalise, pinyin_key, tidy_text
from customers.events import CustomerChanged
from customers.models import Customer
from customers.services.locking import announce_customer, lock_customer


@dataclass(frozen=True)
class CustomerDraft:
    """What an agent may change about a customer. `preferred_channel` None leaves it as it is, "" means no wish."""

    name: str
    tier: str
    tags: tuple[str, ...]
    note: str
    preferred_channel: str | None = None


@transaction.atomic
def edit_customer(*, customer_id: int, version: int, draft: CustomerDraft, actor: Actor, at: datetime) -> Customer:
    """Save name, tier, tags, note and wished channel. Raises StaleEdit with what differs, AlreadyErased."""
    customer = lock_customer(customer_id)
    new = {
        "name": normalise(draft.name)[:120],
        "tier": draft.tier,
        "tags": sorted({normalise(tag)[:40] for tag in draft.tags if tag.strip()}),
        "note": tidy_text(draft.note)[:4000],
    }
    if draft.preferred_channel is not None:
        new["preferred_channel"] = draft.preferred_channel
    changed = [name for name, value in new.items() if getattr(customer, name) != value]
    if customer.version != version and changed:
        raise StaleEdit(
            changes=[{"field": name, "yours": new[name], "theirs": getattr(customer, name)} for name in changed]
        )
    if not changed:
        return customer
    for name in changed:
        setattr(customer, name, new[name])
    customer.name_key = pinyin_key(customer.name)[:240]
    customer.version += 1
    customer.save(update_fields=[*changed, "name_key", "version"])
    if "tier" in changed:
        Customer.objects.filter(merged_into=customer).update(tier=customer.tier)
    data = CustomerChanged(fields=tuple(Code(name) for name in changed))
    record("customer.changed", subject=customer, actor=actor, at=at, data=data)
    announce_customer(customer)
    return customer


@transaction.atomic
def block_customer(*, customer_id: int, reason: str, actor: Actor, at: datetime) -> Customer:
    """Send what this customer writes from now on to spam; `reason` is a code."""
    return _set_blocked(customer_id, True, reason, actor, at)


@transaction.atomic
def unblock_customer(*, customer_id: int, actor: Actor, at: datetime) -> Customer:
    """Let this customer in again."""
    return _set_blocked(customer_id, False, "", actor, at)


def _set_blocked(customer_id: int, is_blocked: bool, reason: str, actor: Actor, at: datetime) -> Customer:
    customer = lock_customer(customer_id)
    if customer.is_blocked == is_blocked:
        return customer
    customer.is_blocked = is_blocked
    customer.version += 1
    customer.save(update_fields=["is_blocked", "version"])
    Customer.objects.filter(merged_into=customer).update(is_blocked=is_blocked)
    kind = "customer.blocked" if is_blocked else "customer.unblocked"
    record(kind, subject=customer, actor=actor, at=at, reason=reason)
    announce_customer(customer)
    return customer
