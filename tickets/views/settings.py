"""Settings of the desk: canned replies, categories, reply times, block list."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid
from tickets import services
from tickets.forms.desk import BlockForm, CannedReplyForm, CategoryForm, PolicyForm
from tickets.models import CannedReply, Category, SlaPolicy
from tickets.selectors.canned import VARIABLES, fill_in
from tickets.selectors.settings import blocked_senders, canned_for_settings, category_tree, policies
from tickets.services.desk_settings import (
    CannedWords,
    CategoryWords,
    PolicyTerms,
    save_canned_reply,
    save_category,
    save_policy,
)

EDIT = "tickets/settings/edit.html"


def _language() -> str:
    return "en" if (get_language() or "").startswith("en") else "zh-hans"


def show_refusal(form: forms.Form, error: InvalidInput | StaleEdit) -> dict[str, Any]:
    """Put a refusal beside its fields; of a stale edit, return what differs so that the page can show it."""
    if isinstance(error, InvalidInput):
        for name, texts in error.fields.items():
            for text in texts:
                form.add_error(name if name in form.fields else None, str(text))
        return {}
    labels = {name: field.label for name, field in form.fields.items()}
    changes = [{**change, "label": labels.get(change["field"], change["field"])} for change in error.changes]
    return {"stale": error.message, "changes": changes}


def _edit(request: HttpRequest, form: forms.Form, context: dict[str, Any]) -> HttpResponse:
    context = {"form": form, **context}
    return form_invalid(request, EDIT, context) if form.is_bound else render(request, EDIT, context)


@staff_page(Permission.TICKET_NOTE)
def canned_list(request: StaffRequest) -> HttpResponse:
    """List canned replies: everybody's and one's own."""
    replies = canned_for_settings(request.user)
    return render(
        request,
        "tickets/settings/canned.html",
        {"replies": replies, "may_share": has(request.user, Permission.SETTINGS_MANAGE)},
    )


@staff_page(Permission.TICKET_NOTE)
def canned_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a canned reply; everybody's only with the right to set things for all."""
    may_share = has(request.user, Permission.SETTINGS_MANAGE)
    row = _own_reply(request, pk, may_share) if pk else None
    initial = {"language": _language(), "is_active": True, "is_shared": may_share}
    if row:
        initial = {
            name: getattr(row, name) for name in ("title", "shortcut", "body", "language", "is_active", "version")
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
        words = CannedWords(data["title"], data["shortcut"], data["body"], data["language"], owner, data["is_active"])
        try:
            save_canned_reply(pk=pk, words=words, version=data["version"])
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = CannedReply.objects.get(pk=pk).version
    return _edit(request, form, context)


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


@staff_page(Permission.SETTINGS_MANAGE)
def category_list(request: StaffRequest) -> HttpResponse:
    """Show the tree of categories."""
    return render(request, "tickets/settings/categories.html", {"tree": category_tree(_language(), all_of_them=True)})


@staff_page(Permission.SETTINGS_MANAGE)
def category_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a category."""
    row = Category.objects.filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise NotFound
    names = ("key", "name_zh", "name_en", "stage", "position", "is_public", "is_complaint", "is_active", "version")
    initial = (
        {name: getattr(row, name) for name in names} | {"parent": row.parent_id}
        if row
        else {"parent": request.GET.get("parent")}
    )
    form = CategoryForm(request.POST or None, initial=initial, pk=pk, language=_language())
    context: dict[str, Any] = {
        "title": row.name_in(_language()) if row else _("New category"),
        "back": reverse("tickets:settings_categories"),
        "back_label": _("Categories"),
    }
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        version = data.pop("version")
        words = CategoryWords(parent_id=data.pop("parent"), **data)
        try:
            save_category(pk=pk, words=words, version=version)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = Category.objects.get(pk=pk).version
    return _edit(request, form, context)


@staff_page(Permission.SETTINGS_MANAGE)
def policy_list(request: StaffRequest) -> HttpResponse:
    """Show what is promised."""
    return render(request, "tickets/settings/sla.html", {"policies": policies()})


@staff_page(Permission.SETTINGS_MANAGE)
def policy_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a policy; says beforehand how many running tickets it holds."""
    row = policies().filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise NotFound
    names = ("name", "first_response_minutes", "resolution_minutes", "close_after_days", "is_business_time", "version")
    initial: dict[str, Any] = {name: getattr(row, name) for name in names} if row else {
        "first_response_minutes": 120, "resolution_minutes": 2880, "close_after_days": 7,
    }  # fmt: skip
    form = PolicyForm(request.POST or None, initial=initial)
    context: dict[str, Any] = {
        "title": row.name if row else _("New policy"),
        "back": reverse("tickets:settings_sla"),
        "back_label": _("Reply times"),
        "running": getattr(row, "running", 0) if row else None,
        "kind": "policy",
    }
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        version = data.pop("version")
        try:
            _policy, moved = save_policy(pk=pk, terms=PolicyTerms(**data), at=timezone.now(), version=version)
            words = ngettext(
                "Saved. The clock of %(n)d open ticket was set anew.",
                "Saved. The clocks of %(n)d open tickets were set anew.",
                moved,
            )
            messages.success(request, words % {"n": moved} if moved else _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = SlaPolicy.objects.get(pk=pk).version
    return _edit(request, form, context)


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
