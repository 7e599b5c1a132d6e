"""/desk/order-requests/: what shops are asked to do, and what they did, told by hand where no system tells it."""

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

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.actors import Actor
from core.errors import InvalidInput
from core.http import form_invalid, render_page
from core.text import mask_name, mask_phone
from orders.forms.requests import AnswerForm
from orders.models import OrderRequest
from orders.request_enums import RequestKind, RequestState
from orders.request_permissions import get_request_for
from orders.selectors.requests import PAGE, TABS, Wanted, count_requests, request_page
from orders.services.requests import answer_request, withdraw_request
from orders.services.requests.wording import told_in
from orders.views.requests import ICONS
from orders.views.settings import add_errors

LIST, DETAIL = "orders/requests/list.html", "orders/requests/request.html"


@staff_page(Permission.ORDER_VIEW)
@require_safe
def queue(request: StaffRequest) -> HttpResponse:
    """List the requests of a tab, what is overdue first; the fragment comes back whenever one changes."""
    now = timezone.now()
    wanted = _wanted(request)
    rows = request_page(request.user, wanted, at=now)
    shown, more = rows[:PAGE], rows[PAGE:]
    kept = {"tab": wanted.tab, "kind": wanted.kind}
    context = {
        "rows": [
            {"one": one, "icon": ICONS[one.kind], "is_overdue": one.is_open and one.due_at < now} for one in shown
        ],
        "tab": wanted.tab,
        "tabs": _tabs(wanted.tab, count_requests(request.user, at=now)),
        "kinds": RequestKind.choices,
        "kept": kept,
        "next_url": f"?{urlencode(kept | {'after': _place(shown[-1], wanted.tab)})}" if more else "",
        "here": request.get_full_path(),
    }
    return render_page(request, LIST, context, fragment="list")


def _wanted(request: StaffRequest) -> Wanted:
    tab, kind = request.GET.get("tab", ""), request.GET.get("kind", "")
    stamp, _sep, pk = request.GET.get("after", "").partition("_")
    after = None
    if pk.isascii() and pk.isdigit() and len(pk) < 18:
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError:
            moment = None
        after = (moment, int(pk)) if moment is not None and moment.tzinfo else None
    return Wanted(tab if tab in TABS else "open", kind if kind in RequestKind.values else "", after)


def _place(last: OrderRequest, tab: str) -> str:
    moment = last.closed_at if tab == "closed" and last.closed_at else last.due_at
    return f"{moment.isoformat()}_{last.pk}"


def _tabs(active: str, counts: dict[str, int]) -> list[dict[str, Any]]:
    labels = {
        "open": pgettext("order requests", "Open"),
        "overdue": _("Overdue"),
        "mine": pgettext("order requests", "Asked by me"),
        "closed": pgettext("order requests", "Closed"),
    }
    base = reverse("orders:requests")
    return [
        {
            "label": labels[key], "url": f"{base}?tab={key}", "key": key, "active": key == active,
            "count": counts.get(key, ""),
        }
        for key in TABS
    ]  # fmt: skip


@staff_page(Permission.ORDER_VIEW)
@require_safe
def detail(request: StaffRequest, request_id: int) -> HttpResponse:
    """Show one request: what is asked, by whom, and what the shop said."""
    found = get_request_for(request.user, request_id)
    return render_page(request, DETAIL, _context(request, found), fragment="request")


def _context(request: StaffRequest, found: OrderRequest, form: AnswerForm | None = None) -> dict[str, Any]:
    told = told_in(found)
    titles = dict(found.order.items.values_list("line", "title")) if found.lines else {}
    reveal = f"{reverse('accounts:reveal')}?subject_type=order_request&subject_id={found.pk}&field="
    may_reveal = has(request.user, Permission.PII_REVEAL)
    return {
        "one": found,
        "icon": ICONS[found.kind],
        "is_overdue": found.is_open and found.due_at < timezone.now(),
        "told": told,
        "who": mask_name(told.recipient) if told.recipient else "",
        "phone": mask_phone(told.phone) if told.phone else "",
        "reveal": {name: reveal + name for name in ("name", "phone", "address")} if may_reveal else {},
        "lines": [(titles.get(row["line"], f"#{row['line']}"), row["quantity"]) for row in found.lines],
        "may_answer": found.is_open and has(request.user, Permission.ORDER_ANSWER),
        "may_withdraw": found.state == RequestState.ASKED and found.asked_by_id == request.user.pk,
        "form": form or AnswerForm(initial={"state": "done"}),
    }


@staff_page(Permission.ORDER_ANSWER)
@require_POST
def answer(request: StaffRequest, request_id: int) -> HttpResponse:
    """Say by hand what the shop did."""
    found = get_request_for(request.user, request_id, Permission.ORDER_ANSWER)
    form = AnswerForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        try:
            answer_request(
                request_id=found.pk, to=told["state"], reason=told["reason"], answer=told["answer"],
                actor=Actor.staff(request.user), staff=request.user, at=timezone.now(),
            )  # fmt: skip
        except InvalidInput as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Written down. Whoever asked is told."))
            return HttpResponseRedirect(reverse("orders:request", args=[found.pk]))
    return form_invalid(request, DETAIL, _context(request, found, form))


@staff_page(Permission.ORDER_VIEW)
@require_POST
def withdraw(request: StaffRequest, request_id: int) -> HttpResponse:
    """Take back what one asked."""
    found = get_request_for(request.user, request_id)
    withdraw_request(request_id=found.pk, staff=request.user, at=timezone.now())
    messages.success(request, _("Withdrawn."))
    return HttpResponseRedirect(reverse("orders:request", args=[found.pk]))
