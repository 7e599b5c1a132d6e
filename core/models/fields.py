"""Database types Django does not know."""

from __future__ import annotations

from typing import Any

from django.db import models


class Xid8Field(models.Field):
    """A 64-bit transaction id (xid8); read as int."""

    description = "PostgreSQL transaction id"

    def db_type(self, connection: Any) -> str:
        """Return the column type."""
        return "xid8"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        """Turn the text the driver gives into an int."""
        return None if value is None else int(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Send it as text; the server casts."""
        return None if value is None or hasattr(value, "as_sql") else str(value)


class CurrentXid(models.Func):
    """pg_current_xact_id(): the id of this transaction."""

    function = "pg_current_xact_id"
    template = "%(function)s()"
    arity = 0
    output_field = Xid8Field()


class ClockTimestamp(models.Func):
    """clock_timestamp(): the server's wall clock, moving inside a transaction."""

    function = "clock_timestamp"
    template = "%(function)s()"
    arity = 0
    output_field = models.DateTimeField()
