"""Incidents: the list, declaring and correcting one, its page, its review."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core import registry
from core.actors import Actor
from core.errors import InvalidInput, NotAllowed, StaleEdit
from core.http import form_invalid, render_page
from orders.forms.incidents import IncidentForm, ReviewForm, initial_of
from orders.incident_enums import INCIDENT_CLOSED, INCIDENT_OPEN, IncidentState
from orders.incident_permissions import get_incident_for, may_steer, may_steer_shops
from orders.models import Incident, Shop
from orders.permissions import shops_visible_to
from orders.selectors.incidents import PAGE, TABS, count_affected, count_incidents, incident_page, newest_attach_run
from orders.selectors.standstills import find_cluster, standstill_words
from orders.services import incidents as services
from orders.services.clusters import dismiss_finding
from orders.views.settings import add_errors

LIST, EDIT, DETAIL = "orders/incidents/list.html", "orders/incidents/edit.html", "orders/incidents/incident.html"
REVIEW = "orders/incidents/review.html"


@staff_page(Permission.INCIDENT_VIEW)
@require_safe
def incident_list(request: StaffRequest) -> HttpResponse:
    """List the incidents of a tab; the fragment comes back whenever one changes."""
    counts = count_incidents(request.user)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else next((key for key in TABS if counts[key]), "open")
    rows = incident_page(request.user, tab, before=number_in(request.GET.get("before")))
    shown, more = rows[:PAGE], rows[PAGE:]
    context = {
        "rows": shown,
        "tab": tab,
        "tabs": _tabs(tab, counts),
        "next_url": f"?tab={tab}&before={shown[-1].pk}" if more else "",
        "here": request.get_full_path(),
        "may_declare": has(request.user, Permission.INCIDENT_MANAGE),
    }
    return render_page(request, LIST, context, fragment="list")


def _tabs(active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    labels = {
        "open": pgettext("incidents", "Open"),
        "review": pgettext("incidents", "Review due"),
        "done": pgettext("incidents", "Reviewed"),
    }
    base = reverse("orders:incidents")
    return [
        {"label": labels[key], "url": f"{base}?tab={key}", "key": key, "active": key == active, "count": counts[key]}
        for key in TABS
    ]


@staff_page(Permission.INCIDENT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def declare(request: StaffRequest) -> HttpResponse:
    """Declare an incident and lead on to its orders."""
    shops = [pk for pk in (number_in(value) for value in request.GET.getlist("shop")) if pk]
    own = list(shops_visible_to(request.user).values_list("pk", flat=True)[:2])
    shops = own if not shops and len(own) == 1 else shops
    initial = {"owner": request.user.pk, "shops": shops, "client_id": uuid.uuid4()}
    form = IncidentForm(request.POST or None, staff=request.user, initial=initial)
    if request.method != "POST":
        return render_page(request, EDIT, {"form": form, "incident": None})
    if form.is_valid():
        try:
            draft = form.draft()
            if not may_steer_shops(request.user, draft.shop_ids):
                raise NotAllowed
            actor, client_id = Actor.staff(request.user), form.cleaned_data["client_id"]
            found = services.declare_incident(draft=draft, actor=actor, at=timezone.now(), client_id=client_id)
        except InvalidInput as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Declared. Now find the orders it touches."))
            return HttpResponseRedirect(reverse("orders:incident_find", args=[found.pk]))
    return form_invalid(request, EDIT, {"form": form, "incident": None})


@staff_page(Permission.INCIDENT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Correct what was said of an incident."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    form = IncidentForm(request.POST or None, staff=request.user, initial=initial_of(found))
    context: dict[str, Any] = {"form": form, "incident": found}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if form.is_valid():
        try:
            draft = form.draft()
            if not may_steer_shops(request.user, draft.shop_ids):
                raise NotAllowed
            services.change_incident(
                incident_id=found.pk, draft=draft, actor=Actor.staff(request.user), at=timezone.now(),
                version=form.cleaned_data["version"] or 0,
            )  # fmt: skip
        except InvalidInput as error:
            add_errors(form, error)
        except StaleEdit as error:
            return render_page(request, EDIT, _fresh(request, form, found, error), status=409)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))
    return form_invalid(request, EDIT, context)


def _fresh(request: StaffRequest, form: Any, found: Incident, error: StaleEdit) -> dict[str, Any]:
    """Return the form as typed on the version there is now, so that a second look saves it."""
    fresh = get_incident_for(request.user, found.pk, Permission.INCIDENT_MANAGE)
    form.data = form.data.copy()
    form.data["version"] = str(fresh.version)
    return {"form": form, "incident": fresh, "stale": error.message}


@staff_page(Permission.INCIDENT_VIEW)
@require_safe
def incident(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Show an incident: how it stands, its orders, and what other apps know of it."""
    found = get_incident_for(request.user, incident_id)
    return render_page(request, DETAIL, _detail(request, found), fragment="state")


def _detail(request: StaffRequest, found: Incident) -> dict[str, Any]:
    steers = may_steer(request.user, found)
    cluster = find_cluster(found)
    panels = [
        {"key": panel.key, "label": panel.label, "url": reverse(panel.url_name, args=[found.pk])}
        for panel in registry.panels_for("incident", "incident")
        if not panel.permission or request.user.may(panel.permission)
    ]
    names = Shop.objects.filter(pk__in=found.shop_ids).order_by("name").values_list("name", flat=True)
    return {
        "incident": found,
        "shops": list(names) if found.shop_ids else [],
        "counts": count_affected(found),
        "cluster": cluster,
        "cluster_words": standstill_words(cluster) if cluster else "",
        "run": newest_attach_run(found),
        "panels": panels,
        "is_open": found.state in INCIDENT_OPEN,
        "steps": _steps(found),
        "may": {
            "steer": steers,
            "edit": steers and found.state not in INCIDENT_CLOSED,
            "start": steers and found.state == IncidentState.DECLARED,
            "reopen": steers and found.state == IncidentState.OVER,
            "review": steers and found.state == IncidentState.OVER,
            "dismiss": steers and cluster is not None and found.state == IncidentState.DECLARED,
            "find": steers and found.state not in INCIDENT_CLOSED,
        },
    }


def _steps(found: Incident) -> list[dict[str, Any]]:
    """Return the life of the incident for the component."""
    states = list(IncidentState)
    place = states.index(IncidentState(found.state))
    times = [found.declared_at, found.started_at, found.over_at, found.reviewed_at]
    labels = [
        pgettext("incident step", "Declared"), pgettext("incident step", "Under way"),
        pgettext("incident step", "Over"), pgettext("incident step", "Reviewed"),
    ]  # fmt: skip
    is_end = found.state == IncidentState.REVIEWED
    if found.state == IncidentState.DISMISSED:
        label = pgettext("incident step", "Dismissed")
        return [
            {"label": labels[0], "at": found.declared_at, "state": "done"},
            {"label": label, "at": found.over_at, "state": "now"},
        ]
    return [
        {
            "label": label,
            "at": times[index],
            "state": "done" if index < place or is_end else "now" if index == place else "next",
        }
        for index, label in enumerate(labels)
    ]


@staff_page(Permission.INCIDENT_MANAGE)
@require_POST
def start(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Take an incident in hand."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    services.start_incident(incident_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The incident is under way."))
    return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))


@staff_page(Permission.INCIDENT_MANAGE)
@require_POST
def dismiss(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Say that what the system found is no standstill."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    version = number_in(request.POST.get("version")) or 0
    dismiss_finding(incident_id=found.pk, actor=Actor.staff(request.user), at=timezone.now(), version=version)
    messages.success(request, _("Dismissed. The same place is not reported again for three days."))
    return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))


@staff_page(Permission.INCIDENT_MANAGE)
@require_POST
def reopen(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Open an incident again that flared up."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    services.reopen_incident(incident_id=found.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The incident is under way again."))
    return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))


@staff_page(Permission.INCIDENT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Write the review of an incident that is over."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    if found.state != IncidentState.OVER:
        return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))
    form = ReviewForm(request.POST or None, initial={"version": found.version, "what": found.what})
    context: dict[str, Any] = {"form": form, "incident": found, "currency": _currency(found)}
    if request.method != "POST":
        return render_page(request, REVIEW, context)
    if form.is_valid():
        try:
            services.review_incident(
                incident_id=found.pk, review=form.review(context["currency"]), actor=Actor.staff(request.user),
                at=timezone.now(), version=form.cleaned_data["version"],
            )  # fmt: skip
        except InvalidInput as error:
            add_errors(form, error)
        except StaleEdit as error:
            return render_page(request, REVIEW, context | _fresh(request, form, found, error), status=409)
        else:
            messages.success(request, _("The review is written. The incident is closed."))
            return HttpResponseRedirect(reverse("orders:incident", args=[found.pk]))
    return form_invalid(request, REVIEW, context)


def _currency(found: Incident) -> str:
    """Return the currency a cost is estimated in: that of the incident's first shop."""
    rows = Shop.objects.filter(pk__in=found.shop_ids) if found.shop_ids else Shop.objects.all()
    return rows.order_by("pk").values_list("currency", flat=True).first() or "CNY"


def number_in(text: str | None) -> int | None:
    """Return a key from an address, None for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 18 else None
