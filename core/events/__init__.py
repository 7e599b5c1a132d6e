"""The event log: declare kinds, record facts, read payloads."""

from core.events.kinds import BadPayload, Code, UndeclaredKind, declare
from core.events.log import (
    Fact,
    TooDeep,
    caused_by,
    current_cause,
    payload_of,
    record,
    record_many,
    recording_as,
    refuse_second_act,
)

__all__ = [
    "BadPayload",
    "Code",
    "Fact",
    "TooDeep",
    "UndeclaredKind",
    "caused_by",
    "current_cause",
    "declare",
    "payload_of",
    "record",
    "record_many",
    "recording_as",
    "refuse_second_act",
]
