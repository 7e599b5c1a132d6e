"""Answers that wait before they go: ten seconds in which they can be taken back, or until a planned time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.enums import Permission
from accounts.models import Staff
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotAllowed, NotFound, StaleEdit, TransitionNotAllowed
from core.jobs import cancel, schedule
from tickets.enums import TICKET_TRANSITIONS, AuthorType, HeldReason, HeldState, MessageKind, TicketStatus
from tickets.errors import AlreadyGone
from tickets.models import Attachment, Draft, HeldMessage, Macro, Message, Ticket
from tickets.rich_text import as_text, picture_keys
from tickets.services.conversation import check_then, write_answer, write_note
from tickets.services.locking import announce_ticket, lock_canonical, lock_ticket, save_ticket
from tickets.services.macro_steps import Steps, apply_steps
from tickets.services.moving import check_may_resolve
from tickets.services.outgoing import contact_address
from tickets.services.planned import announce_held, tell_stopped
from tickets.services.promises import NewPromise, check_new_promise, make_promise
from tickets.services.safety import Seen, check_seen
from tickets.services.status import change_status
from tickets.services.text_out import check_way
from tickets.services.writing import MAX_FILES, MAX_TEXT, Words, find_sent_before

RELEASE_JOB = "tickets.release_held"
LONGEST_PLAN = timedelta(days=90)


@dataclass(frozen=True)
class Pressed:
    """What an agent pressed: the words with their marks, and all that goes with them."""

    source: str
    client_id: UUID
    kind: str = MessageKind.PUBLIC
    attachment_ids: Iterable[int] = ()
    then_status: str = ""
    mentioned: Iterable[int] = ()
    macro_id: int | None = None
    macro_version: int | None = None
    steps: Steps = field(default_factory=Steps)
    promise: NewPromise | None = None


def _job_key(held: HeldMessage) -> str:
    return f"{held.pk}.{held.version}"


def _owe(held: HeldMessage) -> None:
    payload = {"held_id": held.pk, "version": held.version}
    schedule(RELEASE_JOB, key=_job_key(held), due_at=held.due_at, payload=payload)


@transaction.atomic
def hold_message(
    *,
    ticket_id: int,
    pressed: Pressed,
    actor: Actor,
    at: datetime,
    seen: Seen | None = None,
    due_at: datetime | None = None,
) -> HeldMessage | Message:
    """Store an answer that goes in a moment (or at `due_at`); pressed twice with one client id it is one.

    Raises SeenTooLittle, InvalidInput, TransitionNotAllowed, FieldsMissing, StaleEdit for a macro changed meanwhile.
    After commit: everybody at the ticket sees it waiting; the job that sends it is owed.
    """
    ticket = lock_ticket(ticket_id)
    known = _pressed_before(ticket, pressed)
    if known is not None:
        return known
    if actor.id is None:
        raise NotAllowed
    _check_pressed(ticket, pressed, at, due_at)
    check_seen(ticket, seen or Seen(), actor, at)
    if pressed.macro_id is not None:
        _count_macro(pressed)
    ticket.version += 1
    ticket.save(update_fields=["version"])
    held = HeldMessage.objects.create(
        ticket=ticket,
        staff_id=actor.id,
        client_id=pressed.client_id,
        kind=pressed.kind,
        why=HeldReason.SCHEDULED if due_at else HeldReason.UNDO,
        source=pressed.source,
        then_status=pressed.then_status,
        macro_id=pressed.macro_id,
        steps=pressed.steps.as_json(),
        promise=pressed.promise.as_json() if pressed.promise else {},
        mentioned=sorted(set(pressed.mentioned)),
        ticket_version=ticket.version,
        pressed_at=at,
        due_at=due_at or at + timedelta(seconds=settings.UNDO_SEND_SECONDS),
    )
    _keep_files(held, pressed.attachment_ids)
    Draft.objects.filter(ticket=ticket, staff_id=actor.id, kind=pressed.kind).delete()
    _owe(held)
    announce_ticket(ticket)
    return held


def _pressed_before(ticket: Ticket, pressed: Pressed) -> HeldMessage | Message | None:
    words = Words(text="", channel=ticket.channel, kind=pressed.kind, client_id=pressed.client_id)
    held = HeldMessage.objects.filter(ticket=ticket, client_id=pressed.client_id).first()
    return held or find_sent_before(ticket, words, AuthorType.STAFF)


def _check_pressed(ticket: Ticket, pressed: Pressed, at: datetime, due_at: datetime | None) -> None:
    if len(pressed.source) > MAX_TEXT:
        raise InvalidInput(fields={"text": [_("This is too long for one message. Please send it in two.")]})
    if (
        not pressed.source.strip()
        and not tuple(pressed.attachment_ids)
        and not pressed.steps
        and not pressed.then_status
    ):
        raise InvalidInput(fields={"text": [_("Write something first.")]})
    if pressed.kind == MessageKind.PUBLIC and (pressed.source.strip() or pressed.attachment_ids):
        check_way(
            ticket, as_text(pressed.source), has_files=lambda: bool(tuple(pressed.attachment_ids)),
            address=contact_address(ticket),
        )  # fmt: skip
    if due_at is not None and not at < due_at <= at + LONGEST_PLAN:
        raise InvalidInput(fields={"send_at": [_("Choose a time in the next ninety days.")]})
    if pressed.promise is not None:
        _check_promise(pressed.promise, due_at or at)
        if not pressed.source.strip():
            raise InvalidInput(fields={"text": [_("Write something first.")]})
    check_then(pressed.then_status)
    then = pressed.then_status
    if then and due_at is None and then != ticket.status and then not in TICKET_TRANSITIONS[ticket.status]:
        raise TransitionNotAllowed(before=ticket.status, after=then)
    if then == TicketStatus.RESOLVED and due_at is None:
        check_may_resolve(ticket, category_id=pressed.steps.category_id)


def _check_promise(promise: NewPromise, goes_at: datetime) -> None:
    """Refuse a promise that is due before its answer goes, or says nothing. Raises InvalidInput."""
    if promise.due_at <= goes_at:
        raise InvalidInput(fields={"promise": [_("The promise would be due before the answer goes.")]})
    check_new_promise(promise, goes_at)


def _count_macro(pressed: Pressed) -> None:
    """Count the use of a macro. Raises StaleEdit when it is another one than the agent looked at."""
    rows = Macro.objects.filter(pk=pressed.macro_id or 0, is_active=True)
    if pressed.macro_version is not None:
        rows = rows.filter(version=pressed.macro_version)
    if not rows.update(used_count=F("used_count") + 1):
        raise StaleEdit(_("This macro was changed a moment ago. Choose it again, please."))


def _keep_files(held: HeldMessage, ids: Iterable[int]) -> None:
    """Keep the agent's unsent files for the answer, those named and those that stand in its words."""
    wanted = set(ids)
    own = Attachment.objects.filter(
        ticket_id=held.ticket_id, uploaded_by=held.staff_id, message__isnull=True, held__isnull=True
    )
    keys = picture_keys(held.source)
    in_text = set(own.filter(key__in=keys).values_list("pk", flat=True)) if keys else set()
    if len(wanted | in_text) > MAX_FILES:
        raise InvalidInput(fields={"files": [_("Ten files a message are the most.")]})
    if wanted | in_text and own.filter(pk__in=wanted | in_text).update(held=held) != len(wanted | in_text):
        raise InvalidInput(fields={"files": [_("One of the files is gone. Add it again, please.")]})


@transaction.atomic
def release_held(*, held_id: int, version: int, at: datetime) -> Message | None:
    """Send what waits, once; None when it was taken back, changed or stopped. Runs in the job's own transaction.

    Whoever takes it back writes to the row only while it is held; here it is locked after its ticket: one of the two
    finds the other's work done. An answer that can no longer be sent is stopped and its writer told.
    """
    known = HeldMessage.objects.filter(pk=held_id).values_list("ticket_id", flat=True).first()
    if known is None:
        return None
    ticket = lock_canonical(known)
    held = HeldMessage.objects.select_for_update(no_key=True, of=("self",)).filter(pk=held_id).first()
    if held is None or held.state != HeldState.HELD or held.version != version:
        return None
    try:
        with transaction.atomic():
            message = _send(ticket, held, at)
    except DomainError as error:
        held.state, held.stop_code = HeldState.STOPPED, error.code[:40]
        held.version += 1
        held.save(update_fields=["state", "stop_code", "version"])
        tell_stopped(ticket, held.staff_id, at)
        return None
    held.state, held.message, held.version = HeldState.SENT, message, held.version + 1
    held.save(update_fields=["state", "message", "version"])
    announce_held(ticket)
    return message


def _send(ticket: Ticket, held: HeldMessage, at: datetime) -> Message | None:
    staff = Staff.objects.get(pk=held.staff_id)
    is_note = held.kind == MessageKind.NOTE
    if not staff.is_active or not staff.may(Permission.TICKET_NOTE if is_note else Permission.TICKET_REPLY):
        raise NotAllowed
    actor = Actor.staff(staff)
    at = held.pressed_at if held.why == HeldReason.UNDO else at
    steps = Steps.from_json(held.steps)
    if steps:
        apply_steps(ticket_id=ticket.pk, steps=steps, actor=actor, at=at)
        ticket = lock_ticket(ticket.pk)  # the steps wrote to the row: read it again before writing it
    has_files = held.attachments.exists()
    message = None
    if held.source.strip() or has_files:
        words = Words(
            text=held.source, channel=ticket.channel, kind=held.kind, client_id=held.client_id, held_id=held.pk,
            mentioned=tuple(held.mentioned),
        )  # fmt: skip
        if is_note:
            message = write_note(ticket, words, actor=actor, at=at)
        else:
            then = held.then_status or None
            message = write_answer(ticket, words, actor=actor, at=at, then_status=then, was_held=not held.macro_id)
        save_ticket(ticket)
        if held.promise and not is_note:
            promise = replace(NewPromise.from_json(held.promise), message_id=message.pk)
            make_promise(ticket_id=ticket.pk, promise=promise, actor=actor, at=at)
    if held.then_status and (message is None or is_note):
        change_status(ticket_id=ticket.pk, status=held.then_status, actor=actor, at=at, reason="by_macro")
    return message


@transaction.atomic
def take_back(*, held_id: int, staff_id: int, at: datetime) -> HeldMessage:
    """Take an own answer back before it goes; its words are the draft again. Raises NotFound, AlreadyGone.

    A conditional update and nothing before it: the job that sends holds the row from its first look to its commit.
    """
    rows = HeldMessage.objects.filter(pk=held_id, staff_id=staff_id)
    open_ = rows.filter(state__in=[HeldState.HELD, HeldState.STOPPED])
    if not open_.update(state=HeldState.CANCELLED, version=F("version") + 1):
        if not rows.exists():
            raise NotFound
        raise AlreadyGone
    held = HeldMessage.objects.select_related("ticket").get(pk=held_id)
    cancel(RELEASE_JOB, f"{held.pk}.{held.version - 1}")
    held.attachments.update(held=None)
    _put_back(held, at)
    announce_held(held.ticket)
    return held


def _put_back(held: HeldMessage, at: datetime) -> None:
    """Make the words the draft again, before what was begun meanwhile."""
    if not held.source.strip():
        return
    same: dict[str, Any] = {"ticket_id": held.ticket_id, "staff_id": held.staff_id, "kind": held.kind}
    begun = Draft.objects.filter(**same).values_list("text", flat=True).first() or ""
    text = "\n\n".join(part for part in (held.source, begun) if part.strip())[:MAX_TEXT]
    Draft.objects.update_or_create(**same, defaults={"text": text, "updated_at": at})


@transaction.atomic
def change_planned(
    *, held_id: int, staff_id: int, source: str, due_at: datetime, version: int | None, at: datetime
) -> HeldMessage:
    """Change words or time of an own planned answer; a stopped one waits again.

    Raises NotFound, AlreadyGone, StaleEdit, InvalidInput.
    """
    held = _lock_own(held_id, staff_id)
    if version is not None and version != held.version:
        raise StaleEdit(changes=[{"field": "text", "yours": source, "theirs": held.source}])
    if not source.strip() and not held.attachments.exists():
        raise InvalidInput(fields={"text": [_("Write something first.")]})
    if len(source) > MAX_TEXT:
        raise InvalidInput(fields={"text": [_("This is too long for one message. Please send it in two.")]})
    if not at < due_at <= at + LONGEST_PLAN:
        raise InvalidInput(fields={"send_at": [_("Choose a time in the next ninety days.")]})
    if held.promise and NewPromise.from_json(held.promise).due_at <= due_at:
        raise InvalidInput(fields={"send_at": [_("The promise would be due before the answer goes.")]})
    cancel(RELEASE_JOB, _job_key(held))
    held.source, held.due_at, held.why = source, due_at, HeldReason.SCHEDULED
    held.state, held.stop_code, held.version = HeldState.HELD, "", held.version + 1
    held.save(update_fields=["source", "due_at", "why", "state", "stop_code", "version"])
    _keep_files(held, ())
    _owe(held)
    announce_held(held.ticket)
    return held


@transaction.atomic
def send_held_now(*, held_id: int, staff_id: int, at: datetime) -> HeldMessage:
    """Have an own waiting or stopped answer go at once. Raises NotFound, AlreadyGone."""
    held = _lock_own(held_id, staff_id)
    cancel(RELEASE_JOB, _job_key(held))
    held.due_at, held.state, held.stop_code, held.version = at, HeldState.HELD, "", held.version + 1
    held.save(update_fields=["due_at", "state", "stop_code", "version"])
    _owe(held)
    announce_held(held.ticket)
    return held


def _lock_own(held_id: int, staff_id: int) -> HeldMessage:
    """Return an own message that has not gone, locked after its ticket, as the sending job does."""
    ticket_id = HeldMessage.objects.filter(pk=held_id, staff_id=staff_id).values_list("ticket_id", flat=True).first()
    if ticket_id is None:
        raise NotFound
    ticket = lock_ticket(ticket_id)
    held = HeldMessage.objects.select_for_update(no_key=True, of=("self",)).get(pk=held_id)
    if held.state not in {HeldState.HELD, HeldState.STOPPED}:
        raise AlreadyGone
    held.ticket = ticket
    return held


def described(held: HeldMessage) -> dict[str, Any]:
    """Return what the composer needs to show a held answer and to take it back."""
    return {"id": held.pk, "due_at": held.due_at.isoformat(), "why": held.why, "version": held.version}
