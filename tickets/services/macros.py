"""Macros: what supervisors and agents prepare."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from core.text import normalise
from tickets.enums import MacroAssign, MessageKind, Priority
from tickets.models import Macro
from tickets.services.conversation import AFTER_REPLY
from tickets.services.settings_rows import lock_row, write_row


@dataclass(frozen=True)
class MacroWords:
    """What a macro says and does; `owner_id` None is everybody's."""

    title: str
    folder: str = ""
    kind: str = MessageKind.PUBLIC
    body: str = ""
    status: str = ""
    priority: int | None = None
    category_id: int | None = None
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    assign: str = MacroAssign.KEEP
    assignee_id: int | None = None
    team_id: int | None = None
    owner_id: int | None = None
    is_active: bool = True


@transaction.atomic
def save_macro(*, pk: int | None, words: MacroWords, version: int | None = None) -> Macro:
    """Add or change a macro. Raises InvalidInput (nothing to do, title taken), NotFound, StaleEdit."""
    wanted = {**vars(words), "add_tags": _tags(words.add_tags), "remove_tags": _tags(words.remove_tags)}
    does = words.status or words.priority or words.category_id or wanted["add_tags"] or wanted["remove_tags"]
    if not (words.body.strip() or does or words.assign != MacroAssign.KEEP or words.team_id):
        raise InvalidInput(fields={"body": [_("A macro needs words or at least one step.")]})
    if words.status and words.status not in AFTER_REPLY:
        raise InvalidInput(fields={"status": [_("This status cannot follow an answer.")]})
    if words.priority is not None and words.priority not in Priority.values:
        raise InvalidInput(fields={"priority": [_("This priority does not exist.")]})
    if words.assign == MacroAssign.PERSON and words.assignee_id is None:
        raise InvalidInput(fields={"assignee": [_("Choose a colleague.")]})
    try:
        with transaction.atomic():
            if pk is None:
                return Macro.objects.create(**wanted)
            row = lock_row(Macro, pk, version, wanted)
            write_row(row, wanted)
            return row
    except IntegrityError:
        raise InvalidInput(fields={"title": [_("Another macro already has this title.")]}) from None


def _tags(tags: tuple[str, ...]) -> list[str]:
    return sorted({normalise(tag)[:40] for tag in tags if normalise(tag)})
