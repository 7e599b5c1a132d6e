"""What is told to an incident's customers: prepare, preview, send, hold, go on, stop; and its end."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, render_page
from orders.incident_enums import INCIDENT_OPEN
from orders.incident_permissions import get_incident_for, may_steer
from orders.models import AffectedOrder, Incident, Order
from orders.selectors.incidents import affected_visible_to, count_affected
from tickets.forms.incidents import CloseForm, UpdateForm
from tickets.incident_enums import GOING_OUT, PUBLISHED, Reason, UpdateState
from tickets.incident_words import LANGUAGES, VARIABLES, fill, text_for
from tickets.models import IncidentUpdate
from tickets.rich_text import as_html, as_text
from tickets.selectors.incidents import Progress, draft_of, figures_of, untold_of, updates_of
from tickets.selectors.reaching import reach_of
from tickets.services import incidents as services
from tickets.services.incidents.telling import subjects_of
from tickets.views.desk_html import safe_html
from tickets.views.promises import show_errors

TELLING, PREVIEW, UPDATE = (
    "tickets/incidents/telling.html", "tickets/incidents/preview.html", "tickets/incidents/update.html"
)  # fmt: skip
FIGURES = "tickets/incidents/figures.html"
CLOSE = "tickets/incidents/close.html"
STEPS = {
    "pause": services.pause_update,
    "continue": services.continue_update,
    "stop": services.cancel_update,
}


def page_of(incident: Incident) -> str:
    """Return the path of an incident's page."""
    return reverse("orders:incident", args=[incident.pk])


@staff_page(Permission.INCIDENT_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def telling(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Show the updates of an incident and their progress; keep the prepared answer."""
    if request.method != "POST":
        found = get_incident_for(request.user, incident_id)
        fragment = "updates" if request.GET.get("part") == "updates" else "panel"
        return render_page(request, TELLING, _telling(request, found), fragment=fragment)
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    form = UpdateForm(request.POST)
    if form.is_valid():
        try:
            services.save_draft(
                incident_id=found.pk, texts=form.texts, is_final=form.cleaned_data["is_final"],
                version=form.cleaned_data["version"], actor=Actor.staff(request.user), at=timezone.now(),
            )  # fmt: skip
        except InvalidInput as error:
            show_errors(form, error)
        except StaleEdit as error:
            return _stale(request, found, form, error)
        else:
            return HttpResponseRedirect(reverse("tickets:incident_preview", args=[found.pk]))
    return form_invalid(request, TELLING, _telling(request, found, form))


def words_of(update: IncidentUpdate) -> str:
    """Return an update's text in the reader's language, with its variables as they are."""
    return text_for(update.texts, get_language() or "")[1]


def _stale(request: StaffRequest, found: Incident, form: Any, error: StaleEdit) -> HttpResponse:
    """Show what a colleague prepared meanwhile, with one's own words kept in the form."""
    fresh = draft_of(found.pk)
    form.data = form.data.copy()
    form.data["version"] = str(fresh.version if fresh else 0)
    context = _telling(request, found, form) | {"stale": error.message, "theirs": fresh}
    return render_page(request, TELLING, context, status=409)


def _telling(request: StaffRequest, found: Incident, form: UpdateForm | None = None) -> dict[str, Any]:
    draft, progress = draft_of(found.pk), updates_of(found.pk)
    steers = may_steer(request.user, found)
    initial: dict[str, Any] = {"version": draft.version if draft else 0}
    if draft:
        initial |= {
            "text_zh": draft.texts.get("zh-hans", ""), "text_en": draft.texts.get("en", ""), "is_final": draft.is_final
        }  # fmt: skip
    is_open = found.state in INCIDENT_OPEN
    return {
        "incident": found,
        "draft": draft,
        "draft_text": words_of(draft) if draft else "",
        "updates": [(one, words_of(one.update)) for one in progress],
        "going": next((one for one in progress if one.update.state in GOING_OUT), None),
        "form": form or (UpdateForm(initial=initial) if steers and is_open else None),
        "may_steer": steers,
        "is_open": is_open,
        "variables": [(f"{{{name}}}", words) for name, words in VARIABLES.items()],
        "is_typed": form is not None,
    }


@staff_page(Permission.INCIDENT_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Show the prepared answer on a real order and who can be reached how; a POST sends it."""
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    draft = draft_of(found.pk)
    if request.method == "POST":
        return _send(request, found)
    if draft is None:
        return HttpResponseRedirect(page_of(found))
    return render_page(request, PREVIEW, _preview(request, found, draft))


def _preview(request: StaffRequest, found: Incident, draft: IncidentUpdate) -> dict[str, Any]:
    reach = reach_of(found.pk)
    english = reach.languages.get("en", 0)
    return {
        "incident": found,
        "draft": draft,
        "reach": reach,
        "unreachable": [(Reason(code).label, count) for code, count in reach.unreachable],
        "copies": _copies(request, found, draft),
        "in_chinese": english if english and not draft.texts.get("en") else 0,
        "is_blocked": IncidentUpdate.objects.filter(incident=found, state__in=GOING_OUT).exists(),
    }


def _copies(request: StaffRequest, found: Incident, draft: IncidentUpdate) -> list[dict[str, Any]]:
    """Return the update as the customer of a real order would read it, in each language it is written in."""
    row = _sample(request, found)
    if row is None:
        return []
    order = Order.objects.select_related("customer__merged_into", "shop").get(pk=row.order_id)
    subjects = subjects_of(order, found)
    names = {"zh-hans": "简体中文", "en": "English"}
    return [
        {"language": names[one], "order": order, **_read(fill(draft.texts[one], subjects, one))}
        for one in LANGUAGES
        if draft.texts.get(one)
    ]


def _read(words: str) -> dict[str, Any]:
    """Return marked words as their reader sees them."""
    html = as_html(words)
    return {"html": safe_html(html, {}) if html else "", "text": as_text(words)}


def _sample(request: StaffRequest, found: Incident) -> AffectedOrder | None:
    """Return the affected order to look at: the chosen one, else one with a parcel."""
    rows = affected_visible_to(request.user, found).filter(removed_at__isnull=True)
    wanted = request.GET.get("order", "")
    if wanted.isdecimal() and len(wanted) < 18:
        chosen = rows.filter(order_id=int(wanted)).first()
        if chosen is not None:
            return chosen
    return rows.filter(order__parcels__isnull=False).order_by("-pk").first() or rows.order_by("-pk").first()


def _send(request: StaffRequest, found: Incident) -> HttpResponse:
    version = request.POST.get("version", "")
    try:
        services.send_update(
            incident_id=found.pk, version=int(version) if version.isdecimal() and len(version) < 9 else 0,
            actor=Actor.staff(request.user), at=timezone.now(),
        )  # fmt: skip
    except Conflict as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(page_of(found))
    messages.success(request, _("The update is on its way. You can leave this page; it goes on by itself."))
    return HttpResponseRedirect(page_of(found))


@staff_page(Permission.INCIDENT_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def update(request: StaffRequest, incident_id: int, update_id: int) -> HttpResponse:
    """Show one update and why some were not told; a POST holds it, goes on or stops it."""
    found = get_incident_for(request.user, incident_id)
    one = next((row for row in updates_of(found.pk) if row.update.pk == update_id), None)
    if one is None:
        raise NotFound
    if request.method == "POST":
        return _step(request, found, one)
    context = {
        "incident": found,
        "one": one,
        "text": words_of(one.update),
        "untold": [(Reason(code).label, count) for code, count in untold_of(update_id)],
        "may_steer": may_steer(request.user, found),
    }
    return render_page(request, UPDATE, context)


def _step(request: StaffRequest, found: Incident, one: Progress) -> HttpResponse:
    get_incident_for(request.user, found.pk, Permission.INCIDENT_MANAGE)
    step = STEPS.get(request.POST.get("do", ""))
    if step is None:
        raise InvalidInput
    step(incident_id=found.pk, update_id=one.update.pk, actor=Actor.staff(request.user), at=timezone.now())
    return HttpResponseRedirect(page_of(found))


@staff_page(Permission.INCIDENT_VIEW)
@require_safe
def figures(request: StaffRequest, incident_id: int) -> HttpResponse:
    """Show what an incident came to so far."""
    found = get_incident_for(request.user, incident_id)
    context = {"incident": found, "figures": figures_of(found, count_affected(found))}
    return render_page(request, FIGURES, context, fragment="panel")


@staff_page(Permission.INCIDENT_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: StaffRequest, incident_id: int) -> HttpResponse:
    """End an incident: after its last update, or for a reason."""
    if request.method != "POST":
        found = get_incident_for(request.user, incident_id)
        return render_page(request, CLOSE, _closing(request, found), fragment="panel")
    found = get_incident_for(request.user, incident_id, Permission.INCIDENT_MANAGE)
    form = CloseForm(request.POST)
    if form.is_valid():
        try:
            services.close_incident(
                incident_id=found.pk, reason=form.cleaned_data["reason"], version=form.cleaned_data["version"],
                actor=Actor.staff(request.user), at=timezone.now(),
            )  # fmt: skip
        except InvalidInput as error:
            show_errors(form, error)
        except Conflict as error:
            messages.warning(request, str(error))
            return HttpResponseRedirect(page_of(found))
        else:
            messages.success(request, _("The incident is over. Write its review within three days."))
            return HttpResponseRedirect(page_of(found))
    return form_invalid(request, CLOSE, _closing(request, found, form))


def _closing(request: StaffRequest, found: Incident, form: CloseForm | None = None) -> dict[str, Any]:
    rows = IncidentUpdate.objects.filter(incident=found, state__in=PUBLISHED).order_by("-number")
    newest = rows.first()
    return {
        "incident": found,
        "newest": newest,
        "is_told": newest is not None and newest.is_final and newest.state == UpdateState.SENT,
        "may_close": may_steer(request.user, found) and found.state in INCIDENT_OPEN,
        "form": form or CloseForm(initial={"version": found.version}),
        "is_over": found.state not in INCIDENT_OPEN,
    }
