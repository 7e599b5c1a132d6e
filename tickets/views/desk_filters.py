"""Kept filters, and how a person likes each list."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from core.errors import InvalidInput, NotAllowed, NotFound, StaleEdit
from core.http import on_newer
from tickets.enums import Sorting
from tickets.forms.filters import SavedViewForm, initial_of
from tickets.models import SavedView
from tickets.selectors.filters import find_saved_view
from tickets.selectors.sorting import known_sorting
from tickets.selectors.views import count_saved
from tickets.services.saved_views import delete_view, may_edit, move_view, remember_list, save_view
from tickets.views.desk_page import TEMPLATE, view_key


@staff_page(Permission.TICKET_VIEW)
@require_GET
def saved_list(request: StaffRequest) -> HttpResponse:
    """Return the kept filters with fresh counts."""
    counted = count_saved(request.user, now=timezone.now())
    return render(request, f"{TEMPLATE}#saved", {"view": view_key(request), "saved": counted})


@staff_page(Permission.TICKET_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, pk: int | None = None) -> HttpResponse:
    """Show the filter's form, or keep it and show its list."""
    saved = find_saved_view(request.user, pk) if pk is not None else None
    if pk is not None and saved is None:
        raise NotFound
    if saved is not None and not may_edit(request.user, saved):
        raise NotAllowed
    language = "en" if (get_language() or "").startswith("en") else "zh-hans"
    data = request.POST if request.method == "POST" else None
    form = SavedViewForm(data, initial=_shown(saved) if saved else {}, staff=request.user, language=language)
    if data is None:
        return _form(request, form, saved)
    if not form.is_valid():
        return _form(request, form, saved, status=422)
    try:
        kept = save_view(
            staff=request.user,
            view_id=pk,
            name=form.cleaned_data["name"],
            conditions=form.conditions,
            sorting=form.cleaned_data["sorting"],
            team_id=form.cleaned_data["team_id"],
            version=form.cleaned_data["version"],
            at=timezone.now(),
        )
    except InvalidInput as error:
        for name, texts in error.fields.items():
            form.add_error(name, [str(text) for text in texts])
        return _form(request, form, saved, status=422)
    except StaleEdit:
        assert saved is not None
        saved.refresh_from_db()
        changes = on_newer(form, dict.fromkeys(form.fields) | _shown(saved))
        return _form(request, form, saved, status=409, changes=changes)
    messages.success(request, _("Filter saved."))
    return HttpResponseRedirect(f"{reverse('tickets:desk')}?view=saved-{kept.pk}")


def _shown(saved: SavedView) -> dict[str, Any]:
    own = {"name": saved.name, "team_id": saved.team_id or "", "sorting": saved.sorting, "version": saved.version}
    return {**initial_of(saved.conditions), **own}


def _form(
    request: StaffRequest,
    form: SavedViewForm,
    saved: SavedView | None,
    *,
    status: int = 200,
    changes: list[dict[str, str]] | None = None,
) -> HttpResponse:
    context = {"form": form, "saved": saved, "changes": changes}
    return render(request, "tickets/desk/filter.html", context, status=status)


@staff_page(Permission.TICKET_VIEW)
@require_POST
def delete(request: StaffRequest, pk: int) -> HttpResponse:
    """Throw a filter away."""
    delete_view(staff=request.user, view_id=pk)
    messages.success(request, _("Filter deleted."))
    return redirect("tickets:desk")


@staff_page(Permission.TICKET_VIEW)
@require_POST
def move(request: StaffRequest, pk: int) -> HttpResponse:
    """Move a filter up or down in the list."""
    move_view(staff=request.user, view_id=pk, up=request.POST.get("to") == "up")
    return redirect("tickets:filter_edit", pk)


@staff_page(Permission.TICKET_VIEW)
@require_POST
def remember(request: StaffRequest) -> HttpResponse:
    """Remember the order or the facts of a view's lines, and show its list like that."""
    view = view_key(request)
    sorting = known_sorting(request.POST["sort"]) if request.POST.get("sort") in Sorting.values else None
    facts = request.POST.getlist("fact") if "facts" in request.POST else None
    remember_list(staff=request.user, view=view, sorting=sorting, facts=facts)
    return HttpResponseRedirect(f"{reverse('tickets:desk')}?view={view}")
