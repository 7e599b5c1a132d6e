"""A promise at the moment it is made: read from words in the composer or in a sent answer, confirmed by its agent."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput
from core.http.answers import toast
from core.ui.times import moment_words
from tickets.forms.work import LOCAL, PromiseForm, local_moment
from tickets.models import Commitment, Message, Ticket
from tickets.permissions import get_ticket_for
from tickets.selectors.promises import Proposal, find_answer, propose_promise
from tickets.services import promises as services
from tickets.work_enums import PromiseKind, PromiseState

DIALOG = "tickets/promises/say.html"
MAX_READ = 20_000  # the longest answer there is


def show_errors(form: Any, error: InvalidInput) -> None:
    """Put a refusal beside its fields."""
    for name, texts in error.fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, str(text))


def proposal_for(ticket: Ticket, message: Message | None, text: str, now: datetime) -> Proposal:
    """Return what words seem to promise, in the hours of the ticket's team."""
    calendar = services.working_calendar(ticket)
    said = text.strip()[:MAX_READ] or (message.text if message else "")
    return propose_promise(said, said_at=message.at if message else now, now=now, calendar=calendar)


def form_of(proposal: Proposal, message: Message | None = None) -> PromiseForm:
    """Return the form filled with a proposal."""
    initial: dict[str, Any] = {"kind": proposal.kind, "words": proposal.words}
    initial |= {"due_at": local_moment(proposal.due_at), "message": message.pk if message else None}
    return PromiseForm(initial=initial)


@staff_page(Permission.TICKET_REPLY)
@require_POST
def ask(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Ask in a dialog what a sent answer, or what stands in the composer, promises; nothing is kept yet."""
    ticket, now = get_ticket_for(request.user, ticket_id), timezone.now()
    message = find_answer(ticket, request.POST.get("message", ""))
    edited = _edited(request)
    if edited is not None:
        return _dialog(request, ticket, edited, None)
    proposal = proposal_for(ticket, message, request.POST.get("words", ""), now)
    return _dialog(request, ticket, form_of(proposal, message), message, proposal=proposal)


def _edited(request: StaffRequest) -> PromiseForm | None:
    """Return the form of a promise that stands in the composer already and is looked at again."""
    fields = {name: request.POST.get(f"promise-{name}", "") for name in ("kind", "words", "due_at")}
    return PromiseForm(initial=fields) if fields["words"] else None


def _dialog(
    request: StaffRequest,
    ticket: Ticket,
    form: PromiseForm,
    message: Message | None,
    *,
    proposal: Proposal | None = None,
    status: int = 200,
) -> HttpResponse:
    kept = Commitment.objects.exclude(state=PromiseState.WITHDRAWN).filter(message=message) if message else ()
    context = {"ticket": ticket, "form": form, "message": message, "proposal": proposal, "kept": list(kept)}
    return render(request, DIALOG, context, status=status)


@staff_page(Permission.TICKET_REPLY)
@require_POST
def with_answer(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Hand a confirmed promise to the composer: it is made with the answer that says it, when that goes."""
    ticket, form = get_ticket_for(request.user, ticket_id), PromiseForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            promise = services.NewPromise(data["kind"], data["words"], data["due_at"])
            services.check_new_promise(promise, timezone.now())
        except InvalidInput as error:
            show_errors(form, error)
    if form.errors:
        return _dialog(request, ticket, form, None, status=422)
    response = HttpResponse(status=204)
    response["HX-Trigger"] = json.dumps({"promiseSaid": {"ticket": ticket.pk, **as_chip(promise)}})
    return response


def as_chip(promise: services.NewPromise) -> dict[str, str]:
    """Return what the composer shows and sends along."""
    label = f"{PromiseKind(promise.kind).label} · {moment_words(promise.due_at, now=timezone.now())}"
    due_at = local_moment(promise.due_at).strftime(LOCAL)
    return {"kind": promise.kind, "words": promise.words, "due_at": due_at, "label": label}


@staff_page(Permission.TICKET_REPLY)
@require_POST
def keep(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Keep what a sent answer promises, linked to it."""
    ticket, form = get_ticket_for(request.user, ticket_id), PromiseForm(request.POST)
    if make_from(form, ticket, request):
        response = HttpResponse(status=204)
        response["HX-Trigger"] = json.dumps({"promiseSaid": {"ticket": ticket.pk}, "ticketChanged": {"id": ticket.pk}})
        return toast(response, _("The promise is kept in mind."))
    message = find_answer(ticket, request.POST.get("message", ""))
    return _dialog(request, ticket, form, message, status=422)


def make_from(form: PromiseForm, ticket: Ticket, request: StaffRequest) -> bool:
    """Make the promise of a form; False with the errors beside their fields when it cannot be."""
    if not form.is_valid():
        return False
    data = form.cleaned_data
    promise = services.NewPromise(data["kind"], data["words"], data["due_at"], data["message"])
    try:
        row = services.make_promise(
            ticket_id=ticket.pk, promise=promise, actor=Actor.staff(request.user), at=timezone.now()
        )
    except InvalidInput as error:
        show_errors(form, error)
        return False
    if row.due_at != promise.due_at:  # it was there before, and stays as it was
        form.add_error("due_at", _("This is kept as a promise already, with another time. Change it there."))
        return False
    return True
