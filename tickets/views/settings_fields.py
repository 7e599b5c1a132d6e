"""Settings: the shop's own fields."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Permission, StaffRequest, staff_page
from core.errors import InvalidInput, NotFound, StaleEdit
from tickets import services
from tickets.forms.categories import FieldForm
from tickets.models import CustomField
from tickets.selectors.fields import fields_for_settings
from tickets.services.fields import FieldWords
from tickets.views.settings import edit_page, reading_language, show_refusal

NAMES = ("key", "label_zh", "label_en", "kind", "position", "is_required", "is_public", "is_active", "version")


@staff_page(Permission.SETTINGS_MANAGE)
def field_list(request: StaffRequest) -> HttpResponse:
    """List the fields."""
    language = reading_language()
    rows = [
        (one, one.label_in(language), one.category.name_in(language) if one.category else "")
        for one in fields_for_settings()
    ]
    return render(request, "tickets/settings/fields.html", {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
def field_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a field."""
    row = CustomField.objects.filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise NotFound
    initial: dict[str, Any] = {"category": request.GET.get("category"), "is_active": True}
    if row:
        initial = {name: getattr(row, name) for name in NAMES} | {"category": row.category_id}
        initial["choices"] = "\n".join(f"{one['value']} | {one['zh']} | {one['en']}" for one in row.choices)
    form = FieldForm(request.POST or None, initial=initial, language=reading_language())
    context: dict[str, Any] = {
        "title": row.label_in(reading_language()) if row else _("New field"),
        "back": reverse("tickets:settings_fields"),
        "back_label": _("Custom fields"),
    }
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        version = data.pop("version")
        words = FieldWords(category_id=data.pop("category"), **data)
        try:
            services.save_field(pk=pk, words=words, version=version)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = CustomField.objects.get(pk=pk).version
    return edit_page(request, form, context)
