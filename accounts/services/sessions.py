"""End sessions: a session lives only as long as the staff row's session_version is the one it was made with."""

from datetime import datetime

from django.db import transaction

from accounts.models import Staff
from core.actors import Actor
from core.events import record
from core.live import announce


def raise_session_version(staff: Staff) -> None:
    """Kill every session of a locked staff row; the sockets hear of it after commit."""
    staff.session_version += 1
    staff.save(update_fields=["session_version"])
    announce(f"staff.{staff.pk}", "signed_out", staff.pk, staff.session_version)


@transaction.atomic
def end_sessions(*, staff_id: int, actor: Actor, at: datetime) -> Staff:
    """Sign a person out everywhere: pages at the next request, sockets after commit."""
    staff = Staff.objects.select_for_update(no_key=True).get(pk=staff_id)
    raise_session_version(staff)
    record("staff.signed_out_everywhere", subject=staff, actor=actor, at=at)
    return staff


def end_own_other_sessions(*, staff_id: int, at: datetime) -> Staff:
    """Sign oneself out everywhere else; the caller renews the session it came with from the returned row."""
    return end_sessions(staff_id=staff_id, actor=Actor.staff(staff_id), at=at)


@transaction.atomic
def change_password(*, staff_id: int, password: str, actor: Actor, at: datetime) -> Staff:
    """Set a new password and end every session made with the old one."""
    staff = Staff.objects.select_for_update(no_key=True).get(pk=staff_id)
    staff.set_password(password)
    staff.save(update_fields=["password"])
    raise_session_version(staff)
    record("staff.password_changed", subject=staff, actor=actor, at=at)
    return staff


@transaction.atomic
def note_second_factor_change(*, staff_id: int, actor: Actor, at: datetime) -> Staff:
    """End every session made before the second factor was set up, renewed or removed."""
    staff = Staff.objects.select_for_update(no_key=True).get(pk=staff_id)
    raise_session_version(staff)
    record("staff.second_factor_changed", subject=staff, actor=actor, at=at)
    return staff
