from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import PresenceStatus
from accounts.models import Presence
from core.errors import InvalidInput
from core.live import announce


@transaction.atomic
def set_presence(*, staff_id: int, status: str, at: datetime) -> Presence:
    """Set where a person is; her own pages and whoever watches the staff hear of it after commit."""
    if status not in PresenceStatus.values:
        raise InvalidInput(fields={"status": [_("This status is not known.")]})
    Presence.objects.bulk_create([Presence(staff_id=staff_id, since=at, seen_at=at)], ignore_conflicts=True)
    presence = Presence.objects.select_for_update(no_key=True).get(pk=staff_id)
    if presence.status != status:
        presence.status, presence.since = status, at
    presence.seen_at = at
    presence.save(update_fields=["status", "since", "seen_at"])
    for group in (f"staff.{staff_id}", "presence"):
        announce(group, "presence", staff_id, int(at.timestamp() * 1000))
    return presence


def touch_presence(*, staff_id: int, at: datetime) -> None:
    """Note that a person's console is open (a socket's heartbeat)."""
    Presence.objects.filter(pk=staff_id, seen_at__lt=at).update(seen_at=at)
