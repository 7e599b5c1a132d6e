"""What outgoing webhooks may tell: kinds of events that are public, each with a typed, versioned payload.

An app calls `register_webhook_kinds` in its registrations. Payloads hold ids, numbers, codes, amounts and times: never
a name, an address, a phone or a word somebody wrote. Who needs those asks the API with a key whose scope allows it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.errors import Text
from core.models import Event
from notifications.webhook_enums import PING

Builder = Callable[[list[Event]], Mapping[int, Any]]
VERSION = 1


@dataclass(frozen=True)
class WebhookKind:
    """One public kind: how it is called for people, its payload type, and who builds it."""

    kind: str
    group: Text
    label: Text
    payload: type[Any]
    build: Builder
    version: int


WEBHOOK_KINDS: dict[str, WebhookKind] = {}


def register_webhook_kinds(
    group: Text, labels: Mapping[str, Text], *, payload: type[Any], build: Builder, version: int = VERSION
) -> None:
    """Make kinds public; `build` gets events of these kinds and returns payloads by event id, in a few statements.

    An event it leaves out is not told. A payload's fields only ever grow; anything else is a new version.
    """
    for kind, label in labels.items():
        WEBHOOK_KINDS[kind] = WebhookKind(kind, group, label, payload, build, version)


def bodies_of(events: Iterable[Event]) -> dict[int, str]:
    """Return the message of each event as JSON, by event id; those nobody builds are left out."""
    by_builder: dict[Builder, list[Event]] = {}
    for event in events:
        if (known := WEBHOOK_KINDS.get(event.kind)) is not None:
            by_builder.setdefault(known.build, []).append(event)
    bodies = {}
    for build, mine in by_builder.items():
        payloads = build(mine)
        for event in mine:
            if (payload := payloads.get(event.pk)) is not None:
                known = WEBHOOK_KINDS[event.kind]
                bodies[event.pk] = written(event.kind, known.version, f"evt_{event.pk}", event.at, payload)
    return bodies


def written(kind: str, version: int, event_id: str, at: datetime, payload: Any) -> str:
    """Return a message as the receiver gets it, byte for byte."""
    told = {
        "type": kind,
        "version": version,
        "id": event_id,
        "timestamp": at.isoformat(),
        "data": {field.name: _plain(getattr(payload, field.name)) for field in dataclasses.fields(payload)},
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


@dataclass(frozen=True)
class PingPayload:
    """What a test by hand says."""

    webhook_id: int


def ping_body(webhook_id: int, at: datetime) -> str:
    """Return the message of a test by hand."""
    return written(PING, VERSION, "", at, PingPayload(webhook_id))
