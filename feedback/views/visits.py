"""/desk/visits/: the calls owed to customers, and one of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, render_page
from customers.enums import IdentityKind
from customers.selectors import identities_of
from feedback import services
from feedback.forms.visit import AttemptForm, SkipForm
from feedback.models import Visit
from feedback.permissions import get_visit_for
from feedback.selectors.visits import PAGE, TABS, Keyset, count_tabs, next_visit, order_of, tries_of, visit_page
from feedback.services.visits import is_held

LIST, DETAIL = "feedback/visits.html", "feedback/visit.html"


@staff_page(Permission.VISIT_WORK)
@require_safe
def visit_list(request: StaffRequest) -> HttpResponse:
    """List the visits of a tab; the fragment comes back whenever a visit changes."""
    now = timezone.now()
    tab = request.GET.get("tab", "due")
    tab = tab if tab in TABS else "due"
    rows = visit_page(request.user, tab, at=now, after=_keyset(request.GET.get("after", "")))
    more = rows[PAGE:]
    rows = rows[:PAGE]
    context = {
        "tab": tab,
        "tabs": _tabs(tab, count_tabs(request.user, at=now)),
        "rows": [_row(visit, request.user.pk, now) for visit in rows],
        "next_url": _next_url(tab, rows[-1]) if more else "",
        "here": request.get_full_path(),
        "now": now,
    }
    return render_page(request, LIST, context, fragment="list")


def _tabs(active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    labels = {
        "due": pgettext("visit", "Due"), "overdue": _("Overdue"), "mine": _("Mine"), "upcoming": _("Upcoming"),
        "done": _("Done"),
    }  # fmt: skip
    base = reverse("feedback:visits")
    return [
        {
            "label": labels[key],
            "url": f"{base}?tab={key}",
            "key": key,
            "active": key == active,
            "count": counts.get(key, ""),
        }
        for key in TABS
    ]


def _row(visit: Visit, staff_id: int, now: datetime) -> dict[str, Any]:
    is_open = visit.done_at is None
    return {
        "visit": visit,
        "is_open": is_open,
        "is_overdue": is_open and visit.deadline_at < now,
        "is_held": is_held(visit, staff_id, now),
        "is_waiting": is_open and visit.show_at > now,
    }


def _keyset(text: str) -> Keyset | None:
    stamp, _sep, pk = text.partition("_")
    try:
        at = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return Keyset(at, int(pk)) if at.tzinfo and pk.isascii() and pk.isdigit() else None


def _next_url(tab: str, last: Visit) -> str:
    moment = getattr(last, order_of(tab))
    query = urlencode({"tab": tab, "after": f"{moment.isoformat()}_{last.pk}"})
    return f"{reverse('feedback:visits')}?{query}"


@staff_page(Permission.VISIT_WORK)
@require_safe
def visit_page_view(request: StaffRequest, visit_id: int) -> HttpResponse:
    """Show one visit: the customer, the order, the words to say, what was tried."""
    visit = get_visit_for(request.user, visit_id)
    form = AttemptForm(initial={"version": visit.version, "next_try": "tomorrow"})
    return render_page(request, DETAIL, _context(request, visit, form), fragment="visit")


def _context(request: StaffRequest, visit: Visit, form: AttemptForm, **more: Any) -> dict[str, Any]:
    now = timezone.now()
    staff = request.user
    phones = [row for row in identities_of(visit.customer_id) if row.kind == IdentityKind.PHONE]
    reveal = ""
    if phones and has(staff, Permission.PII_REVEAL):
        query = urlencode({"subject_type": "customer", "subject_id": visit.customer_id, "field": "phone"})
        reveal = f"{reverse('accounts:reveal')}?{query}"
    following = next_visit(staff, at=now, besides=visit.pk)
    language = visit.customer.language
    script = visit.plan.script_in(language)
    script = script.replace("{shop}", visit.shop.name).replace("{order}", visit.order.number)
    return {
        "visit": visit,
        "form": form,
        "skip_form": SkipForm(initial={"version": visit.version}),
        "tries": tries_of(visit),
        "phone": phones[0].masked if phones else "",
        "reveal_url": reveal,
        "script": [line for line in script.splitlines() if line.strip()],
        "is_open": visit.done_at is None,
        "is_overdue": visit.done_at is None and visit.deadline_at < now,
        "is_held": is_held(visit, staff.pk, now),
        "is_mine": visit.agent_id == staff.pk and visit.claimed_at is not None,
        "next": following,
        "now": now,
        **more,
    }


@staff_page(Permission.VISIT_WORK)
@require_POST
def claim(request: StaffRequest, visit_id: int) -> HttpResponse:
    """Take the visit."""
    visit = get_visit_for(request.user, visit_id)
    services.claim_visit(visit_id=visit.pk, staff_id=request.user.pk, at=timezone.now())
    return HttpResponseRedirect(reverse("feedback:visit", args=[visit.pk]))


@staff_page(Permission.VISIT_WORK)
@require_POST
def release(request: StaffRequest, visit_id: int) -> HttpResponse:
    """Give the visit back."""
    visit = get_visit_for(request.user, visit_id)
    services.release_visit(visit_id=visit.pk, staff_id=request.user.pk, at=timezone.now())
    messages.success(request, _("The visit is in the list again."))
    return HttpResponseRedirect(reverse("feedback:visits"))


@staff_page(Permission.VISIT_WORK)
@require_http_methods(["POST"])
def attempt(request: StaffRequest, visit_id: int) -> HttpResponse:
    """Write down an attempt, then go on to the next visit due."""
    now = timezone.now()
    visit = get_visit_for(request.user, visit_id)
    form = AttemptForm(request.POST)
    if not form.is_valid():
        return form_invalid(request, DETAIL, _context(request, visit, form))
    try:
        services.record_attempt(
            visit_id=visit.pk,
            attempt=form.attempt(zone=request.user.timezone, at=now),
            version=form.cleaned_data["version"],
            staff_id=request.user.pk,
            at=now,
        )
    except InvalidInput as error:
        for name, sentences in error.fields.items():
            form.add_error(name if name in form.fields else None, [str(text) for text in sentences])
        return form_invalid(request, DETAIL, _context(request, visit, form))
    except StaleEdit as error:
        return _stale(request, visit_id, error)
    return _go_on(request, visit_id, _("Saved."))


def _stale(request: StaffRequest, visit_id: int, error: StaleEdit) -> HttpResponse:
    """Show what changed beside what was typed; saving again is then on top of the newer version."""
    fresh = get_visit_for(request.user, visit_id)
    typed = request.POST.copy()
    typed["version"] = str(fresh.version)
    context = _context(request, fresh, AttemptForm(typed), stale=str(error))
    return render_page(request, DETAIL, context, status=409)


def _go_on(request: StaffRequest, visit_id: int, words: str) -> HttpResponse:
    following = next_visit(request.user, at=timezone.now(), besides=visit_id)
    if following is None:
        messages.success(request, words)
        return HttpResponseRedirect(reverse("feedback:visits"))
    messages.success(request, _("%(words)s This is the next visit.") % {"words": words})
    return HttpResponseRedirect(reverse("feedback:visit", args=[following.pk]))


@staff_page(Permission.VISIT_WORK)
@require_POST
def skip(request: StaffRequest, visit_id: int) -> HttpResponse:
    """End a visit without an attempt."""
    visit = get_visit_for(request.user, visit_id)
    form = SkipForm(request.POST)
    if not form.is_valid():
        attempt_form = AttemptForm(initial={"version": visit.version})
        return form_invalid(request, DETAIL, _context(request, visit, attempt_form, skip_form=form))
    try:
        services.skip_visit(
            visit_id=visit.pk,
            why=form.cleaned_data["why"],
            version=form.cleaned_data["version"],
            staff_id=request.user.pk,
            at=timezone.now(),
        )
    except StaleEdit as error:
        return _stale(request, visit_id, error)
    return _go_on(request, visit_id, _("Skipped."))
