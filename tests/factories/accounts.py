"""Staff, teams, keys and notices for tests; written straight to the database."""

import itertools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import ApiKey, Membership, Notification, Staff, Team
from core import crypto

PASSWORD = "correct-horse-battery-7"
_number = itertools.count(1)


def make_team(name: str = "", *, shop_ids: Iterable[int] = (), **fields: Any) -> Team:
    """Make a team; without shops it serves all of them."""
    return Team.objects.create(name=name or f"Team {next(_number)}", shop_ids=list(shop_ids), **fields)


def make_staff(
    email: str = "",
    *,
    roles: Iterable[str] = ("agent",),
    teams: Iterable[Team] | None = None,
    password: str | None = None,
    **fields: Any,
) -> Staff:
    """Make a member of staff.

    Without `teams` she joins the team "Service desk", which serves all shops; `teams=()` means none, and then
    a role that reaches only its teams sees nothing. Sign in with `client.force_login(staff)`, or give
    `password=PASSWORD`.
    """
    n = next(_number)
    staff = Staff(
        email=email or f"staff{n}@shop.example",
        display_name=fields.pop("display_name", f"Staff {n}"),
        roles=list(roles),
        **fields,
    )
    if password is None:
        staff.set_unusable_password()
    else:
        staff.set_password(password)
    staff.save()
    if teams is None:
        teams = [Team.objects.filter(name="Service desk").first() or make_team("Service desk")]
    Membership.objects.bulk_create(Membership(staff=staff, team=team) for team in teams)
    return staff


def make_api_key(
    *, scopes: Iterable[str] = ("orders.read",), shop_ids: Iterable[int] = (), created_by: Staff | None = None
) -> tuple[ApiKey, str]:
    """Make a key; returns (row, key as the caller sends it)."""
    n = next(_number)
    plain = f"csk_t{n:07d}_{crypto.random_token()}"
    key = ApiKey.objects.create(
        name=f"Key {n}",
        prefix=f"csk_t{n:07d}",
        key_hash=crypto.hash_token(plain),
        scopes=list(scopes),
        shop_ids=list(shop_ids),
        created_by=created_by or make_staff(roles=["admin"]),
    )
    return key, plain


def make_notice(
    staff: Staff, *, kind: str = "ticket.assigned", at: datetime | None = None, **fields: Any
) -> Notification:
    """Put one entry into a person's notification centre."""
    return Notification.objects.create(
        staff=staff, kind=kind, params=fields.pop("params", {"ticket_id": 1}), at=at or timezone.now(), **fields
    )
