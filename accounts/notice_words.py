"""How an entry of the notification centre reads: each app says it for its own kinds."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Notification


@dataclass(frozen=True)
class NoticeWords:
    icon: str
    text: str
    tone: str = "neutral"


Wording = Callable[[dict[str, Any]], NoticeWords]
WORDINGS: dict[str, Wording] = {}


def register_notice(kind: str, wording: Wording) -> None:
    """Say how entries of this kind read; gets the entry's params (ids and codes), asks the database nothing."""
    WORDINGS[kind] = wording


def words_for(notice: Notification) -> NoticeWords:
    """Return an entry's icon and sentence; a kind nobody words gets a plain one rather than none."""
    wording = WORDINGS.get(notice.kind)
    return wording(notice.params) if wording else NoticeWords("bell", _("Something needs your attention"))
