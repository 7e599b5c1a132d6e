"""Lock and write a row somebody edits on a settings page, by the version it was opened on."""

from __future__ import annotations

from typing import Any

from django.db import models

from core.editing import changes_of
from core.errors import NotFound, StaleEdit


def lock_row[M: models.Model](model: type[M], pk: int, version: int | None, wanted: dict[str, Any]) -> M:
    """Lock a row for editing. Raises NotFound, StaleEdit with what differs when someone saved meanwhile."""
    row: Any = model._default_manager.select_for_update(no_key=True).filter(pk=pk).first()
    if row is None:
        raise NotFound
    if version is not None and row.version != version:
        raise StaleEdit(changes=changes_of(row, wanted))
    found: M = row
    return found


def write_row(row: Any, wanted: dict[str, Any]) -> None:
    """Write the wanted values and count the version up."""
    for name, value in wanted.items():
        setattr(row, name, value)
    row.version += 1
    row.save(update_fields=[*wanted, "version"])
