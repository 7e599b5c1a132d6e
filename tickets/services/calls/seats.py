"""Whose desk an extension rings at, and keeping people out of routing while they are on the phone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission, PresenceStatus
from accounts.models import Presence, Staff
from accounts.services import lock_presence, set_presence
from core.editing import own_changes
from core.errors import InvalidInput, Text
from tickets.calls_enums import CallState
from tickets.models import Call, PhoneSeat

FORGOTTEN_AFTER = timedelta(hours=8)
"""A call that was never wrapped up keeps nobody from other work longer than a shift."""


@transaction.atomic
def save_seats(
    *, extensions: Mapping[int, str], shown: Mapping[int, str] | None = None, may_touch: set[int] | None = None
) -> int:
    """Set the extensions of people (staff id -> extension, "" = none); return how many changed.

    `may_touch` are the people the asker may set, None for all. `shown` is what the form said when it was opened: what
    others set beside it stays. Raises InvalidInput for a number that is none or twice, StaleEdit for somebody whose
    extension was set meanwhile.
    """
    typed = {pk: one.strip() for pk, one in extensions.items() if may_touch is None or pk in may_touch}
    list(Staff.objects.select_for_update(no_key=True).filter(pk__in=typed).order_by("pk").values_list("pk", flat=True))
    known = {seat.pk: seat for seat in PhoneSeat.objects.select_for_update().order_by("pk")}
    wanted = own_changes(shown or {}, typed, {pk: seat.extension for pk, seat in known.items()})
    faults: dict[str, list[Text]] = {}
    for pk, one in wanted.items():
        if one and not (one.isascii() and one.isdecimal() and len(one) <= 16):
            faults[f"extension_{pk}"] = [_("An extension has up to 16 digits.")]
    others = {seat.extension for pk, seat in known.items() if pk not in wanted}
    given = [one for one in wanted.values() if one]
    for pk, one in wanted.items():
        if one and (given.count(one) > 1 or one in others):
            faults[f"extension_{pk}"] = [_("This extension is somebody else's.")]
    if faults:
        raise InvalidInput(fields=faults)
    people = Staff.objects.filter(pk__in=wanted)
    changed = [one.pk for one in people if one.may(Permission.TICKET_REPLY) or one.pk in known]
    PhoneSeat.objects.filter(pk__in=changed).delete()
    PhoneSeat.objects.bulk_create([PhoneSeat(pk=pk, extension=wanted[pk]) for pk in changed if wanted[pk]])
    return len(changed)


def hold_agent(*, staff_id: int, at: datetime) -> None:
    """Make an agent who is online busy while she is on the phone; who chose another status keeps it."""
    status = Presence.objects.filter(pk=staff_id).values_list("status", flat=True).first()
    if status != PresenceStatus.ONLINE:
        return
    if PhoneSeat.objects.filter(pk=staff_id).update(made_busy_at=at):
        set_presence(staff_id=staff_id, status=PresenceStatus.BUSY, at=at)


def release_agent(*, staff_id: int, at: datetime) -> None:
    """Put an agent back online whom calls made busy, when none of hers is open or waits for its wrap-up."""
    mine = Call.objects.filter(agent_id=staff_id, wrapped_at__isnull=True, started_at__gt=at - FORGOTTEN_AFTER)
    talking = mine.filter(state=CallState.ANSWERED)
    if talking.exists() or mine.filter(state=CallState.ENDED, result="answered").exists():
        return
    if not PhoneSeat.objects.filter(pk=staff_id, made_busy_at__isnull=False).update(made_busy_at=None):
        return
    presence = lock_presence(staff_id)
    if presence is None:
        return
    fell_silent = presence.status == PresenceStatus.AWAY and presence.returns_to == PresenceStatus.BUSY
    if presence.status == PresenceStatus.BUSY or fell_silent:
        set_presence(staff_id=staff_id, status=PresenceStatus.ONLINE, at=at)
