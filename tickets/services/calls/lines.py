"""Telephone lines: what supervisors set, and the secret that proves a PBX."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Team
from core.actors import Actor
from core.calendar.models import CalendarDefinition
from core.crypto import encrypt, random_token
from core.errors import InvalidInput, NotFound, StaleEdit, Text
from core.events import Code, record
from core.posting import AddressRefused, check_address, may_go_in_the_clear
from core.text import normalise
from orders.models import Shop
from tickets.calls_events import PhoneLineChanged
from tickets.models import PhoneLine
from tickets.services.calls.signing import new_secret

OLD_SECRET_LIVES = timedelta(days=2)
_HOST = re.compile(r"(?=.{4,200}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_NUMBER = re.compile(r"[+0-9][0-9 ()\-]{1,30}")


@dataclass(frozen=True)
class LineTerms:
    """What is set of a line; minutes are business time."""

    name: str
    number: str
    shop_id: int | None
    team_id: int
    calendar_id: int | None
    is_recorded: bool
    recording_host: str
    control_url: str
    call_back_minutes: int
    is_active: bool = True


@transaction.atomic
def save_line(*, line_id: int | None, version: int, terms: LineTerms, actor: Actor, at: datetime) -> PhoneLine:
    """Add a line, or change one whose `version` was seen. Raises InvalidInput, NotFound, StaleEdit with the changes."""
    values = _checked(terms)
    if line_id is None:
        line = PhoneLine(key=random_token(), **values)
        line.save(force_insert=True)
        data = PhoneLineChanged(fields=(Code("added"),))
        record("phone_line.changed", subject=line, actor=actor, at=at, data=data)
        return line
    line = _lock(line_id)
    if line.version != version:
        raise StaleEdit(changes=_changes(line, values))
    changed = [name for name, value in values.items() if getattr(line, name) != value]
    if not changed:
        return line
    for name in changed:
        setattr(line, name, values[name])
    line.version += 1
    line.save(update_fields=[*changed, "version"])
    codes = tuple(Code(name) for name in sorted(changed))
    record("phone_line.changed", subject=line, actor=actor, at=at, data=PhoneLineChanged(fields=codes))
    return line


def _changes(line: PhoneLine, values: dict[str, object]) -> list[dict[str, object]]:
    names = {field.name for field in fields(LineTerms)}
    return [
        {"field": name.removesuffix("_id"), "yours": value, "theirs": getattr(line, name)}
        for name, value in values.items()
        if name in names and getattr(line, name) != value
    ]


def _lock(line_id: int) -> PhoneLine:
    line = PhoneLine.objects.select_for_update(no_key=True, of=("self",)).filter(pk=line_id).first()
    if line is None:
        raise NotFound
    return line


def _checked(terms: LineTerms) -> dict[str, object]:
    faults: dict[str, list[Text]] = {}
    name, host = normalise(terms.name)[:80], terms.recording_host.strip().lower()
    if not name:
        faults["name"] = [_("Give the line a name.")]
    if not _NUMBER.fullmatch(terms.number.strip()):
        faults["number"] = [_("This is not a telephone number.")]
    if host and not _HOST.fullmatch(host):
        faults["recording_host"] = [_("Only the host's name, such as tapes.example.com.")]
    if terms.control_url.strip():
        try:
            if not may_go_in_the_clear(check_address(terms.control_url.strip())):
                faults["control_url"] = [_("Outside your own network only https: the orders name customers' numbers.")]
        except AddressRefused:
            faults["control_url"] = [_("This is not an address we can ask: https://host/path.")]
    if not 1 <= terms.call_back_minutes <= 10080:
        faults["call_back_minutes"] = [_("Choose between 1 minute and a week.")]
    if not Team.objects.filter(pk=terms.team_id, archived_at__isnull=True).exists():
        faults["team"] = [_("Choose a team.")]
    if terms.shop_id is not None and not Shop.objects.filter(pk=terms.shop_id).exists():
        faults["shop"] = [_("This shop is not known.")]
    if terms.calendar_id is not None and not CalendarDefinition.objects.filter(pk=terms.calendar_id).exists():
        faults["calendar"] = [_("These hours are not known.")]
    if faults:
        raise InvalidInput(fields=faults)
    return {
        "name": name, "number": terms.number.strip(), "shop_id": terms.shop_id, "team_id": terms.team_id,
        "calendar_id": terms.calendar_id, "is_recorded": terms.is_recorded, "recording_host": host,
        "control_url": terms.control_url.strip()[:300], "call_back_minutes": terms.call_back_minutes,
        "is_active": terms.is_active,
    }  # fmt: skip


@transaction.atomic
def renew_secret(*, line_id: int, actor: Actor, at: datetime, keep_old: bool = True) -> str:
    """Give a line a new secret and return it; it is shown this once. The one before works for two days more.

    With `keep_old` False (somebody saw it who should not have) the one before ends now.
    """
    line = _lock(line_id)
    secret = new_secret()
    line.old_secret_enc = line.secret_enc if keep_old else None
    line.old_secret_until = at + OLD_SECRET_LIVES if keep_old and line.secret_enc else None
    line.secret_enc = encrypt(secret)
    line.version += 1
    line.save(update_fields=["secret_enc", "old_secret_enc", "old_secret_until", "version"])
    data = PhoneLineChanged(fields=(Code("secret"),))
    record("phone_line.changed", subject=line, actor=actor, at=at, data=data, reason="new_secret")
    return secret
