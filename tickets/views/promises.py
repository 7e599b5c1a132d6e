"""Promises: the list, one of them, and those of a ticket beside its conversation."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, require, staff_page
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, fragment_or_redirect, render_page
from tickets.forms.work import DueForm, PromiseForm, SettleForm, local_moment
from tickets.models import Commitment, Ticket
from tickets.permissions import get_ticket_for
from tickets.selectors.promises import (
    PAGE,
    SETTLED,
    TABS,
    Keyset,
    count_promises,
    find_answer,
    find_said_promises,
    promise_page,
    promises_of,
)  # fmt: skip
from tickets.services import promises as services
from tickets.views.promise_saying import form_of, make_from, proposal_for, show_errors
from tickets.work_enums import PromiseKind
from tickets.work_permissions import get_promise_for

LIST, DETAIL, PANEL = "tickets/promises/list.html", "tickets/promises/promise.html", "tickets/promises/panel.html"


@staff_page(Permission.TICKET_REPLY)
@require_safe
def promise_list(request: StaffRequest) -> HttpResponse:
    """List the promises of a tab; the fragment comes back whenever one changes."""
    tab = request.GET.get("tab", "mine")
    tab = tab if tab in TABS else "mine"
    rows = promise_page(request.user, tab, after=keyset_of(request.GET.get("after", ""), Keyset))
    shown, more = rows[:PAGE], rows[PAGE:]
    context = {
        "tab": tab,
        "is_settled": tab in SETTLED,
        "tabs": _tabs(tab, count_promises(request.user)),
        "rows": shown,
        "next_url": _next_url(tab, shown[-1]) if more else "",
        "here": request.get_full_path(),
        "now": timezone.now(),
    }
    return render_page(request, LIST, context, fragment="list")


def _tabs(active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    labels = {
        "mine": _("Mine"), "due": pgettext("promises", "Due"), "overdue": pgettext("promise state", "Overdue"),
        "kept": pgettext("promises", "Kept"), "broken": pgettext("promises", "Broken"),
    }  # fmt: skip
    base = reverse("tickets:promises")
    return [
        {"label": labels[key], "url": f"{base}?tab={key}", "key": key, "active": key == active,
         "count": counts.get(key, "")}
        for key in TABS
    ]  # fmt: skip


def keyset_of[K](text: str, kind: type[K]) -> K | None:
    """Read where a page begins: `<moment>_<id>`; None for anything else."""
    stamp, _sep, pk = text.partition("_")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return kind(at, int(pk)) if at.tzinfo and pk.isascii() and pk.isdigit() and len(pk) < 19 else None  # type: ignore[call-arg]


def _next_url(tab: str, last: Commitment) -> str:
    moment = last.settled_at if tab in SETTLED and last.settled_at else last.due_at
    return f"{reverse('tickets:promises')}?{urlencode({'tab': tab, 'after': f'{moment.isoformat()}_{last.pk}'})}"


@staff_page(Permission.TICKET_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def ticket_promises(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Show a ticket's promises and what our answers seem to promise; POST writes one down."""
    ticket = get_ticket_for(request.user, ticket_id)
    if request.method == "POST":
        return _make(request, ticket)
    fragment = "list" if request.GET.get("part") == "list" else "panel"
    return render_page(request, PANEL, _panel(request, ticket), fragment=fragment)


def _make(request: StaffRequest, ticket: Ticket) -> HttpResponse:
    require(request.user, Permission.TICKET_REPLY)
    form = PromiseForm(request.POST)
    if not make_from(form, ticket, request):
        return form_invalid(request, PANEL, _panel(request, ticket, form), fragment="panel")
    to = f"{reverse('tickets:ticket', args=[ticket.pk])}?tab=promises"
    context = _panel(request, ticket)
    return fragment_or_redirect(
        request, PANEL, context, fragment="panel", to=to, message=_("The promise is kept in mind.")
    )


def _panel(request: StaffRequest, ticket: Ticket, form: PromiseForm | None = None) -> dict[str, Any]:
    may_make, now = has(request.user, Permission.TICKET_REPLY), timezone.now()
    calendar = services.working_calendar(ticket)
    said = find_said_promises(ticket, calendar) if may_make else []
    return {
        "ticket": ticket,
        "rows": promises_of(ticket),
        "said": [
            {
                "message": message,
                "found": found,
                "kind": PromiseKind(found.kind).label,
                "due_at": local_moment(found.due_at),
            }
            for message, found in said
            if found.due_at > now
        ],
        "form": (form or _fresh_form(request, ticket, now)) if may_make else None,
        "is_open": form is not None or "message" in request.GET,
        "now": now,
    }


def _fresh_form(request: StaffRequest, ticket: Ticket, now: datetime) -> PromiseForm:
    """Return a form filled with what one message says, or with the end of tomorrow."""
    message = find_answer(ticket, request.GET.get("message", ""))
    return form_of(proposal_for(ticket, message, "", now), message)


@staff_page(Permission.TICKET_REPLY)
@require_safe
def promise(request: StaffRequest, promise_id: int) -> HttpResponse:
    """Show one promise: what was said, when it is due, and how to settle it."""
    found = get_promise_for(request.user, promise_id)
    return render_page(request, DETAIL, _detail(request, found), fragment="promise")


def _detail(request: StaffRequest, found: Commitment, **more: Any) -> dict[str, Any]:
    now = timezone.now()
    settle = {"version": found.version, "client_id": uuid.uuid4(), "text": prepared_words(found), "tell": True}
    return {
        "promise": found,
        "settle_form": SettleForm(initial=settle),
        "due_form": DueForm(initial={"version": found.version, "due_at": local_moment(max(found.due_at, now))}),
        "is_late": now > found.due_at,
        "now": now,
        **more,
    }


def prepared_words(found: Commitment) -> str:
    """Return what the customer could be told, in the ticket's language."""
    with translation.override("en" if found.ticket.language.startswith("en") else "zh-hans"):
        name = found.customer.name if found.customer and found.ticket.customer else ""
        hello = _("Hello %(name)s,") % {"name": name} if name else _("Hello,")
        done = {
            PromiseKind.REFUND: _("the refund we promised you is on its way."),
            PromiseKind.REPLACEMENT: _("the replacement we promised you is on its way."),
            PromiseKind.SHIPPING: _("the parcel we promised you has been handed over."),
            PromiseKind.COMPENSATION: _("the compensation we promised you is done."),
        }.get(PromiseKind(found.kind), _("what we promised you is done: %(words)s.") % {"words": found.words})
        return f"{hello}\n{done}\n{_('If anything is missing, simply answer this message.')}"


@staff_page(Permission.TICKET_REPLY)
@require_POST
def settle(request: StaffRequest, promise_id: int) -> HttpResponse:
    """Tick a promise off; with `tell` the customer gets the message as a normal answer."""
    found = get_promise_for(request.user, promise_id)
    form = SettleForm(request.POST)
    if not form.is_valid():
        return form_invalid(request, DETAIL, _detail(request, found, settle_form=form))
    data = form.cleaned_data
    telling = services.Telling(data["text"], data["client_id"]) if data["tell"] else None
    try:
        row = services.settle_promise(
            promise_id=found.pk, actor=Actor.staff(request.user), at=timezone.now(), telling=telling,
            version=data["version"],
        )  # fmt: skip
    except StaleEdit as error:
        return _stale(request, promise_id, error, "settle_form", SettleForm)
    words = _("Kept. The customer has been told.") if telling else _("Kept.")
    if row.broken_at is not None:
        words = _("Done, though late. It counts as broken.")
    return _back(request, row, words)


def _stale(request: StaffRequest, promise_id: int, error: StaleEdit, name: str, kind: Any) -> HttpResponse:
    """Show what changed beside what was typed; saving again is then on top of the newer version."""
    fresh = get_promise_for(request.user, promise_id)
    typed = request.POST.copy()
    typed["version"] = str(fresh.version)
    context = _detail(request, fresh, stale=str(error), **{name: kind(typed)})
    return render_page(request, DETAIL, context, status=409)


def _back(request: StaffRequest, row: Commitment, words: str) -> HttpResponse:
    messages.success(request, words)
    to = f"{reverse('tickets:ticket', args=[row.ticket_id])}?tab=promises"
    return HttpResponseRedirect(reverse("tickets:promises") if request.POST.get("from") == "list" else to)


@staff_page(Permission.TICKET_REPLY)
@require_POST
def move(request: StaffRequest, promise_id: int) -> HttpResponse:
    """Give a promise another due time."""
    found = get_promise_for(request.user, promise_id)
    form = DueForm(request.POST)
    if form.is_valid():
        try:
            row = services.move_due_time(
                promise_id=found.pk, due_at=form.cleaned_data["due_at"], actor=Actor.staff(request.user),
                at=timezone.now(), version=form.cleaned_data["version"],
            )  # fmt: skip
            return _back(request, row, _("Saved."))
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit as error:
            return _stale(request, promise_id, error, "due_form", DueForm)
    return form_invalid(request, DETAIL, _detail(request, found, due_form=form))


@staff_page(Permission.TICKET_REPLY)
@require_POST
def withdraw(request: StaffRequest, promise_id: int) -> HttpResponse:
    """Take a promise back that was none."""
    found = get_promise_for(request.user, promise_id)
    row = services.withdraw_promise(promise_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    return _back(request, row, _("Withdrawn."))
