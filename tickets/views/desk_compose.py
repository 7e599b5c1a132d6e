"""Answering: replies, notes, macros, drafts, files.

The composer's script asks for JSON, a plain form works too.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, require, staff_page
from accounts.selectors import staff_names
from core import registry
from core.actors import Actor
from core.errors import DomainError, InvalidInput, StaleEdit, TransitionNotAllowed
from core.http.errors import problem, wants_json
from core.models import Event
from tickets import services
from tickets.enums import HeldReason, MessageKind, TicketStatus
from tickets.forms.work import PromiseForm
from tickets.models import HeldMessage, Macro, Message, Ticket
from tickets.selectors.macros import macros_of, rights_for
from tickets.selectors.mentions import mentioned_in
from tickets.selectors.snapshots import read_snapshot
from tickets.services.macro_steps import Steps
from tickets.services.promises import NewPromise
from tickets.services.safety import Seen
from tickets.services.undo_send import Pressed
from tickets.views.desk_actions import next_after
from tickets.views.desk_page import TEMPLATE, list_context, open_ticket_page, ticket_context, view_key, views_context
from tickets.views.desk_panel import panel_context
from tickets.views.desk_waiting import date_words_at, held_answer, read_time

THEN = {"resolved": TicketStatus.RESOLVED, "waiting_customer": TicketStatus.WAITING_CUSTOMER, "open": TicketStatus.OPEN}
MAX_TEXT = 20_000
CHANGES = {
    "message.received": _("%(who)s wrote"),
    "message.sent": _("%(who)s answered"),
    "message.held": _("%(who)s is sending an answer at this moment"),
    "message.noted": _("%(who)s wrote a note"),
    "ticket.assigned": _("%(who)s assigned the ticket"),
    "ticket.resolved": _("%(who)s resolved the ticket"),
    "ticket.reopened": _("%(who)s opened it again"),
    "ticket.closed": _("%(who)s closed it"),
    "ticket.status_changed": _("%(who)s changed the status"),
}


@staff_page(Permission.TICKET_NOTE)
@require_POST
def reply(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Send an answer (now, in ten seconds, later), run a macro or keep an internal note.

    The same `client_id` twice is one message. StaleEdit (something happened meanwhile) keeps the text and says what.
    """
    is_note = request.POST.get("kind") == MessageKind.NOTE
    ticket = open_ticket_page(request, ticket_id, Permission.TICKET_NOTE if is_note else Permission.TICKET_REPLY)
    try:
        press = read_press(request, ticket, is_note=is_note)
        if press.pressed.then_status == TicketStatus.RESOLVED:
            require(request.user, Permission.TICKET_RESOLVE)
        sent = _send(request, ticket, press)
    except (InvalidInput, StaleEdit, TransitionNotAllowed) as error:
        return _not_sent(request, ticket, error)
    onward = next_after(request, ticket) if press.pressed.then_status == TicketStatus.RESOLVED else None
    words = sent_words(sent)
    target = f"{reverse('tickets:ticket', args=[onward or ticket.pk])}?view={view_key(request)}"
    if wants_json(request):
        held = {"held": held_answer(sent, ticket)} if isinstance(sent, HeldMessage) else {}
        return JsonResponse({"ok": True, "message": str(words), "next": target if onward else "", **held})
    messages.success(request, words)
    return HttpResponseRedirect(target)


@dataclass(frozen=True)
class Press:
    """What came with the form: the words and steps, when to go, and what the writer had seen."""

    pressed: Pressed
    seen: Seen
    due_at: datetime | None = None

    @property
    def waits(self) -> bool:
        """Tell whether it is held first; a plain note goes at once, only colleagues read it."""
        if self.pressed.macro_id is not None or self.due_at is not None or self.pressed.promise is not None:
            return True
        return self.pressed.kind == MessageKind.PUBLIC and settings.UNDO_SEND_SECONDS > 0


def read_press(request: StaffRequest, ticket: Ticket, *, is_note: bool) -> Press:
    """Read the composer's form, keeping files that came with it. Raises InvalidInput, NotAllowed (a macro's steps)."""
    macro = _macro(request)
    text, files = _typed(request, ticket, may_be_empty=macro is not None)
    then = THEN.get(request.POST.get("then", ""), "") or (macro.status if macro else "")
    kind = MessageKind.NOTE if is_note else MessageKind.PUBLIC
    chosen = {int(pk) for pk in request.POST.getlist("mention") if pk.isdecimal()}
    version = request.POST.get("macro_version", "")
    pressed = Pressed(
        source=text,
        client_id=_uuid(request.POST.get("client_id", "")),
        kind=kind,
        attachment_ids=tuple(files),
        then_status="" if is_note and macro is None else str(then),
        mentioned=tuple(mentioned_in(ticket, text, chosen)) if is_note else (),
        macro_id=macro.pk if macro else None,
        macro_version=int(version) if version.isdecimal() else None,
        steps=Steps.of(macro) if macro else Steps(),
        promise=None if is_note else _promise(request),
    )
    return Press(pressed, _seen(request), _due_at(request))


def _promise(request: StaffRequest) -> NewPromise | None:
    """Return what the answer promises, None without. Raises InvalidInput."""
    if not request.POST.get("promise-words"):
        return None
    form = PromiseForm(request.POST, prefix="promise")
    if not form.is_valid():
        raise InvalidInput(fields={"promise": [str(text) for texts in form.errors.values() for text in texts]})
    return NewPromise(form.cleaned_data["kind"], form.cleaned_data["words"], form.cleaned_data["due_at"])


def _macro(request: StaffRequest) -> Macro | None:
    wanted = request.POST.get("macro", "")
    if not wanted.isdecimal():
        return None
    macro = macros_of(request.user).filter(pk=int(wanted)).first()
    if macro is None:
        raise InvalidInput(fields={"text": [_("This macro is no longer there.")]})
    for right in rights_for(macro):
        require(request.user, right)
    return macro


def _seen(request: StaffRequest) -> Seen:
    """Return what the writer had before her eyes; nothing is asked when she says "send anyway"."""
    version = request.POST.get("seen_version", "")
    if request.POST.get("anyway") or not version.isdecimal() or len(version) > 9:
        return Seen()
    return Seen(int(version), read_snapshot(request.POST.get("seen", "")))


def _due_at(request: StaffRequest) -> datetime | None:
    """Return the planned time of the form, in the reader's time zone. Raises InvalidInput for none that can be read."""
    typed = request.POST.get("send_at", "")
    if typed == "chosen":
        typed = request.POST.get("send_at_chosen", "")
        if not typed:
            raise InvalidInput(fields={"send_at": [_("Choose when it should go.")]})
    return read_time(typed) if typed else None


def _typed(request: StaffRequest, ticket: Ticket, *, may_be_empty: bool = False) -> tuple[str, list[int]]:
    """Return the text and the attachments of the form, keeping files that came with it. Raises InvalidInput."""
    text = request.POST.get("text", "").replace("\r\n", "\n").strip()
    files = [int(pk) for pk in request.POST.getlist("attachment") if pk.isdecimal()]
    uploads = request.FILES.getlist("files")
    files += [_store(request, ticket, upload).pk for upload in uploads]
    if not text and not files and not may_be_empty:
        raise InvalidInput(fields={"text": [_("Write something first.")]})
    if len(text) > MAX_TEXT:
        raise InvalidInput(fields={"text": [_("This is too long for one message. Nothing is lost; please split it.")]})
    return text, files


def _store(request: StaffRequest, ticket: Ticket, upload: Any) -> Any:
    return services.store_attachment(
        file=upload, name=upload.name or "file", ticket_id=ticket.pk, uploaded_by=request.user.pk, at=timezone.now()
    )


def _send(request: StaffRequest, ticket: Ticket, press: Press) -> HeldMessage | Message:
    actor, at, pressed = Actor.staff(request.user), timezone.now(), press.pressed
    if press.waits:
        same: dict[str, Any] = {"ticket_id": ticket.pk, "pressed": pressed, "actor": actor, "at": at}
        return services.hold_message(seen=press.seen, due_at=press.due_at, **same)
    same = {
        "ticket_id": ticket.pk, "text": pressed.source, "actor": actor, "at": at, "client_id": pressed.client_id,
        "attachment_ids": pressed.attachment_ids,
    }  # fmt: skip
    if pressed.kind == MessageKind.NOTE:
        return services.add_note(mentioned_ids=pressed.mentioned, **same)
    return services.reply_to_ticket(then_status=pressed.then_status or None, seen=press.seen, **same)


def sent_words(sent: HeldMessage | Message) -> Any:
    """Return what the agent is told."""
    if isinstance(sent, HeldMessage):
        if sent.why == HeldReason.SCHEDULED:
            return _("It goes %(time)s.") % {"time": date_words_at(sent.due_at)}
        return _("Done in a moment.") if not sent.source.strip() else _("Sending in a moment.")
    return _("Note kept.") if sent.kind == MessageKind.NOTE else _("Sent.")


def _uuid(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()


def _not_sent(request: StaffRequest, ticket: Ticket, error: DomainError) -> HttpResponse:
    """Say why nothing was sent: problem+json for the script, else the page with what was typed."""
    if isinstance(error, StaleEdit):
        say_changes(error, request.user)
    if wants_json(request):
        return JsonResponse(problem(error), status=error.http_status, content_type="application/problem+json")
    view, ticket = view_key(request), open_ticket_page(request, ticket.pk)  # sent again, it is sent knowing this
    context = ticket_context(request, ticket, view) | views_context(request, view)
    context |= list_context(request, view, current=ticket) | panel_context(request, ticket)
    kind = MessageKind.NOTE.value if request.POST.get("kind") == MessageKind.NOTE else MessageKind.PUBLIC.value
    said = getattr(error, "fields", {})
    words = [
        *said.get("text", []),
        *said.get("send_at", []),
        *said.get("files", []),
        *said.get("promise", []),
        error.message,
    ]
    context |= {
        "composer_kind": kind,
        "draft_texts": {kind: request.POST.get("text", "")},
        "composer_error": words[0],
        "composer_changes": [change["words"] for change in error.changes] if isinstance(error, StaleEdit) else [],
        "pane": "conversation",
    }
    return render(request, TEMPLATE, context, status=error.http_status)


def say_changes(error: StaleEdit, viewer: Any = None) -> None:
    """Add to each change the words a person understands: ours for the ticket, the story's for order and parcel."""
    ids = {change["actor_id"] for change in error.changes if change.get("actor_type") == "staff"}
    names = staff_names(ids) if ids else {}
    told = [change["event_id"] for change in error.changes if change.get("event_id") and change["what"] not in CHANGES]
    lines = {event.pk: line for event, line in story_lines(told, viewer)} if told else {}
    for change in error.changes:
        line = lines.get(change.get("event_id") or 0)
        if line is not None:
            change["words"] = " ".join(unescape(strip_tags(line.html)).split())
            continue
        others = {"customer": gettext("The customer"), "rule": gettext("A rule")}
        known = names.get(change.get("actor_id") or 0) if change.get("actor_type") == "staff" else None
        who = known or others.get(change.get("actor_type", ""), gettext("The system"))
        change["words"] = CHANGES.get(change.get("what", ""), _("%(who)s changed the ticket")) % {"who": who}


def story_lines(ids: list[int], viewer: Any) -> list[tuple[Event, registry.StoryLine]]:
    """Return events with the words their apps have for them."""
    return registry.render_story(list(Event.objects.filter(pk__in=ids).order_by("at", "id")), viewer)


@staff_page(Permission.TICKET_NOTE)
@require_POST
def draft(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Keep what is typed; an empty text lets the draft go."""
    ticket = open_ticket_page(request, ticket_id)
    kind = MessageKind.NOTE.value if request.POST.get("kind") == MessageKind.NOTE else MessageKind.PUBLIC.value
    seen = request.POST.get("seen_version", "")
    services.save_draft(
        ticket_id=ticket.pk,
        staff_id=request.user.pk,
        kind=kind,
        text=request.POST.get("text", "")[:MAX_TEXT],
        seen_version=int(seen) if seen.isdecimal() else ticket.version,
        at=timezone.now(),
    )
    return HttpResponse(status=204)


@staff_page(Permission.TICKET_NOTE)
@require_POST
def upload(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Take one file for a message that is still being written; returns its id, name and size."""
    ticket, file = open_ticket_page(request, ticket_id), request.FILES.get("file")
    if file is None:
        raise InvalidInput
    kept = _store(request, ticket, file)
    url = reverse("tickets:attachment", args=[kept.key])
    told = {"id": kept.pk, "key": kept.key, "name": kept.name, "size": kept.size, "mime": kept.mime, "url": url}
    return JsonResponse(told)
