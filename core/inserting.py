"""Insert a row unless it is there already, in one statement; take ids ahead for many rows."""

from __future__ import annotations

from django.db import connection, router
from django.db.models import Model
from django.db.models.constants import OnConflict


def insert_once(row: Model) -> bool:
    """Insert a new row; return False when one with the same unique value is there (then it is committed and seen).

    Of two transactions at once the second waits for the first, and inserts after all when that is rolled back. Nothing
    fails, so no savepoint is needed. Rows without parents only.
    """
    meta, using = row._meta, router.db_for_write(type(row), instance=row)
    fields = [field for field in meta.local_concrete_fields if not field.generated and field is not meta.auto_field]
    returning = list(meta.db_returning_fields)
    found = type(row)._base_manager._insert(  # type: ignore[attr-defined]
        [row], fields=fields, returning_fields=returning, using=using, on_conflict=OnConflict.IGNORE
    )
    if not found:
        return False
    for field, value in zip(returning, found[0], strict=True):
        setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, using
    return True


def reserve_ids(table: str, count: int) -> list[int]:
    """Return so many ids of a table that nobody else gets, rising. The sequence is looked up once, not for each."""
    if not count:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(s) FROM (SELECT pg_get_serial_sequence(%s, 'id')::regclass AS s OFFSET 0) one,"
            " generate_series(1, %s)",
            [table, count],
        )
        return [row[0] for row in cursor.fetchall()]
