"""Several reads of one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg import IsolationLevel


@contextmanager
def one_snapshot() -> Iterator[None]:
    """Let every statement within read the same moment of the database, and none write.

    A transaction of its own, REPEATABLE READ and READ ONLY: it takes no transaction id, so it holds no fold back, and
    costs nothing but its BEGIN and COMMIT. Inside an open transaction (a test's; views open none) it adds nothing: the
    moment is as fixed as that transaction's isolation makes it.
    """
    if connection.in_atomic_block:
        yield
        return
    connection.close_if_health_check_failed()  # now, or atomic() would go on with a fresh session without these marks
    connection.ensure_connection()
    session = connection.connection
    before = session.isolation_level, session.read_only
    session.isolation_level, session.read_only = IsolationLevel.REPEATABLE_READ, True
    try:
        with transaction.atomic():
            yield
    finally:
        if connection.connection is session and not session.closed:
            session.isolation_level, session.read_only = before
