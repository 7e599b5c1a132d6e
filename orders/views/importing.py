"""The import of a file, step by step on one page: upload, match columns, dry run, import, result."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, shop_scope, staff_page
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound
from core.http import form_invalid, render_page
from customers.enums import Tier
from orders.enums import ImportKind, ImportState, OrderStatus
from orders.errors import Problem, say
from orders.forms import MappingForm, RunForm, UploadForm
from orders.models import ImportRowError, ImportRun
from orders.permissions import get_import_for, shops_visible_to
from orders.promotion_words import percent_off_words
from orders.services import imports as service
from orders.services.imports.opening import read_sample
from orders.services.imports.refused import words_for
from orders.views.import_words import words_of
from orders.views.settings import add_errors

HOME, RUN = "orders/imports.html", "orders/import_run.html"
LISTED = 100


@staff_page(Permission.ORDER_IMPORT)
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: StaffRequest) -> HttpResponse:
    """Take a file in and lead on to its columns; below, the imports of late."""
    shops = shops_visible_to(request.user).filter(is_active=True)
    kinds = _kinds(request)
    wanted = request.GET.get("kind", "")
    initial = {"kind": wanted if wanted in dict(kinds) else kinds[0][0]}
    form = UploadForm(request.POST or None, request.FILES or None, shops=shops, kinds=kinds, initial=initial)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            run = service.start_import(
                shop_id=form.cleaned_data["shop"].pk,
                kind=form.cleaned_data["kind"],
                file=upload,
                name=upload.name,
                actor=Actor.staff(request.user),
                at=timezone.now(),
            )
        except DomainError as refused:
            form.add_error("file", str(refused.message))
        else:
            return HttpResponseRedirect(reverse("orders:import", args=[run.pk]))
    scope = shop_scope(request.user)
    runs = ImportRun.objects.select_related("shop", "started_by").order_by("-pk")
    runs = runs if scope is None else runs.filter(shop_id__in=scope)
    context = {"form": form, "runs": list(runs[:15]), "has_shops": shops.exists()}
    if request.method == "POST":
        return form_invalid(request, HOME, context)
    return render_page(request, HOME, context)


@staff_page(Permission.ORDER_IMPORT)
@require_safe
def import_page(request: StaffRequest, run_id: int) -> HttpResponse:
    """Show an import in whatever state it is; the fragment follows its progress."""
    run = get_import_for(request.user, run_id)
    return render_page(request, RUN, _context(request, run), fragment="run")


@staff_page(Permission.ORDER_IMPORT)
@require_POST
def check(request: StaffRequest, run_id: int) -> HttpResponse:
    """Take the matching of columns and check every row."""
    run = get_import_for(request.user, run_id)
    form = MappingForm(request.POST, run=run)
    if form.is_valid():
        try:
            service.begin_check(
                run_id=run.pk,
                columns=form.columns(),
                options={"day_first": form.cleaned_data["day_first"]},
                actor=Actor.staff(request.user),
                at=timezone.now(),
            )
            return HttpResponseRedirect(reverse("orders:import", args=[run.pk]))
        except InvalidInput as error:
            add_errors(form, error)
    return form_invalid(request, RUN, _context(request, run, mapping=form))


@staff_page(Permission.ORDER_IMPORT)
@require_POST
def run(request: StaffRequest, run_id: int) -> HttpResponse:
    """Let a checked file in."""
    found = get_import_for(request.user, run_id)
    live_from = None
    if found.kind == ImportKind.ORDERS:
        form = RunForm(request.POST, zone=found.shop.timezone)
        if not form.is_valid():
            return form_invalid(request, RUN, _context(request, found, start=form))
        live_from = form.moment()
    service.begin_run(run_id=found.pk, live_from=live_from, actor=Actor.staff(request.user), at=timezone.now())
    return HttpResponseRedirect(reverse("orders:import", args=[found.pk]))


@staff_page(Permission.ORDER_IMPORT)
@require_POST
def cancel(request: StaffRequest, run_id: int) -> HttpResponse:
    """Call an import off."""
    found = get_import_for(request.user, run_id)
    service.cancel_import(run_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The import is called off. What was already in stays in."))
    return HttpResponseRedirect(reverse("orders:import", args=[found.pk]))


@staff_page(Permission.ORDER_IMPORT)
@never_cache
@require_safe
def refused(request: StaffRequest, run_id: int, kind: str) -> HttpResponse:
    """Give the refused rows as a file: the original cells, then why."""
    found = get_import_for(request.user, run_id)
    if kind not in {"csv", "xlsx"}:
        raise NotFound
    mime = (
        "text/csv; charset=utf-8"
        if kind == "csv"
        else "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    response = HttpResponse(service.write_refused_rows(found, kind), content_type=mime)
    response["Content-Disposition"] = f'attachment; filename="refused-rows-{found.pk}.{kind}"'
    return response


def _context(
    request: StaffRequest, run: ImportRun, *, mapping: MappingForm | None = None, start: RunForm | None = None
) -> dict[str, Any]:
    wants_match = run.state == ImportState.UPLOADED or (
        "match" in request.GET and run.state in {ImportState.CHECKED, ImportState.FAILED}
    )
    context: dict[str, Any] = {
        "run": run, "steps": _steps(run), "remembered": run.options.get("remembered"), "words": words_of(run),
        "is_orders": run.kind == ImportKind.ORDERS,
    }  # fmt: skip
    if wants_match or mapping is not None:
        form = mapping or MappingForm(run=run)
        context |= {"mapping": form, "columns": _columns(run, form)}
    elif run.state == ImportState.CHECKED:
        context |= {"start": start or RunForm(zone=run.shop.timezone), "live_counts": _live_counts(run)}
    if run.state == ImportState.FAILED and mapping is None:
        context["failure"] = _failure(run)
    if run.state in {ImportState.CHECKED, ImportState.RUNNING, ImportState.DONE, ImportState.CANCELLED}:
        context |= {"reasons": _reasons(run), "errors": _errors(run), "samples": _samples(run)}
    done, total = (
        (run.rows_read, run.rows_total) if run.state == ImportState.CHECKING else (run.orders_done, run.orders_total)
    )
    return context | {"done": done, "total": total, "is_busy": run.state in {ImportState.CHECKING, ImportState.RUNNING}}


def _kinds(request: StaffRequest) -> list[tuple[str, Any]]:
    """Return the kinds of files this person may bring; customers take the right to change them."""
    may_people = has(request.user, Permission.CUSTOMER_EDIT)
    return [(kind.value, kind.label) for kind in ImportKind if kind != ImportKind.CUSTOMERS or may_people]


def _steps(run: ImportRun) -> list[dict[str, Any]]:
    order = [ImportState.UPLOADED, ImportState.CHECKING, ImportState.CHECKED, ImportState.RUNNING, ImportState.DONE]
    place = order.index(ImportState(run.state)) if run.state in order else -1
    labels = [_("File"), _("Columns"), _("Dry run"), _("Import")]
    now = {0: 1, 1: 2, 2: 2, 3: 3, 4: 4}.get(place, 4 if run.state == ImportState.CANCELLED else 2)
    failed = run.state in {ImportState.FAILED, ImportState.CANCELLED}
    return [
        {
            "label": label,
            "state": "done" if index < now else ("failed" if failed else "now") if index == now else "next",
        }
        for index, label in enumerate(labels)
    ]


def _columns(run: ImportRun, form: MappingForm) -> list[dict[str, Any]]:
    try:
        sample = read_sample(run)
    except (DomainError, OSError):
        sample = []
    return [
        {
            "field": form[f"column_{index}"],
            "heading": heading,
            "sample": [row[index] for row in sample if index < len(row) and row[index]][:3],
        }
        for index, heading in enumerate(run.headings)
    ]


def _live_counts(run: ImportRun) -> list[dict[str, Any]]:
    """Return how many new orders would be live from each of a few days on."""
    days: dict[str, int] = run.preview.get("days", {})
    today = timezone.now().astimezone(ZoneInfo(run.shop.timezone)).date()
    return [
        {"day": first, "count": sum(count for day, count in days.items() if date.fromisoformat(day) >= first)}
        for first in (today - timedelta(days=back) for back in (0, 1, 3, 7, 14, 30))
    ]


def _reasons(run: ImportRun) -> list[dict[str, Any]]:
    rows = run.preview.get("reasons", [])
    most = max((row["count"] for row in rows), default=1)
    return [
        {
            "column": row["column"], "text": reason_words(row["code"]), "count": row["count"], "row": row["row"],
            "most": most,
        }
        for row in rows
    ]  # fmt: skip


def reason_words(code: str) -> str:
    """Return a reason without the values of one row."""
    blank = dict.fromkeys(("value", "one", "two", "max"), "…")
    return str(say(Problem("", code, blank)))


def _errors(run: ImportRun) -> list[dict[str, Any]]:
    rows = ImportRowError.objects.filter(run=run).order_by("row", "pk")[:LISTED]
    return [{"row": error.row, "words": words_for(error)} for error in rows]


def _samples(run: ImportRun) -> list[dict[str, Any]]:
    tiers = {tier.value: tier.label for tier in Tier}
    labels = {status.value: status.label for status in OrderStatus}
    return [
        {
            **sample,
            "tier_label": tiers.get(sample.get("tier", ""), ""),
            "offer": percent_off_words(Decimal(sample["percent"])) if sample.get("percent") else "",
            "status_label": labels.get(sample.get("status") or "placed", ""),
            **{name: _moment(sample.get(name)) for name in ("placed_at", "starts_at", "ends_at")},
        }
        for sample in run.preview.get("samples", [])
    ]


def _moment(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None


def _failure(run: ImportRun) -> str:
    values = run.preview.get("failure", {})
    row = values.get("row", "")
    words = {
        "row_too_large": _("Row %(row)s is larger than 1 MB. This is probably not a list of orders.") % {"row": row},
        "row_damaged": _(
            "Row %(row)s is damaged: a quotation mark is opened and never closed, or stands in the wrong place."
        )
        % {"row": row},
        "cell_too_large": _("A cell in row %(row)s is larger than 64 kB, or a quotation mark there is never closed.")
        % {"row": row},
        "encoding_broken": _("Row %(row)s holds characters that do not fit the rest of the file.") % {"row": row},
        "too_far_apart": _(
            "The rows of the same orders lie too far apart. Sort the file by order number and try again."
        ),
        "too_many_rows": _("The file has more than 300,000 rows. Split it and import the parts."),
        "zip_bomb": _("This workbook unpacks to more than we can take. Save it as CSV instead."),
        "workbook_damaged": _("The workbook is damaged and cannot be read to its end. Save it anew, or as CSV."),
    }
    return words.get(run.failure_code, _("The file could not be read to its end. Nothing of it was taken in."))
