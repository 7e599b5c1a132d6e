"""Tickets of another desk on their way in: read dry, confirmed, then taken in by resumable batches."""

from tickets.services.migration.checking import check_migration
from tickets.services.migration.refused import write_problems
from tickets.services.migration.running import migrate_slice, run_migration
from tickets.services.migration.starting import begin_migration, cancel_migration, start_migration, sweep_migrations

__all__ = [
    "begin_migration",
    "cancel_migration",
    "check_migration",
    "migrate_slice",
    "run_migration",
    "start_migration",
    "sweep_migrations",
    "write_problems",
]
