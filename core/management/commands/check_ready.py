"""Refuse to start on a database that is not ready."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.backup.restored import has_future_xids


class Command(BaseCommand):
    """`manage.py check_ready`: exit 1 with a reason when migrations are missing or a restore was not finished."""

    help = "Say whether web and worker may start on this database."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check migrations and transaction ids."""
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database needs `manage.py migrate` first.")
        if has_future_xids():
            raise CommandError(
                "The log holds transaction ids from another cluster: it was restored. Run `manage.py after_restore`."
            )
        self.stdout.write("ready")
