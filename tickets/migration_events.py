"""Events of migrations from another desk."""

from dataclasses import dataclass

from core.events import declare


@dataclass(frozen=True)
class MigrationFinished:
    """Another desk's export is in: tickets new and grown, messages, and parts refused."""

    tickets_new: int
    tickets_changed: int
    messages_new: int
    refused: int


declare("migration.finished", MigrationFinished)
