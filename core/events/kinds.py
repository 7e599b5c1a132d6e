"""Declare the kinds of events and check their payloads: ids, codes, amounts and times, never words about a person."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NewType

Code = NewType("Code", str)
"""A short machine word: letters, digits and `_ . : -`, at most 64 characters. Never a name or free text."""

_CODE = re.compile(r"[A-Za-z0-9_.:\-]{0,64}")
_LONG_NUMBER = re.compile(r"\+?\d{8,}")
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Nothing:
    """A payload without fields."""


@dataclass(frozen=True)
class Kind:
    """One declared kind: its payload type, its schema version and how to lift older payloads."""

    name: str
    payload: type[Any]
    schema: int
    upcasters: dict[int, Upcaster]


KINDS: dict[str, Kind] = {}
_HINTS: dict[type[Any], dict[str, Any]] = {}


class UndeclaredKind(LookupError):
    """record() was given a kind no app declares."""


class BadPayload(TypeError):
    """A payload has the wrong type or holds something that must not be in the log."""


def declare(
    name: str,
    payload: type[Any] = Nothing,
    *,
    schema: int = 1,
    upcasters: dict[int, Upcaster] | None = None,
) -> Kind:
    """Declare an event kind (dotted past tense, `ticket.resolved`) with its frozen dataclass payload.

    `upcasters[n]` lifts a payload of schema n to n + 1; one is needed for every older schema.
    Raises BadPayload for a field type the log may not hold, ValueError when declared twice differently.
    """
    if not re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", name) or len(name) > 64:
        raise ValueError(f"event kind {name!r} is not dotted past tense")
    for field_name, hint in _hints(payload).items():
        if not _allowed(hint):
            raise BadPayload(f"{name}.{field_name}: {hint!r} may not stand in the log")
    lifts = upcasters or {}
    if set(lifts) != set(range(1, schema)):
        raise ValueError(f"{name}: an upcaster is needed for each schema below {schema}")
    kind = Kind(name, payload, schema, lifts)
    known = KINDS.get(name)
    if known is not None and known.payload is not payload:
        raise ValueError(f"event kind {name!r} is declared twice")
    KINDS[name] = kind
    return kind


def get_kind(name: str) -> Kind:
    """Return a declared kind. Raises UndeclaredKind."""
    try:
        return KINDS[name]
    except KeyError:
        raise UndeclaredKind(name) from None


def dump(kind: Kind, payload: Any) -> dict[str, Any]:
    """Turn a payload into JSON values. Raises BadPayload when it is not what the kind declares."""
    if payload is None:
        payload = kind.payload()
    if type(payload) is not kind.payload:
        raise BadPayload(f"{kind.name} wants {kind.payload.__name__}, got {type(payload).__name__}")
    dumped = {}
    for name, writer in _writers(kind.payload):
        value = getattr(payload, name)
        dumped[name] = found = writer(value)
        if found is _UNFIT:
            raise BadPayload(f"{kind.name}.{name} may not hold {type(value).__name__}")
    return dumped


def load(name: str, schema: int, data: dict[str, Any]) -> Any:
    """Rebuild the payload of a stored row in today's schema, lifting older ones step by step."""
    kind = get_kind(name)
    for version in range(schema, kind.schema):
        data = kind.upcasters[version](dict(data))
    hints = _hints(kind.payload)
    known = {key: _from_json(value, hints[key]) for key, value in data.items() if key in hints}
    return kind.payload(**known)


def _hints(payload: type[Any]) -> dict[str, Any]:
    if payload not in _HINTS:
        _HINTS[payload] = typing.get_type_hints(payload)
    return _HINTS[payload]


def _members(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        return typing.get_args(hint)
    return (hint,)


def _allowed(hint: Any) -> bool:
    for member in _members(hint):
        if typing.get_origin(member) is tuple:
            if not all(_allowed(arg) for arg in typing.get_args(member) if arg is not Ellipsis):
                return False
        elif member not in {int, bool, Decimal, datetime, date, Code, type(None)}:
            return False
    return True


Writer = Callable[[Any], Any]
_UNFIT: Any = object()


_writers_of: dict[type[Any], tuple[tuple[str, Writer], ...]] = {}


def _writers(payload: type[Any]) -> tuple[tuple[str, Writer], ...]:
    """Return each field's name with what turns its value into JSON, or into _UNFIT."""
    if payload not in _writers_of:
        hints = _hints(payload)
        _writers_of[payload] = tuple((f.name, _writer(hints[f.name])) for f in dataclasses.fields(payload))
    return _writers_of[payload]


def _writer(hint: Any) -> Writer:
    writers = [_list_writer(m) if typing.get_origin(m) is tuple else _WRITERS[m] for m in _members(hint)]
    if len(writers) == 1:
        return writers[0]

    def first_fit(value: Any) -> Any:
        for writer in writers:
            if (found := writer(value)) is not _UNFIT:
                return found
        return _UNFIT

    return first_fit


def _list_writer(hint: Any) -> Writer:
    inner = _writer(typing.get_args(hint)[0])

    def write(value: Any) -> Any:
        if not isinstance(value, tuple | list):
            return _UNFIT
        found = [inner(item) for item in value]
        return _UNFIT if any(item is _UNFIT for item in found) else found

    return write


@lru_cache(maxsize=4096)
def _is_code(value: str) -> bool:
    return _CODE.fullmatch(value) is not None and _LONG_NUMBER.fullmatch(value) is None


def _write_datetime(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) and value.tzinfo is not None else _UNFIT


def _write_date(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) and not isinstance(value, datetime) else _UNFIT


_WRITERS: dict[Any, Writer] = {
    type(None): lambda value: None if value is None else _UNFIT,
    bool: lambda value: value if isinstance(value, bool) else _UNFIT,
    int: lambda value: value if isinstance(value, int) and not isinstance(value, bool) else _UNFIT,
    Decimal: lambda value: str(value) if isinstance(value, Decimal) and value.is_finite() else _UNFIT,
    datetime: _write_datetime,
    date: _write_date,
    Code: lambda value: str(value) if isinstance(value, str) and _is_code(value) else _UNFIT,
}


def _from_json(value: Any, hint: Any) -> Any:
    if value is None:
        return None
    for member in _members(hint):
        if typing.get_origin(member) is tuple and isinstance(value, list):
            return tuple(_from_json(item, typing.get_args(member)[0]) for item in value)
        if member is Decimal and isinstance(value, str):
            return Decimal(value)
        if member is datetime and isinstance(value, str):
            return datetime.fromisoformat(value)
        if member is date and isinstance(value, str):
            return date.fromisoformat(value)
    return value
