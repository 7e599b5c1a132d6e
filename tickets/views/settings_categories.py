"""Settings: the tree of categories."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit
from tickets import services
from tickets.forms.categories import CategoryForm, category_choices
from tickets.models import Category
from tickets.selectors.settings import category_tree, count_by_category
from tickets.services.categories import CategoryWords, is_used
from tickets.views.settings import edit_page, reading_language, show_refusal

NAMES = (
    "key", "name_zh", "name_en", "public_zh", "public_en", "skill", "stage", "position", "is_public", "is_complaint",
    "is_active", "version",
)  # fmt: skip


@staff_page(Permission.SETTINGS_MANAGE)
def category_list(request: StaffRequest) -> HttpResponse:
    """Show the tree of categories with how many open tickets each has."""
    counts = count_by_category()
    rows = []
    for branch in category_tree(reading_language(), all_of_them=True):
        rows.append((branch.category, branch.name, 1, counts.get(branch.category.pk, 0)))
        rows += [(leaf.category, leaf.name, 2, counts.get(leaf.category.pk, 0)) for leaf in branch.children]
    return render(request, "tickets/settings/categories.html", {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
def category_edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Add or change a category."""
    row = Category.objects.filter(pk=pk).first() if pk else None
    if pk and row is None:
        raise NotFound
    initial = (
        {name: getattr(row, name) for name in NAMES} | {"parent": row.parent_id}
        if row
        else {"parent": request.GET.get("parent")}
    )
    form = CategoryForm(request.POST or None, initial=initial, pk=pk, language=reading_language())
    if row is None or row.is_active:
        del form.fields["is_active"]  # resting one is a step of its own: its tickets may have to go somewhere
    context: dict[str, Any] = {
        "title": row.name_in(reading_language()) if row else _("New category"),
        "back": reverse("tickets:settings_categories"),
        "back_label": _("Categories"),
    }
    if row is not None:
        context |= {"category": row, "may_delete": not is_used(row.pk)}
        context["others"] = [one for one in category_choices(reading_language(), _("Leave them")) if one[0] != row.pk]
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        version = data.pop("version")
        words = CategoryWords(parent_id=data.pop("parent"), **data)
        try:
            services.save_category(pk=pk, words=words, version=version)
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(context["back"])
        except (InvalidInput, StaleEdit) as error:
            context |= show_refusal(form, error)
            if pk and isinstance(error, StaleEdit):
                context["fresh_version"] = Category.objects.get(pk=pk).version
    return edit_page(request, form, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def category_rest(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a category out of use; its open tickets may go to another one."""
    wanted, actor, at = request.POST.get("move_to", ""), Actor.staff(request.user), timezone.now()
    move_to = int(wanted) if wanted.isdecimal() else None
    return _after(request, _("Resting."), lambda: services.rest_category(
        pk=pk, move_to=move_to, actor=actor, at=at, version=_version(request)
    ))  # fmt: skip


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def category_shift(request: StaffRequest, pk: int) -> HttpResponse:
    """Move a category one place up or down."""
    services.shift_category(pk=pk, up=request.POST.get("to") == "up")
    return HttpResponseRedirect(reverse("tickets:settings_categories"))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def category_delete(request: StaffRequest, pk: int) -> HttpResponse:
    """Delete a category nothing ever used."""
    return _after(request, _("Deleted."), lambda: services.delete_category(pk=pk, version=_version(request)))


def _version(request: StaffRequest) -> int | None:
    typed = request.POST.get("version", "")
    return int(typed) if typed.isdecimal() else None


def _after(request: StaffRequest, words: Any, act: Any) -> HttpResponse:
    try:
        act()
    except (Conflict, InvalidInput) as error:
        said = [text for texts in getattr(error, "fields", {}).values() for text in texts]
        messages.error(request, (said or [error.message])[0])
    else:
        messages.success(request, words)
    return HttpResponseRedirect(reverse("tickets:settings_categories"))
