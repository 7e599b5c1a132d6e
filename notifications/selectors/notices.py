"""What the company says about notices, and where a notice stands."""

from __future__ import annotations

import json
from datetime import datetime

from core.crypto import CannotDecrypt, decrypt
from core.kept import Kept
from notifications.models import Notice, NoticePolicy
from notifications.quiet import end_of_quiet

_policy = Kept(tuple)


def notice_policy() -> NoticePolicy:
    """Return the company's word on notices; as delivered while nobody changed it."""
    found = _policy.instances("", lambda: NoticePolicy.objects.filter(pk=1))
    return found[0] if found else NoticePolicy()


def quiet_end(moment: datetime, zone: str) -> datetime | None:
    """Return when the quiet hours a moment lies in end at a place, None when it lies outside."""
    policy = notice_policy()
    if not policy.has_quiet_hours:
        return None
    return end_of_quiet(moment, zone, policy.quiet_from, policy.quiet_until)


def plan_of(notice: Notice) -> list[dict[str, str]]:
    """Return the channels and addresses of a notice in order; empty when they were erased."""
    try:
        return list(json.loads(decrypt(notice.plan_enc) or "[]"))
    except CannotDecrypt:
        return []


def has_more_channels(notice: Notice) -> bool:
    """Tell whether a notice has a channel left that was not tried."""
    return notice.step < len(plan_of(notice))
