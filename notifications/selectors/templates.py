"""The company's own wordings."""

from __future__ import annotations

from core.kept import Kept
from notifications.models import MessageTemplate

_reading = Kept(tuple)


def own_wordings() -> dict[tuple[str, str, str], MessageTemplate]:
    """Return all own wordings by (key, channel, language)."""
    return {(row.key, row.channel, row.language): row for row in MessageTemplate.objects.all()}


def own_wording(key: str, channel: str, language: str) -> MessageTemplate | None:
    """Return the own wording of one template, None when the original is in force."""
    found = _reading.instances(
        (key, channel, language),
        lambda: MessageTemplate.objects.filter(key=key, channel=channel, language=language),
    )
    return found[0] if found else None
