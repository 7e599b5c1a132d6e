"""Join two records of one person, and take them apart again, exactly.

Nothing changes hands: the source keeps its contacts, orders, tickets and events and points to the target; look-ups
lead to the target and streams read both. What arrives meanwhile belongs to the target; taken apart, what came by a
contact of the source goes with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import NotFound, StaleEdit
from core.events import record
from customers.arrivals import ARRIVALS
from customers.enums import Tier
from customers.errors import AlreadyErased, CannotMerge, CannotUnmerge
from customers.events import CustomersJoined, CustomersParted
from customers.models import Customer, CustomerMerge, DuplicatePair
from customers.selectors.merging import came_by, descendants
from customers.services.contact_choices import settle_choices
from customers.services.locking import announce_customer, lock_families

MOST_ALIASES = 50
TIERS = [tier.value for tier in Tier]
FIELDS = ("name", "name_key", "tier", "tags", "is_blocked", "note")


@transaction.atomic
def merge_customers(
    *, source_id: int, target_id: int, actor: Actor, at: datetime, versions: dict[int, int] | None = None
) -> CustomerMerge:
    """Join the source's record into the target's and return the joining; asked twice it is done once.

    `versions` are those the person looked at. Raises NotFound, CannotMerge, AlreadyErased, StaleEdit.
    After commit: pages of both look again.
    """
    locked = lock_families([source_id, target_id])
    source, target = locked.get(source_id), locked.get(target_id)
    if source is None or target is None:
        raise NotFound
    if source.merged_into_id == target.pk:
        return CustomerMerge.objects.get(source=source, undone_at=None)
    _check_pair(source, target)
    for customer in (source, target):
        if versions and versions.get(customer.pk, customer.version) != customer.version:
            raise StaleEdit(changes=[])
    aliases = [row for row in locked.values() if row.merged_into_id in {source.pk, target.pk}]
    if len(aliases) >= MOST_ALIASES:
        raise CannotMerge(_("More than fifty records of one person cannot be joined."))
    merge = CustomerMerge(
        source=source, target=target, merged_at=at, merged_by_id=actor.id if actor.is_person else None
    )
    merge.taken, new = outcome(source, target)
    merge.before = {"tier": source.tier, "is_blocked": source.is_blocked}
    for name, value in new.items():
        setattr(target, name, value)
    _point(source, target, [row for row in aliases if row.merged_into_id == source.pk])
    target.version += 1
    target.save(update_fields=[*FIELDS, "version"])
    _follow(target)
    merge.save(force_insert=True)
    settle_choices(target, at=at)
    DuplicatePair.objects.filter(low_id=min(source.pk, target.pk), high_id=max(source.pk, target.pk)).delete()
    record("customer.merged", subject=source, actor=actor, at=at, data=CustomersJoined(target.pk))
    record("customer.took_in", subject=target, actor=actor, at=at, data=CustomersJoined(source.pk))
    announce_customer(source)
    announce_customer(target)
    return merge


def _check_pair(source: Customer, target: Customer) -> None:
    if source.pk == target.pk:
        raise CannotMerge(_("A record cannot be joined with itself."))
    if source.erased_at is not None or target.erased_at is not None:
        raise AlreadyErased
    if source.merged_into_id is not None:
        raise CannotMerge(_("This record was joined with another one already."), into_id=source.merged_into_id)
    if target.merged_into_id is not None:
        raise CannotMerge(_("That record was joined with another one. Choose that one."), into_id=target.merged_into_id)


def outcome(source: Customer, target: Customer) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return what the target takes over: ({field: [before, after]} as JSON, {field: new value}); the page shows it too.

    A name it has stays, the higher tier and a block win, tags and notes add up.
    """
    new: dict[str, Any] = {}
    if not target.name and source.name:
        new |= {"name": source.name, "name_key": source.name_key}
    tier = max(source.tier, target.tier, key=TIERS.index)
    tags = sorted({*target.tags, *source.tags})
    for name, value in (("tier", tier), ("tags", tags), ("is_blocked", source.is_blocked or target.is_blocked)):
        if value != getattr(target, name):
            new[name] = value
    return {name: [getattr(target, name), value] for name, value in new.items()}, new


def _point(source: Customer, target: Customer, parts: list[Customer]) -> None:
    """Let the source's own joined records point to the target first, then the source: never two steps."""
    for part in parts:
        Customer.objects.filter(pk=part.pk).update(merged_into=target)
    source.merged_into = target
    source.version += 1
    source.save(update_fields=["merged_into", "version"])


def _follow(target: Customer) -> None:
    """Let joined records show the tier and block that count, for lists and routing that read them there."""
    Customer.objects.filter(merged_into=target).update(tier=target.tier, is_blocked=target.is_blocked)


@transaction.atomic
def unmerge_customer(*, source_id: int, actor: Actor, at: datetime) -> Customer:
    """Take a joined record out again and return it: contacts, tier, tags and choices as before on both sides.

    What the target took over goes back where it still stands as it was taken. What came meanwhile by a contact of the
    source goes with it. Raises NotFound, CannotUnmerge, AlreadyErased.
    """
    locked = lock_families([source_id])
    source = locked.get(source_id)
    if source is None:
        raise NotFound
    if source.erased_at is not None:
        raise AlreadyErased
    merge = CustomerMerge.objects.filter(source=source, undone_at=None).first()
    if source.merged_into_id is None or merge is None:
        raise NotFound
    if merge.target_id != source.merged_into_id:
        raise CannotUnmerge(_("The record it was joined with was joined further. Take that one out first."))
    target = locked[source.merged_into_id]
    parts = descendants(source.pk, target.pk)
    arrived = {name: app.find(came_by(merge, parts)) for name, app in sorted(ARRIVALS.items())}
    source.merged_into = None
    source.version += 1
    for name, value in merge.before.items():
        setattr(source, name, value)
    source.save(update_fields=["merged_into", "version", *merge.before])
    Customer.objects.filter(pk__in=parts).update(merged_into=source)
    _follow(source)
    _give_back(target, merge)
    merge.undone_at = at
    merge.save(update_fields=["undone_at"])
    settle_choices(target, at=at)
    settle_choices(source, at=at)
    moved = sum(ARRIVALS[name].give(ids, source.pk, actor, at) for name, ids in arrived.items() if ids)
    record("customer.unmerged", subject=source, actor=actor, at=at, data=CustomersParted(target.pk, moved))
    record("customer.let_go", subject=target, actor=actor, at=at, data=CustomersParted(source.pk, moved))
    announce_customer(source)
    announce_customer(target)
    return source


def _give_back(target: Customer, merge: CustomerMerge) -> None:
    others = list(
        CustomerMerge.objects.filter(target=target, undone_at=None).exclude(pk=merge.pk).select_related("source")
    )
    for name, (before, after) in merge.taken.items():
        if name == "tags":
            kept = {tag for other in others for tag in other.source.tags}
            added = set(after) - set(before) - kept
            target.tags = [tag for tag in target.tags if tag not in added]
        elif getattr(target, name) == after and not _took_later(others, merge, name):
            setattr(target, name, before)
        for other in others:  # a later joining began from what this one had made of it
            if other.pk > merge.pk and name != "tags" and other.taken.get(name, [None])[0] == after:
                other.taken[name][0] = before
                other.save(update_fields=["taken"])
    target.version += 1
    target.save(update_fields=[*FIELDS, "version"])
    _follow(target)


def _took_later(others: list[CustomerMerge], merge: CustomerMerge, name: str) -> bool:
    return any(other.pk > merge.pk and name in other.taken for other in others)
