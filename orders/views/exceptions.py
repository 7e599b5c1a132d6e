"""/desk/exceptions/: parcels something is wrong with, and one of them."""

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
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, require, staff_page
from core.actors import Actor
from core.http import form_invalid, render_page
from orders.exception_enums import ExceptionKind
from orders.exception_permissions import get_exception_for
from orders.forms.exceptions import CloseForm, GiveForm
from orders.models import ParcelException
from orders.selectors.carriers import carriers
from orders.selectors.exceptions import PAGE, TABS, Wanted, count_exceptions, exception_page, exceptions_of_order
from orders.services.exceptions import close_exception, hand_over_exception, take_exception

LONGEST_PROVINCE = 20
LIST, DETAIL = "orders/exceptions/list.html", "orders/exceptions/exception.html"


@staff_page(Permission.EXCEPTION_WORK)
@require_safe
def queue(request: StaffRequest) -> HttpResponse:
    """List the exceptions of a tab; the fragment comes back whenever one changes."""
    now = timezone.now()
    counts = count_exceptions(request.user, at=now)
    wanted = _wanted(request, counts)
    rows = exception_page(request.user, wanted, at=now)
    shown, more = rows[:PAGE], rows[PAGE:]
    kept = {"tab": wanted.tab, "kind": wanted.kind, "carrier": wanted.carrier_id or "", "province": wanted.province}
    context = {
        "rows": [{"one": one, "is_overdue": one.closed_at is None and one.due_at < now} for one in shown],
        "tab": wanted.tab,
        "tabs": _tabs(wanted.tab, counts),
        "kinds": ExceptionKind.choices,
        "carriers": [(one.pk, one.display_name) for one in carriers()],
        "kept": kept,
        "is_filtered": bool(wanted.kind or wanted.carrier_id or wanted.province),
        "next_url": f"?{urlencode(kept | {'after': _place(shown[-1], wanted.tab)})}" if more else "",
        "here": request.get_full_path(),
    }
    return render_page(request, LIST, context, fragment="list")


def _wanted(request: StaffRequest, counts: dict[str, int]) -> Wanted:
    tab, kind = request.GET.get("tab", ""), request.GET.get("kind", "")
    if tab not in TABS:
        tab = "mine" if counts["mine"] else "open"
    carrier, (stamp, _sep, pk) = request.GET.get("carrier", ""), request.GET.get("after", "").partition("_")
    after = None
    if pk.isascii() and pk.isdigit() and len(pk) < 18:
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError:
            moment = None
        after = (moment, int(pk)) if moment is not None and moment.tzinfo else None
    return Wanted(
        tab=tab,
        kind=kind if kind in ExceptionKind.values else "",
        carrier_id=int(carrier) if carrier.isascii() and carrier.isdigit() and len(carrier) < 18 else None,
        province=request.GET.get("province", "").strip()[:LONGEST_PROVINCE],
        after=after,
    )


def _place(last: ParcelException, tab: str) -> str:
    moment = last.closed_at if tab == "closed" and last.closed_at else last.due_at
    return f"{moment.isoformat()}_{last.pk}"


def _tabs(active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    labels = {
        "mine": pgettext("exceptions", "Mine"),
        "open": pgettext("exceptions", "All open"),
        "overdue": _("Overdue"),
        "unowned": pgettext("exceptions", "Nobody's"),
        "closed": pgettext("exceptions", "Closed"),
    }
    base = reverse("orders:exceptions")
    return [
        {
            "label": labels[key], "url": f"{base}?tab={key}", "key": key, "active": key == active,
            "count": counts.get(key, ""),
        }
        for key in TABS
    ]  # fmt: skip


@staff_page(Permission.EXCEPTION_WORK)
@require_safe
def detail(request: StaffRequest, exception_id: int) -> HttpResponse:
    """Show one exception with what else was wrong with its order."""
    found = get_exception_for(request.user, exception_id)
    return render_page(request, DETAIL, _context(request, found), fragment="exception")


def _context(request: StaffRequest, found: ParcelException, **more: Any) -> dict[str, Any]:
    others = [one for one in exceptions_of_order(request.user, found.order_id) if one.pk != found.pk]
    return {
        "one": found,
        "is_open": found.closed_at is None,
        "is_overdue": found.closed_at is None and found.due_at < timezone.now(),
        "is_mine": found.owner_id == request.user.pk,
        "others": others,
        "may_give": has(request.user, Permission.TICKET_ASSIGN) or found.owner_id == request.user.pk,
        "close_form": CloseForm(),
        "give_form": GiveForm(found=found),
        **more,
    }


@staff_page(Permission.EXCEPTION_WORK)
@require_POST
def take(request: StaffRequest, exception_id: int) -> HttpResponse:
    """Take an exception to work on it."""
    found = get_exception_for(request.user, exception_id)
    take_exception(exception_id=found.pk, staff=request.user, at=timezone.now())
    messages.success(request, _("It is yours now."))
    return HttpResponseRedirect(reverse("orders:exception", args=[found.pk]))


@staff_page(Permission.EXCEPTION_WORK)
@require_POST
def give(request: StaffRequest, exception_id: int) -> HttpResponse:
    """Give an exception to somebody else: one's own, or anybody's with the right to assign."""
    found = get_exception_for(request.user, exception_id)
    if found.owner_id != request.user.pk:
        require(request.user, Permission.TICKET_ASSIGN)
    form = GiveForm(request.POST, found=found)
    if not form.is_valid():
        return form_invalid(request, DETAIL, _context(request, found, give_form=form))
    to = form.people[form.cleaned_data["to"]]
    url = reverse("orders:exception", args=[found.pk])
    hand_over_exception(exception_id=found.pk, to=to, actor=Actor.staff(request.user), at=timezone.now(), url=url)
    messages.success(request, _("%(name)s has it now.") % {"name": to.display_name})
    return HttpResponseRedirect(reverse("orders:exceptions"))


@staff_page(Permission.EXCEPTION_WORK)
@require_POST
def close(request: StaffRequest, exception_id: int) -> HttpResponse:
    """Close an exception with a reason."""
    found = get_exception_for(request.user, exception_id)
    form = CloseForm(request.POST)
    if not form.is_valid():
        return form_invalid(request, DETAIL, _context(request, found, close_form=form))
    close_exception(
        exception_id=found.pk, why=form.cleaned_data["why"], note=form.cleaned_data["note"],
        actor=Actor.staff(request.user), staff=request.user, at=timezone.now(),
    )  # fmt: skip
    messages.success(request, _("Closed."))
    return HttpResponseRedirect(reverse("orders:exceptions"))
