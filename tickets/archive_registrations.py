"""What archives add to the shell: their settings page, their live group, their notice, erasure, jobs and events."""

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.notice_words import NoticeWords, register_notice
from core import registry
from tickets import archive_events, archive_jobs  # noqa: F401 - declared with the app
from tickets.models import Archive
from tickets.services.archives import drop_archives
from tickets.services.archives.writing import NOTICE


def _may_hear(staff: Staff, archive_id: int | None) -> bool:
    return archive_id is not None and Archive.objects.filter(pk=archive_id, asked_by=staff).exists()


def _ready(params: dict[str, Any]) -> NoticeWords:
    return NoticeWords("file-zip", gettext("Your archive is ready to be fetched"), "good")


registry.register_live_group("archive", _may_hear)
registry.register_erasure("archives", drop_archives)
register_notice(NOTICE, _ready)
registry.register_settings_page(
    "archive", _("Take the archive out"), _("Tickets with their messages, customers and orders as one file."),
    "file-zip", "tickets:archives", 61, Permission.ARCHIVE_EXPORT, group="more",
)  # fmt: skip
