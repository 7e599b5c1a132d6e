"""What supervisors set for the desk: canned replies, categories, policies.

Each edit carries the version it was made on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput, NotFound, StaleEdit
from tickets.models import CannedReply, Category, SlaPolicy, Ticket
from tickets.selectors.settings import ACTIVE
from tickets.services.clocks import reprice_clocks
from tickets.services.locking import announce_ticket


def _lock[M: models.Model](model: type[M], pk: int, version: int | None, wanted: dict[str, Any]) -> M:
    """Lock a row for editing. Raises NotFound, StaleEdit with what differs when someone saved meanwhile."""
    row = model._default_manager.select_for_update(no_key=True).filter(pk=pk).first()
    if row is None:
        raise NotFound
    if version is not None and version != row.version:  # type: ignore[attr-defined]
        changes = [
            {"field": name, "yours": str(value), "theirs": str(getattr(row, name))}
            for name, value in wanted.items()
            if getattr(row, name) != value
        ]
        raise StaleEdit(changes=changes)
    return row


def _write(row: Any, wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*wanted, "version"])


@dataclass(frozen=True)
class CannedWords:
    """What a canned reply says; `owner_id` None is everybody's."""

    title: str
    shortcut: str
    body: str
    language: str = "zh-hans"
    owner_id: int | None = None
    is_active: bool = True


@transaction.atomic
def save_canned_reply(*, pk: int | None, words: CannedWords, version: int | None = None) -> CannedReply:
    """Add or change a canned reply. Raises InvalidInput for a shortcut taken, NotFound, StaleEdit."""
    wanted = vars(words)
    try:
        with transaction.atomic():
            if pk is None:
                return CannedReply.objects.create(**wanted)
            row = _lock(CannedReply, pk, version, wanted)
            _write(row, wanted)
            return row
    except IntegrityError:
        raise InvalidInput(fields={"shortcut": [_("Another canned reply already has this shortcut.")]}) from None


def count_canned_use(*, reply_id: int) -> None:
    """Count that a canned reply was taken."""
    CannedReply.objects.filter(pk=reply_id).update(used_count=models.F("used_count") + 1)


@dataclass(frozen=True)
class CategoryWords:
    """What a category is; `parent_id` None is the first level."""

    key: str
    name_zh: str
    name_en: str
    stage: str
    parent_id: int | None = None
    is_complaint: bool = False
    is_public: bool = True
    is_active: bool = True
    position: int = 0


@transaction.atomic
def save_category(*, pk: int | None, words: CategoryWords, version: int | None = None) -> Category:
    """Add or change a category; two levels, no more. Raises InvalidInput, NotFound, StaleEdit."""
    wanted = vars(words)
    parent = Category.objects.filter(pk=words.parent_id).first() if words.parent_id else None
    if words.parent_id and (parent is None or parent.parent_id is not None or parent.pk == pk):
        raise InvalidInput(fields={"parent": [_("Choose a category of the first level.")]})
    if pk is not None and words.parent_id and Category.objects.filter(parent_id=pk).exists():
        raise InvalidInput(fields={"parent": [_("This category has categories below it; move them first.")]})
    try:
        with transaction.atomic():
            if pk is None:
                return Category.objects.create(**wanted)
            row = _lock(Category, pk, version, wanted)
            _write(row, wanted)
            return row
    except IntegrityError:
        raise InvalidInput(fields={"key": [_("Another category already has this code.")]}) from None


@dataclass(frozen=True)
class PolicyTerms:
    """What a policy promises, in minutes, and in which time it counts."""

    name: str
    first_response_minutes: int
    resolution_minutes: int
    close_after_days: int
    is_business_time: bool


@transaction.atomic
def save_policy(
    *, pk: int | None, terms: PolicyTerms, at: datetime, version: int | None = None
) -> tuple[SlaPolicy, int]:
    """Add or change a policy; running clocks that hang on it move with it. Returns it and how many tickets moved.

    A clock that already stopped keeps the promise it was measured by. Raises NotFound, StaleEdit.
    """
    wanted = vars(terms)
    if pk is None:
        is_first = not SlaPolicy.objects.filter(is_default=True).exists()
        return SlaPolicy.objects.create(**wanted, is_default=is_first), 0
    row = _lock(SlaPolicy, pk, version, wanted)
    _write(row, wanted)
    moved = 0
    running = Ticket.objects.select_for_update(no_key=True).filter(policy_id=row.pk, status__in=ACTIVE).order_by("pk")
    for ticket in running.iterator(chunk_size=500):
        if reprice_clocks(ticket, row):
            ticket.version += 1
            ticket.save(update_fields=["first_response_due_at", "resolution_due_at", "version"])
            announce_ticket(ticket)
            moved += 1
    return row, moved
