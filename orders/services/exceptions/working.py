"""Work on an exception: take it, hand it over, close it with a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Staff
from accounts.permissions import Permission, shop_scope
from accounts.services import notify
from core.actors import Actor
from core.errors import InvalidInput, NotFound, TransitionNotAllowed
from core.events import Code, record, record_many
from core.live import announce
from orders.exception_enums import EXCEPTION_TRANSITIONS, SAID, ExceptionState
from orders.exception_events import ExceptionTaken
from orders.models import ParcelException
from orders.services.exceptions.judging import closed_fact


@transaction.atomic
def take_exception(*, exception_id: int, staff: Staff, at: datetime) -> ParcelException:
    """Take an exception to work on it oneself; taking one's own again changes nothing.

    Raises NotFound, TransitionNotAllowed for a closed one.
    """
    found = _locked(exception_id)
    if found.state == ExceptionState.WORKING and found.owner_id == staff.pk:
        return found
    if found.state == ExceptionState.CLOSED:
        raise TransitionNotAllowed
    before, found.owner_id = found.owner_id, staff.pk
    if found.state == ExceptionState.OPEN:
        _move(found, ExceptionState.WORKING)
        found.taken_at = at
    _save(found, "owner", "state", "taken_at")
    told = ExceptionTaken(Code(found.kind), staff.pk, before)
    record("exception.taken", subject=found, actor=Actor.staff(staff), at=at, data=told)
    return found


@transaction.atomic
def hand_over_exception(*, exception_id: int, to: Staff, actor: Actor, at: datetime, url: str) -> ParcelException:
    """Give an exception to somebody else, who is told. Raises NotFound, TransitionNotAllowed, InvalidInput."""
    found = _locked(exception_id)
    if found.state == ExceptionState.CLOSED:
        raise TransitionNotAllowed
    scope = shop_scope(to)
    if not to.may(Permission.EXCEPTION_WORK) or (scope is not None and found.shop_id not in scope):
        raise InvalidInput(fields={"to": [_("This person does not work on exceptions of this shop.")]})
    if found.owner_id == to.pk:
        return found
    before, found.owner_id = found.owner_id, to.pk
    _save(found, "owner")
    told = ExceptionTaken(Code(found.kind), to.pk, before)
    record("exception.handed_over", subject=found, actor=actor, at=at, data=told)
    notify(staff_id=to.pk, kind="exception.yours", params={}, url=url, at=at)
    return found


@transaction.atomic
def close_exception(
    *, exception_id: int, why: str, note: str, actor: Actor, staff: Staff, at: datetime
) -> ParcelException:
    """Close an exception for a reason one says (solved, resent, refunded, mistaken), with a note.

    Raises NotFound, TransitionNotAllowed when it is closed already, InvalidInput for a reason only we find out.
    """
    if why not in SAID:
        raise InvalidInput(fields={"why": [_("Choose what was done.")]})
    found = _locked(exception_id)
    _move(found, ExceptionState.CLOSED)
    found.closed_at, found.closed_by, found.close_reason, found.note = at, staff, why, note.strip()[:400]
    _save(found, "state", "closed_at", "closed_by", "close_reason", "note")
    record_many([closed_fact(found, actor, at)])
    return found


def _locked(exception_id: int) -> ParcelException:
    rows = ParcelException.objects.select_for_update(no_key=True, of=("self",)).select_related("order")
    found = rows.filter(pk=exception_id).first()
    if found is None:
        raise NotFound
    return found


def _move(found: ParcelException, to: str) -> None:
    if to not in EXCEPTION_TRANSITIONS[found.state]:
        raise TransitionNotAllowed
    found.state = to


def _save(found: ParcelException, *fields: str) -> None:
    found.version += 1
    found.save(update_fields=[*fields, "version"])
    announce("exceptions", "order", found.order_id, found.version)
    announce(f"order.{found.order_id}", "order", found.order_id, found.version)
