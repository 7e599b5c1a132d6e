"""The company's own wordings."""

from __future__ import annotations

from notifications.models import MessageTemplate


def own_wordings() -> dict[tuple[str, str, str], MessageTemplate]:
    """Return all own wordings by (key, channel, language)."""
    return {(row.key, row.channel, row.language): row for row in MessageTemplate.objects.all()}


def own_wording(key: str, channel: str, language: str) -> MessageTemplate | None:
    """Return the own wording of one template, None when the original is in force."""
    return MessageTemplate.objects.filter(key=key, channel=channel, language=language).first()
