"""Statements that are written once, planned once per connection, and run with other values.

Django takes longer to write the desk's largest statements than PostgreSQL to plan them, and PostgreSQL longer to plan
than to run them. A kept statement is built with samples in the place of what changes from call to call (`Slot`); its
text is remembered under a key that names everything else it depends on, and it is sent as a prepared statement. All
other values stand in the text: a plan that does not know them could not use partial indexes.

Never keep a statement whose text depends on something its key does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import psycopg
from django.db import connection, transaction
from django.db.models import QuerySet
from django.db.models.query import ModelIterable
from psycopg.types.numeric import Int8

MOST = 1000  # statements remembered per process; beyond that all are written anew
_OPEN, _CLOSE = "\ue000", "\ue001"


@dataclass(frozen=True)
class Slot:
    """A place in a statement for what changes: `sample` stands for it while the statement is written."""

    name: str
    sample: Any
    cast: str = "bigint"


def number_slot(name: str, number: int) -> Slot:
    """Return a slot for a key or another whole number; `number` tells slots of one statement apart."""
    return Slot(name, 9_100_000_000_000_000_000 + number)


class PreparedCursor(psycopg.Cursor[Any]):
    """A cursor that binds on the server and prepares at once, where the connection allows it (PREPARED_STATEMENTS)."""

    def execute(self, query: Any, params: Any = None, **_options: Any) -> PreparedCursor:
        """Run a statement, prepared."""
        super().execute(query, params, prepare=True)
        return self


def run_prepared(text: str, values: Mapping[str, Any], *, binary: bool = False) -> list[tuple[Any, ...]]:
    """Run a statement with %(name)s in it and return its rows. Whole numbers are sent as bigint, so cast to that.

    `binary` has the rows sent in binary: half of the bytes, where they are bytes.
    """
    connection.ensure_connection()
    raw = PreparedCursor(connection.connection)
    raw.format = psycopg.pq.Format.BINARY if binary else psycopg.pq.Format.TEXT
    make = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    sent = {name: Int8(value) if type(value) is int else value for name, value in values.items()}
    with make(raw) as cursor:  # type: ignore[arg-type]
        cursor.execute(text, sent)
        return cursor.fetchall()


def write_kept(sql: str, params: Sequence[Any], slots: Iterable[Slot]) -> str:
    """Return a statement as text with %(name)s in the place of each slot's sample and all other values written in."""
    of = {slot.sample: slot for slot in slots}  # samples are like no other value, so their type says nothing

    def told(value: Any) -> Any:
        is_list = isinstance(value, list) and len(value) == 1
        one = value[0] if is_list else value.obj if isinstance(value, psycopg.Binary) else value
        slot = of.get(one) if isinstance(one, Hashable) else None
        return f"{_OPEN}{'*' * is_list}{slot.name}{_CLOSE}" if slot else value

    connection.ensure_connection()
    text = psycopg.ClientCursor(connection.connection).mogrify(sql, [told(value) for value in params])
    text = text.replace("%", "%%")
    for slot in of.values():
        text = text.replace(f"'{_OPEN}{slot.name}{_CLOSE}'", f"%({slot.name})s::{slot.cast}")
        text = text.replace(f"'{_OPEN}*{slot.name}{_CLOSE}'", f"ARRAY[%({slot.name})s::{slot.cast}]")
    if _OPEN in text or any(_words(slot.sample) in text for slot in of.values()):
        raise ValueError("a sample stands where no value can be filled in")
    return text


def _words(sample: Any) -> str:
    return sample.hex() if isinstance(sample, bytes) else str(sample)


class Kept:
    """The kept statements of one kind, by key."""

    def __init__(self, slots: Callable[[], Iterable[Slot]]) -> None:
        self._slots = slots
        self._known: dict[Hashable, tuple[str, Any]] = {}
        self._lock = Lock()

    def text(self, key: Hashable, write: Callable[[], tuple[str, Sequence[Any]]]) -> str:
        """Return the text of a statement, written by `write` (SQL with %s, values) the first time."""
        return self._find(key, lambda: (write_kept(*write(), self._slots()), None))[0]

    def rows(self, key: Hashable, build: Callable[[], QuerySet[Any, Any]], **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a `values_list` as tuples. Raises EmptyResultSet when the queryset cannot hold any."""
        text, source = self._find(key, lambda: self._compile(build()))
        return list(source.compiler.results_iter([run_prepared(text, values)], tuple_expected=True))

    def instances(self, key: Hashable, build: Callable[[], QuerySet[Any, Any]], **values: Any) -> list[Any]:
        """Return the rows of a queryset of models, with its annotations. Raises EmptyResultSet as above.

        One that locks its rows raises TransactionManagementError outside a transaction.
        """
        text, source = self._find(key, lambda: self._compile(build()))
        if source.queryset.query.select_for_update and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        return list(ModelIterable(_Answered(source, run_prepared(text, values))))  # type: ignore[arg-type]

    def _compile(self, queryset: QuerySet[Any, Any]) -> tuple[str, _Source]:
        compiler = queryset.query.get_compiler(connection.alias)
        sql, params = compiler.as_sql()
        return write_kept(sql, params, self._slots()), _Source(queryset, compiler)

    def _find(self, key: Hashable, make: Callable[[], tuple[str, Any]]) -> tuple[str, Any]:
        found = self._known.get(key)
        if found is None:
            found = make()
            with self._lock:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[key] = found
        return found


@dataclass(frozen=True)
class _Source:
    """A queryset and the compiler that wrote it, which knows what its columns are."""

    queryset: QuerySet[Any, Any]
    compiler: Any


class _Answered:
    """A queryset, its query and its compiler in one, as ModelIterable asks of them, with the rows there already."""

    def __init__(self, source: _Source, rows: list[tuple[Any, ...]]) -> None:
        self._source, self._rows = source, rows
        self.db, self.query = connection.alias, self

    def get_compiler(self, using: str) -> _Answered:
        """Stand in for the compiler."""
        return self

    def execute_sql(self, **_options: Any) -> list[list[tuple[Any, ...]]]:
        """Return what came already."""
        return [self._rows]

    def __getattr__(self, name: str) -> Any:
        source = self._source
        return getattr(source.compiler if hasattr(source.compiler, name) else source.queryset, name)
