from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Notification
from core.live import announce


@transaction.atomic(savepoint=False)  # one statement that nothing refuses
def notify(*, staff_id: int, kind: str, params: dict[str, Any], url: str, at: datetime) -> Notification:
    """Put an entry into a person's notification centre; `params` holds ids and codes only.

    After commit: the person's bell counts up.
    """
    notice = Notification.objects.create(staff_id=staff_id, kind=kind, params=params, url=url, at=at)
    announce(f"staff.{staff_id}", "notice", notice.pk, notice.pk)
    return notice


@transaction.atomic
def mark_notice_read(*, notice_id: int, staff_id: int, at: datetime) -> Notification | None:
    """Mark one of the person's own entries as read and return it; None when it is not hers."""
    notice = Notification.objects.select_for_update(no_key=True).filter(pk=notice_id, staff_id=staff_id).first()
    if notice is not None and notice.read_at is None:
        notice.read_at = at
        notice.save(update_fields=["read_at"])
        announce(f"staff.{staff_id}", "notice", notice.pk, notice.pk)
    return notice


@transaction.atomic
def mark_all_notices_read(*, staff_id: int, up_to_id: int, at: datetime) -> int:
    """Mark what the person saw as read: entries newer than the list she looked at stay unread."""
    count = Notification.objects.filter(staff_id=staff_id, read_at__isnull=True, pk__lte=up_to_id).update(read_at=at)
    if count:
        announce(f"staff.{staff_id}", "notice", up_to_id, up_to_id)
    return count
