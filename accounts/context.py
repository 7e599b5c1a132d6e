from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts.enums import PresenceStatus
from accounts.models import Staff
from core.addresses import address

TONES = {
    PresenceStatus.ONLINE: "good",
    PresenceStatus.BUSY: "bad",
    PresenceStatus.BREAK: "warn",
    PresenceStatus.AWAY: "warn",
    PresenceStatus.OFFLINE: "neutral",
}


def person(request: HttpRequest) -> dict[str, Any]:
    """Return the signed-in person's own status and bell for the desk's rail.

    Lazy: pages without the rail ask nothing, others one statement for both.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, Staff):
        return {}
    is_read = request.method in {"GET", "HEAD"}  # a POST may have changed what came with the person
    loaded = getattr(user, "_rail_row", None) if is_read else None
    row = loaded or SimpleLazyObject(lambda: _own_row(user.pk))
    return {
        "account_url": address("accounts:profile"),
        "presence": SimpleLazyObject(lambda: presence_choice(row["presence__status"])),
        "notifications_url": address("accounts:notices"),
        "notification_count_url": address("accounts:notice_count"),
        "notification_count": lambda: row["unread"],  # templates call it; filters get a plain number
    }


def _own_row(staff_id: int) -> dict[str, Any]:
    unread = Count("notices", filter=Q(notices__read_at__isnull=True))
    return dict(Staff.objects.filter(pk=staff_id).annotate(unread=unread).values("presence__status", "unread")[0])


def presence_choice(status: str | None) -> dict[str, Any]:
    """Return what the status switch shows."""
    state = PresenceStatus(status or PresenceStatus.OFFLINE)
    return {
        "state": state.value,
        "label": state.label,
        "url": address("accounts:presence"),
        "tone": TONES[state],
        "choices": [{"state": one.value, "label": one.label, "tone": TONES[one]} for one in PresenceStatus],
    }
