"""Settings of the desk: canned replies, block list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.calendar.lengths import LengthField, minutes_name
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid
from tickets import services
from tickets.forms.desk import BlockForm, CannedReplyForm
from tickets.models import CannedReply
from tickets.selectors.canned import VARIABLES, fill_in
from tickets.selectors.settings import blocked_senders, canned_for_settings
from tickets.services.desk_settings import CannedWords, save_canned_reply

EDIT = "tickets/settings/edit.html"


def reading_language() -> str:
    """Return the reader's language as categories and fields name it."""
    return "en" if (get_language() or "").startswith("en") else "zh-hans"


def show_refusal(form: forms.Form, error: InvalidInput | StaleEdit) -> dict[str, Any]:
    """Put a refusal beside its fields; of a stale edit, return what differs so that the page can show it."""
    if isinstance(error, InvalidInput):
        for name, texts in error.fields.items():
            for text in texts:
                form.add_error(name if name in form.fields else None, str(text))
        return {}
    labels = {name: field.label for name, field in form.fields.items()}
    changes = [
        {
            **change,
            "label": labels.get(change["field"], change["field"]),
            "theirs": _shown(form.fields.get(change["field"]), change["theirs"]),
        }
        for change in error.changes
    ]
    return {"stale": error.message, "changes": changes}


def _shown(field: forms.Field | None, value: Any) -> Any:
    """Return what others saved as the field itself would show it."""
    is_length = isinstance(field, LengthField) and str(value).isdecimal()
    return minutes_name(int(value)) if is_length else value


def edit_page(request: HttpRequest, form: forms.Form, context: dict[str, Any]) -> HttpResponse:
    """Show a settings form; one that was refused is 422."""
    context = {"form": form, **context}
    return form_invalid(request, EDIT, context) if form.is_bound else render(request, EDIT, context)


@staff_page(Permission.TICKET_NOTE)
def canned_list(request: StaffRequest) -> HttpResponse:
    """List canned replies: everybody's and one's own."""
    query = request.GET.get("q", "").strip()
    replies = canned_for_settings(request.user)
    if query:
        wanted = Q(title__icontains=query) | Q(shortcut__icontains=query) | Q(folder__icontains=query)
        replies = replies.filter(wanted | Q(body__icontains=query))
    context = {"replies": replies, "may_share": has(request.user, Permission.SETTINGS_MANAGE), "q": query}
    return render(request, "tickets/settings/canned.html", context)


@staff_page(Permission.TICKET_NOTE)
def canned_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a canned reply; everybody's only with the right to set things for all."""
    may_share = has(request.user, Permission.SETTINGS_MANAGE)
    row = _own_reply(request, pk, may_share) if pk else None
    initial = {"language": reading_language(), "is_active": True, "is_shared": may_share}
    if row:
        initial = {
            name: getattr(row, name)
            for name in ("title", "shortcut", "folder", "body", "language", "is_active", "version")
        }
        initial["is_shared"] = row.owner_id is None
    form = CannedReplyForm(request.POST or None, initial=initial)
    if not may_share:
        del form.fields["is_shared"]
    context: dict[str, Any] = {
        "title": _("Canned reply") if row else _("New canned reply"),
        "back": reverse("tickets:settings_canned"),
        "back_label": _("Canned replies"),
        "variables": [f"{{{name}}}" for name in VARIABLES],
        "preview": preview_of(row.body) if row else "",
        "kind": "canned",
    }
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        owner = None if data.get("is_shared") else request.user.pk
        names = ("title", "shortcut", "folder", "body", "language", "is_active")
        words = CannedWords(owner_id=owner, **{name: data[name] for name in names})
        try:
            save_canned_reply(pk=pk, words=words, version=data["version"])
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = CannedReply.objects.get(pk=pk).version
    return edit_page(request, form, context)


def _own_reply(request: StaffRequest, pk: int, may_share: bool) -> CannedReply:
    row = canned_for_settings(request.user).filter(pk=pk).first()
    if row is None or (row.owner_id is None and not may_share):
        raise NotFound
    return row


def preview_of(body: str) -> str:
    """Return a canned reply as it would read for a made-up customer."""
    sample = {
        "customer_name": gettext("Zhang Wei"),
        "order_number": "QH20261121001",
        "tracking_number": "SF1234567890",
        "agent_name": gettext("Wang Xiaomin"),
        "shop_name": gettext("Green Grain Home"),
        "ticket_number": "100123",
    }
    return fill_in(body, sample)


@staff_page(Permission.TICKET_NOTE)
@require_POST
def canned_preview(request: StaffRequest) -> HttpResponse:
    """Return the preview of what is typed."""
    return render(request, f"{EDIT}#preview", {"preview": preview_of(request.POST.get("body", "")[:5000])})


@staff_page(Permission.TICKET_BLOCK)
def blocked_list(request: StaffRequest) -> HttpResponse:
    """Show the block list and add to it."""
    form = BlockForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            services.block_sender(
                kind=data["kind"],
                value=data["value"],
                reason=data["reason"],
                staff_id=request.user.pk,
                at=timezone.now(),
            )
            messages.success(request, _("Blocked. New messages from there go to spam."))
            return HttpResponseRedirect(reverse("tickets:settings_blocked"))
        except InvalidInput as error:
            show_refusal(form, error)
    context = {"form": form, "senders": blocked_senders()[:500]}
    return render(request, "tickets/settings/blocked.html", context, status=422 if form.is_bound else 200)


@staff_page(Permission.TICKET_BLOCK)
@require_POST
def blocked_remove(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a sender off the list."""
    services.unblock_sender(blocked_id=pk)
    messages.success(request, _("No longer blocked."))
    return HttpResponseRedirect(reverse("tickets:settings_blocked"))
