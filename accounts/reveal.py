"""Personal data is masked everywhere; here an app says how one field can be seen in full, and who may."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from accounts.permissions import require
from accounts.services.access import record_access
from core import ratelimit
from core.actors import Actor
from core.errors import InvalidInput, NotFound

PER_HOUR = 60

Provider = Callable[[int], str | None]
Door = Callable[[Staff, int], object]


@dataclass(frozen=True)
class Revealed:
    """How a field of a subject is read in full; `door` raises NotFound for a subject the person may not see."""

    provider: Provider
    door: Door


REVEALS: dict[tuple[str, str], Revealed] = {}


def register_reveal(subject_type: str, field: str, provider: Provider, door: Door) -> None:
    """Offer `field` (a code such as "phone") of `subject_type`; call from `<app>/registrations.py`.

    `provider(subject_id)` returns the full text or None when there is none.
    """
    REVEALS[subject_type, field] = Revealed(provider, door)


def check_may_reveal(*, staff: Staff, subject_type: str, subject_id: int, field: str) -> Revealed:
    """Return how to read the field. Raises NotAllowed without the right, NotFound behind a closed door."""
    require(staff, Permission.PII_REVEAL)
    offered = REVEALS.get((subject_type, field))
    if offered is None:
        raise NotFound
    offered.door(staff, subject_id)
    return offered


def reveal_field(
    *, staff: Staff, subject_type: str, subject_id: int, field: str, purpose: str, ip: str | None, at: datetime
) -> str:
    """Return a field in full and write down who looked and why; nothing is shown that was not written down.

    Raises NotAllowed, NotFound, InvalidInput without a reason, RateLimited past 60 an hour.
    """
    offered = check_may_reveal(staff=staff, subject_type=subject_type, subject_id=subject_id, field=field)
    if len(purpose.strip()) < 2:
        raise InvalidInput(fields={"reason": [_("Say in a few words what you need it for.")]})
    ratelimit.check("reveal", str(staff.pk), limit=PER_HOUR, period=timedelta(hours=1))
    with transaction.atomic():
        value = offered.provider(subject_id)
        if value is None:
            raise NotFound
        record_access(
            actor=Actor.staff(staff),
            subject_type=subject_type,
            subject_id=subject_id,
            fields=[field],
            purpose=purpose,
            at=at,
            ip=ip,
        )
    return value
