"""Moving in from another desk, step by step on one page: files, dry run, what becomes of what, import, result."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import DomainError, NotFound
from core.http import form_invalid, render_page
from tickets.forms.migration import MappingForm, SourceForm
from tickets.migration_enums import MigrationState
from tickets.models import Migration, MigrationProblem
from tickets.services import migration as service
from tickets.services.migration.refused import fault_words

HOME, RUN = "tickets/settings/migrations.html", "tickets/settings/migration.html"
BUSY = frozenset({MigrationState.CHECKING, MigrationState.RUNNING})
LISTED = 100


@staff_page(Permission.SYSTEM_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def migrations(request: StaffRequest) -> HttpResponse:
    """Take the files of an export and have them read dry; below, the migrations so far."""
    form = SourceForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        shop = form.cleaned_data["shop"]
        files = [(upload.name or "export", upload.file) for upload in request.FILES.getlist("files")]
        try:
            started = service.start_migration(
                source=form.cleaned_data["source"].lower(), shop_id=shop.pk if shop else None,
                files=[(name, file) for name, file in files if file is not None],
                actor=Actor.staff(request.user), at=timezone.now(),
            )  # fmt: skip
            return HttpResponseRedirect(reverse("tickets:migration", args=[started.pk]))
        except DomainError as refused:
            form.add_error("files", str(refused.message))
    rows = list(Migration.objects.select_related("shop", "started_by").order_by("-pk")[:15])
    context = {"form": form, "rows": rows}
    return form_invalid(request, HOME, context) if request.method == "POST" else render_page(request, HOME, context)


def _get(migration_id: int) -> Migration:
    found = Migration.objects.select_related("shop").filter(pk=migration_id).first()
    if found is None:
        raise NotFound
    return found


@staff_page(Permission.SYSTEM_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def migration(request: StaffRequest, migration_id: int) -> HttpResponse:
    """Show a migration in whatever state it is; POST takes the mapping and lets it in."""
    found = _get(migration_id)
    if request.method != "POST":
        return render_page(request, RUN, _context(found), fragment="run")
    form = MappingForm(request.POST, migration=found)
    if not form.is_valid():
        return form_invalid(request, RUN, _context(found, form))
    service.begin_migration(
        migration_id=found.pk, mapping=form.mapping(), actor=Actor.staff(request.user), at=timezone.now()
    )
    return HttpResponseRedirect(reverse("tickets:migration", args=[found.pk]))


@staff_page(Permission.SYSTEM_MANAGE)
@require_POST
def cancel(request: StaffRequest, migration_id: int) -> HttpResponse:
    """Call a migration off."""
    found = _get(migration_id)
    service.cancel_migration(migration_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Called off. Tickets that were already in stay in."))
    return HttpResponseRedirect(reverse("tickets:migration", args=[found.pk]))


@staff_page(Permission.SYSTEM_MANAGE)
@never_cache
@require_safe
def refused(request: StaffRequest, migration_id: int) -> HttpResponse:
    """Give the refused parts as a table."""
    found = _get(migration_id)
    response = HttpResponse(service.write_problems(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="refused-{found.pk}.csv"'
    return response


def _context(found: Migration, form: MappingForm | None = None) -> dict[str, Any]:
    told = found.found
    context: dict[str, Any] = {
        "run": found,
        "is_busy": found.state in BUSY,
        "told": told,
        "first": parse_datetime(told["first"]) if told.get("first") else None,
        "last": parse_datetime(told["last"]) if told.get("last") else None,
        "problems": [
            {"file": row.file, "line": row.line, "words": fault_words(row)}
            for row in MigrationProblem.objects.filter(migration=found).order_by("pk")[:LISTED]
        ],
    }
    if found.state == MigrationState.CHECKED or form is not None:
        form = form or MappingForm(migration=found)
        counts = {
            group: {row["value"]: row["count"] for row in told.get(group, [])}
            for group in ("statuses", "priorities", "fields")
        }
        context["form"] = form
        context["groups"] = [
            {"title": title, "rows": [
                {"field": form[name], "count": counts[group].get(form.fields[name].original, 0)}  # type: ignore[attr-defined]
                for name in form.groups.get(group, [])
            ]}
            for group, title in (
                ("statuses", _("Status")), ("priorities", _("Priority")), ("fields", _("Custom fields")),
            )
            if form.groups.get(group)
        ]  # fmt: skip
    return context
