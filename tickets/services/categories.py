"""The tree of categories: two levels, moved, rested, deleted only while nothing hangs on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound
from core.jobs import schedule
from tickets.enums import ACTIVE_STATUSES
from tickets.models import Category, CustomField, Macro, Ticket
from tickets.services.settings_rows import lock_row, write_row
from tickets.services.work import categorise_ticket

MOVE_JOB = "tickets.move_category"
BATCH = 100


@dataclass(frozen=True)
class CategoryWords:
    """What a category is; `parent_id` None is the first level."""

    key: str
    name_zh: str
    name_en: str
    stage: str
    parent_id: int | None = None
    public_zh: str = ""
    public_en: str = ""
    skill: str = ""
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
            row = lock_row(Category, pk, version, wanted)
            write_row(row, wanted)
            return row
    except IntegrityError:
        raise InvalidInput(fields={"key": [_("Another category already has this code.")]}) from None


@transaction.atomic
def shift_category(*, pk: int, up: bool) -> Category:
    """Move a category one place up or down among its siblings. Raises NotFound."""
    row = Category.objects.filter(pk=pk).first()
    if row is None:
        raise NotFound
    rows = list(
        Category.objects.select_for_update(no_key=True).filter(parent_id=row.parent_id).order_by("position", "pk")
    )
    at = next(number for number, one in enumerate(rows) if one.pk == pk)
    other = at - 1 if up else at + 1
    if 0 <= other < len(rows):
        rows[at], rows[other] = rows[other], rows[at]
    for number, one in enumerate(rows):
        if one.position != number * 10:
            one.position = number * 10
            one.version += 1
            one.save(update_fields=["position", "version"])
    return row


@transaction.atomic
def rest_category(*, pk: int, move_to: int | None, actor: Actor, at: datetime, version: int | None = None) -> Category:
    """Take a category out of use; its open tickets move to another one, when given, a hundred at a time.

    Closed tickets keep what they were counted under. Raises NotFound, StaleEdit, InvalidInput, Conflict while a
    category below it is in use.
    """
    row = lock_row(Category, pk, version, {"is_active": False})
    if Category.objects.filter(parent_id=pk, is_active=True).exists():
        raise Conflict(_("Categories below this one are still in use. Rest them first."), code="category_has_children")
    if move_to is not None and not Category.objects.filter(pk=move_to, is_active=True).exclude(pk=pk).exists():
        raise InvalidInput(fields={"move_to": [_("This category is no longer there.")]})
    write_row(row, {"is_active": False})
    if move_to is not None:
        payload = {"category_id": pk, "to_id": move_to, "staff_id": actor.id if actor.is_person else None, "part": 1}
        schedule(MOVE_JOB, key=f"{pk}:{row.version}:1", due_at=at, payload=payload)
    return row


@transaction.atomic
def move_tickets(*, category_id: int, to_id: int, actor: Actor, at: datetime) -> bool:
    """Give up to a hundred open tickets of a category another one; True when more are left."""
    if not Category.objects.filter(pk=to_id, is_active=True).exists():
        return False  # the target was rested meanwhile: the tickets stay as they are
    open_ones = Ticket.objects.filter(category_id=category_id, status__in=ACTIVE_STATUSES).order_by("pk")
    ids = list(open_ones.values_list("pk", flat=True)[: BATCH + 1])
    for ticket_id in ids[:BATCH]:
        categorise_ticket(ticket_id=ticket_id, category_id=to_id, actor=actor, at=at)
    return len(ids) > BATCH


def is_used(category_id: int) -> bool:
    """Tell whether anything hangs on a category."""
    return (
        Ticket.objects.filter(category_id=category_id).exists()
        or Category.objects.filter(parent_id=category_id).exists()
        or Macro.objects.filter(category_id=category_id).exists()
        or CustomField.objects.filter(category_id=category_id).exists()
    )


@transaction.atomic
def delete_category(*, pk: int, version: int | None = None) -> None:
    """Delete a category nothing ever used. Raises NotFound, StaleEdit, Conflict for a used one."""
    row = lock_row(Category, pk, version, {})
    try:
        if is_used(pk):
            raise ProtectedError("", set())
        with transaction.atomic():
            row.delete()
    except (ProtectedError, IntegrityError):  # something may have begun to use it a moment ago
        raise Conflict(_("This category is in use. Rest it instead."), code="category_used") from None
