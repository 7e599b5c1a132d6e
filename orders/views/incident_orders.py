"""Find, attach, list and take out the orders of an incident."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, render_page
from core.text import mask_name, normalise_order_number
from orders.forms.incidents import FindForm
from orders.incident_enums import INCIDENT_CLOSED, AttachState
from orders.incident_permissions import get_incident_for, may_steer
from orders.models import AffectedOrder, Incident
from orders.selectors.affected import Pasted, preview_affected, read_pasted
from orders.selectors.incidents import PAGE, affected_page, count_affected, newest_attach_run
from orders.services import incidents as services
from orders.views.incidents import number_in
from orders.views.settings import add_errors

FIND, ORDERS = "orders/incidents/find.html", "orders/incidents/orders.html"
LISTED_BAD = 200
AT_ONCE = 500
REASONS = {
    "unknown": gettext_lazy("No order or parcel of this incident's shops has this number."),
    "several": gettext_lazy("Several shops use this order number. Search by shop and time instead."),
    "twice": gettext_lazy("Stands in the list twice; it is taken once."),
    "too_long": gettext_lazy("This is not an order or tracking number."),
    "too_many": gettext_lazy("More than 5,000 numbers. Paste the rest in a second go."),
}


@staff_page(Permission.INCIDENT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def find(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Search for affected orders: count and sample first, then attach in the background."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    initial = {"version": found.version, "client_id": uuid.uuid4()}
    form = FindForm(request.POST or None, incident=found, staff=request.user, initial=initial)
    context: dict[str, Any] = {"form": form, "incident": found, "counts": count_affected(found)}
    if found.state in INCIDENT_CLOSED:
        return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))
    if request.method != "POST":
        return render_page(request, FIND, context)
    if not form.is_valid():
        return form_invalid(request, FIND, context)
    pasted = read_pasted(found, form.cleaned_data["numbers"]) if form.cleaned_data["numbers"].strip() else None
    conditions = form.conditions if pasted is None else {"ids": pasted.ids}
    context |= _pasted_context(pasted)
    if request.POST.get("do") != "attach":
        return _preview(request, found, form, conditions, context)
    try:
        run = services.start_attaching(
            incident_id=found.pk, conditions=conditions, client_id=form.cleaned_data["client_id"],
            actor=Actor.staff(request.user), at=timezone.now(), version=form.cleaned_data["version"],
        )  # fmt: skip
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, FIND, context)
    except StaleEdit as error:
        typed: Any = form
        typed.data = typed.data.copy()
        typed.data["version"] = str(found.version)
        return render_page(request, FIND, context | {"stale": error.message}, status=409)
    if run.total <= AT_ONCE:
        services.attach_all(run_id=run.pk, seconds=5)
    messages.success(request, _("The orders are being attached."))
    return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))


def _preview(
    request: StaffRequest, found: Incident, form: FindForm, conditions: dict[str, Any], context: dict[str, Any]
) -> HttpResponse:
    if not conditions:
        form.add_error(None, _("Set at least one condition: without any, every order would be affected."))
        return form_invalid(request, FIND, context)
    preview = preview_affected(found, conditions)
    rows = [
        {"order": order, "who": mask_name(order.recipient), "parcels": list(order.parcels.all())[:2]}
        for order in preview.sample
    ]
    return render_page(request, FIND, context | {"preview": preview, "rows": rows})


def _pasted_context(pasted: Pasted | None) -> dict[str, Any]:
    if pasted is None:
        return {}
    bad = [{"line": one.line, "text": one.text, "why": REASONS[one.reason]} for one in pasted.bad[:LISTED_BAD]]
    return {"bad": bad, "bad_count": len(pasted.bad)}


@staff_page(Permission.INCIDENT_VIEW)
@require_safe
def orders(request: StaffRequest, incident_id: int) -> HttpResponse:
    """List an incident's orders this person sees, those inside or those taken out."""
    found = get_incident_for(request.user, incident_id)
    is_out = request.GET.get("show") == "out"
    query = normalise_order_number(request.GET.get("q", ""))[:64]
    before = number_in(request.GET.get("before"))
    rows = affected_page(request.user, found, is_out=is_out, before=before, query=query)
    shown, more = rows[:PAGE], rows[PAGE:]
    counts = count_affected(found)
    here = reverse("orders:incident_orders", args=[found.pk])
    run = newest_attach_run(found)
    context = {
        "incident": found,
        "rows": [_row(row) for row in shown],
        "is_out": is_out,
        "query": query,
        "counts": counts,
        "run": run,
        "is_busy": run is not None and run.state == AttachState.RUNNING,
        "may_steer": may_steer(request.user, found) and found.state not in INCIDENT_CLOSED,
        "next_url": f"{here}?show={'out' if is_out else 'in'}&before={shown[-1].pk}" if more else "",
        "here": request.get_full_path(),
    }
    return render_page(request, ORDERS, context, fragment="orders")


def _row(row: AffectedOrder) -> dict[str, Any]:
    parcels = sorted(row.order.parcels.all(), key=lambda parcel: parcel.pk)
    return {"row": row, "order": row.order, "who": mask_name(row.customer.name), "parcels": parcels[:2]}


@staff_page(Permission.INCIDENT_MANAGE)
@require_POST
def take_out(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Take chosen orders out of an incident, or put one back."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    actor, now = Actor.staff(request.user), timezone.now()
    version = number_in(request.POST.get("version")) or 0
    back = number_in(request.POST.get("back"))
    if back:
        services.put_back_order(incident_id=found.pk, order_id=back, actor=actor, at=now, version=version)
        messages.success(request, _("The order is back in the incident."))
    else:
        ids = [pk for pk in (number_in(text) for text in request.POST.getlist("ids")) if pk]
        count = services.take_out_orders(
            incident_id=found.pk, order_ids=ids, actor=actor, at=now, version=version
        )  # fmt: skip
        words = _("Taken out. Searches leave these orders alone from now on.") if count else _("Nothing was chosen.")
        messages.success(request, words)
    return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))


@staff_page(Permission.INCIDENT_MANAGE)
@require_POST
def stop(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Stop a search that is attaching."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    run = newest_attach_run(found)
    if run is not None:
        services.stop_attaching(run_id=run.pk, incident_id=found.pk, at=timezone.now())
    messages.success(request, _("Stopped. What is attached stays."))
    return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))
