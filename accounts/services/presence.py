from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.availability import ABSENT_AFTER, HEARD_EVERY, WATCHERS
from accounts.enums import PresenceStatus
from accounts.models import Presence
from core.errors import InvalidInput
from core.live import announce

PRESENT = (PresenceStatus.ONLINE, PresenceStatus.BUSY, PresenceStatus.BREAK)


def lock_presence(staff_id: int) -> Presence | None:
    """Lock and return where a person is, with herself, None for one who never came; the last lock of any transaction.

    Giving work by capacity and going off shift both hold this row, so one of them sees what the other did.
    """
    rows = Presence.objects.select_for_update(no_key=True, of=("self",)).select_related("staff")
    return rows.filter(pk=staff_id).first()


@transaction.atomic
def set_presence(*, staff_id: int, status: str, at: datetime) -> Presence:
    """Set where a person is; her own pages and whoever watches the staff hear of it after commit."""
    if status not in PresenceStatus.values:
        raise InvalidInput(fields={"status": [_("This status is not known.")]})
    Presence.objects.bulk_create([Presence(staff_id=staff_id, since=at, seen_at=at)], ignore_conflicts=True)
    presence = Presence.objects.select_for_update(no_key=True).get(pk=staff_id)
    presence.seen_at = max(at, presence.seen_at)
    _move(presence, status, at)
    return presence


def begin_shift(*, staff_id: int, at: datetime) -> None:
    """Put somebody who just signed in online; one who is here already in another browser stays as she is."""
    here = Presence.objects.filter(pk=staff_id).exclude(status__in=(PresenceStatus.OFFLINE, PresenceStatus.AWAY))
    if not here.exists():
        set_presence(staff_id=staff_id, status=PresenceStatus.ONLINE, at=at)


def _move(presence: Presence, status: str, at: datetime, *, returns_to: str = "") -> None:
    before = presence.status
    if before != status:
        presence.status, presence.since = status, at
    presence.returns_to = returns_to
    presence.save(update_fields=["status", "since", "seen_at", "returns_to"])
    for watch in WATCHERS:
        watch(presence.pk, before, status, at)
    for group in (f"staff.{presence.pk}", "presence"):
        announce(group, "presence", presence.pk, int(at.timestamp() * 1000))


def touch_presence(*, staff_id: int, at: datetime) -> None:
    """Note that a person's console is open (a socket's heartbeat, or a page without one).

    Who was away only because it had fallen silent is back as before. One read; a write every twenty seconds at most.
    """
    row = Presence.objects.filter(pk=staff_id).values_list("seen_at", "returns_to").first()
    if row is None or (row[0] > at - HEARD_EVERY and not row[1]):
        return
    if not row[1]:
        Presence.objects.filter(pk=staff_id, seen_at__lt=at).update(seen_at=at)
        return
    with transaction.atomic():
        presence = lock_presence(staff_id)
        if presence is not None and presence.returns_to:
            presence.seen_at = max(at, presence.seen_at)
            _move(presence, presence.returns_to, at)


def mark_absent(*, at: datetime) -> int:
    """Mark everybody as away whose last console has been closed or silent for a while; return how many.

    A closed socket says nothing by itself (a reload closes one, a crash none): what counts is that nothing was heard.
    """
    silent = Presence.objects.filter(status__in=PRESENT, seen_at__lt=at - ABSENT_AFTER).order_by("pk")
    marked = 0
    for staff_id in list(silent.values_list("pk", flat=True)[:500]):
        with transaction.atomic():
            presence = lock_presence(staff_id)
            if presence is None or presence.status not in PRESENT or presence.seen_at >= at - ABSENT_AFTER:
                continue
            _move(presence, PresenceStatus.AWAY, at, returns_to=presence.status)
            marked += 1
    return marked
