"""Settings: macros."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.errors import InvalidInput, NotFound, StaleEdit
from tickets import services
from tickets.forms.categories import MacroForm
from tickets.models import Macro
from tickets.selectors.canned import VARIABLES
from tickets.selectors.macros import macro_values, macros_for_settings, steps_in_words
from tickets.services.macros import MacroWords
from tickets.views.settings import edit_page, preview_of, reading_language, show_refusal


@staff_page(Permission.TICKET_REPLY)
def macro_list(request: StaffRequest) -> HttpResponse:
    """List macros: everybody's and one's own."""
    rows = [(row, steps_in_words(row, reading_language())) for row in macros_for_settings(request.user)]
    context = {"rows": rows, "may_share": has(request.user, Permission.SETTINGS_MANAGE)}
    return render(request, "tickets/settings/macros.html", context)


@staff_page(Permission.TICKET_REPLY)
def macro_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a macro; everybody's only with the right to set things for all."""
    may_share = has(request.user, Permission.SETTINGS_MANAGE)
    row = macros_for_settings(request.user).filter(pk=pk).first() if pk else None
    if pk and (row is None or (row.owner_id is None and not may_share)):
        raise NotFound
    initial = macro_values(row) if row else {"is_active": True, "is_shared": may_share}
    form = MacroForm(request.POST or None, initial=initial, language=reading_language())
    if not may_share:
        del form.fields["is_shared"]
    context: dict[str, Any] = {
        "title": row.title if row else _("New macro"),
        "back": reverse("tickets:settings_macros"),
        "back_label": _("Macros"),
        "variables": [f"{{{name}}}" for name in VARIABLES],
        "preview": preview_of(row.body) if row else "",
        "kind": "canned",
    }
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        version, shared = data.pop("version"), data.pop("is_shared", False)
        for name in ("category", "assignee", "team"):
            data[f"{name}_id"] = data.pop(name)
        words = MacroWords(owner_id=None if shared else request.user.pk, **data)
        try:
            services.save_macro(pk=pk, words=words, version=version)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = Macro.objects.get(pk=pk).version
    return edit_page(request, form, context)
