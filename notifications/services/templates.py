"""The company's own wording of a registered template."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from notifications.events import TemplateSaved
from notifications.models import MessageTemplate
from notifications.rendering import check_header
from notifications.templates import get_template

BODY_MAX = 20_000


@transaction.atomic
def save_template(
    *, key: str, channel: str, language: str, subject: str, body: str, version: int, actor: Actor, at: datetime
) -> MessageTemplate:
    """Save own wording; `version` is 0 when there was none. Raises UnknownTemplate, InvalidInput, StaleEdit."""
    get_template(key, channel)
    body = body.replace("\r\n", "\n").strip()
    subject = check_header(subject.strip())
    if not subject or len(subject) > 200:
        raise InvalidInput(fields={"subject": [_("A subject has 1 to 200 characters.")]})
    if not body or len(body) > BODY_MAX:
        raise InvalidInput(fields={"body": [_("The text must not be empty and has at most 20,000 characters.")]})
    rows = MessageTemplate.objects.select_for_update(no_key=True)
    row = rows.filter(key=key, channel=channel, language=language).first()
    if (row.version if row else 0) != version:
        theirs = row or MessageTemplate()
        raise StaleEdit(
            changes=[
                {"field": name, "yours": mine, "theirs": getattr(theirs, name)}
                for name, mine in (("subject", subject), ("body", body))
                if mine != getattr(theirs, name)
            ]
        )
    row = row or MessageTemplate(key=key, channel=channel, language=language, version=0)
    row.subject, row.body, row.changed_at = subject, body, at
    row.version += 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:  # somebody made the first own wording a moment ago
        raise StaleEdit from None
    _record("message_template.changed", row, actor, at)
    return row


@transaction.atomic
def reset_template(*, key: str, channel: str, language: str, actor: Actor, at: datetime) -> bool:
    """Go back to the original wording; False when it was in force already."""
    rows = MessageTemplate.objects.select_for_update()
    row = rows.filter(key=key, channel=channel, language=language).first()
    if row is None:
        return False
    _record("message_template.reset", row, actor, at)
    row.delete()
    return True


def _record(kind: str, row: MessageTemplate, actor: Actor, at: datetime) -> None:
    data = TemplateSaved(template=Code(row.key), channel=Code(row.channel), language=Code(row.language))
    record(kind, subject=row, actor=actor, at=at, data=data)
