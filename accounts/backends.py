"""Loads the signed-in person for a request."""

from functools import cache
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, QuerySet
from django.db.models.functions import JSONObject

from accounts.models import Membership, Notification, Staff
from core.kept import Kept, number_slot

WHO = number_slot("who", 1)
_loading = Kept(lambda: (WHO,))


@cache
def _everybody() -> QuerySet[Staff]:
    """Return all staff with what the rail and the doors need; built once, every request fills in a key."""
    teams = Membership.objects.filter(staff_id=OuterRef("pk"), team__archived_at__isnull=True).order_by("team_id")
    unread = Notification.objects.filter(staff_id=OuterRef("pk"), read_at__isnull=True).order_by()
    return Staff.objects.annotate(
        loaded_teams=ArraySubquery(teams.values(pair=JSONObject(team=F("team_id"), shops=F("team__shop_ids")))),
        loaded_status=F("presence__status"),
        loaded_seen_at=F("presence__seen_at"),
        loaded_unread=unread.values("staff_id").annotate(n=Count("pk")).values("n"),
    )


class StaffBackend(AuthenticationBackend):
    """allauth's sign-in; a request's person comes with teams, presence and bell, which every page needs."""

    def get_user(self, user_id: Any) -> Staff | None:
        """Return the active member of staff of a session, None when there is none."""
        found = _loading.instances("", lambda: _everybody().filter(pk=WHO.sample), who=int(user_id))
        staff: Staff | None = found[0] if found else None
        if staff is None or not self.user_can_authenticate(staff):
            return None
        loaded = staff.__dict__
        loaded["_team_rows"] = [(row["team"], row["shops"]) for row in loaded.pop("loaded_teams")]
        loaded["_rail_row"] = {
            "presence__status": loaded.pop("loaded_status"),
            "seen_at": loaded.pop("loaded_seen_at"),
            "unread": loaded.pop("loaded_unread") or 0,
        }
        loaded["_request_memory"] = {}  # what this request has read already: names, parcels
        return staff
