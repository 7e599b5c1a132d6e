"""What supervisors set for the desk: canned replies.

Each edit carries the version it was made on.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from core.errors import InvalidInput
from tickets.models import CannedReply
from tickets.services.settings_rows import lock_row, write_row


@dataclass(frozen=True)
class CannedWords:
    """What a canned reply says; `owner_id` None is everybody's."""

    title: str
    shortcut: str
    body: str
    language: str = "zh-hans"
    owner_id: int | None = None
    is_active: bool = True
    folder: str = ""


@transaction.atomic
def save_canned_reply(*, pk: int | None, words: CannedWords, version: int | None = None) -> CannedReply:
    """Add or change a canned reply. Raises InvalidInput for a shortcut taken, NotFound, StaleEdit."""
    wanted = vars(words)
    try:
        with transaction.atomic():
            if pk is None:
                return CannedReply.objects.create(**wanted)
            row = lock_row(CannedReply, pk, version, wanted)
            write_row(row, wanted)
            return row
    except IntegrityError:
        raise InvalidInput(fields={"shortcut": [_("Another canned reply already has this shortcut.")]}) from None


def count_canned_use(*, reply_id: int) -> None:
    """Count that a canned reply was taken."""
    CannedReply.objects.filter(pk=reply_id).update(used_count=models.F("used_count") + 1)
