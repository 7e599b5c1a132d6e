"""What an agent does with an order: see how it stands, ask the shop for something, write a note."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, require, staff_page
from core.errors import Conflict, InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, fragment_or_redirect, render_page
from orders.enums import OrderStatus
from orders.forms.requests import AgainForm, AskForm, NoteForm
from orders.models import Order, OrderRequest
from orders.permissions import get_order_for
from orders.request_enums import BEFORE_SENT, KIND_RIGHTS, RequestKind, RequestState
from orders.selectors.beside import beside_of, get_order_beside
from orders.services.requests import add_order_note, open_request, repeat_notice
from orders.services.requests.moving import SENT
from orders.views.settings import add_errors

SPLIT_FROM = 2
ASK, ACTIONS = "orders/requests/ask.html", "orders/requests/actions.html"
ICONS = {
    "address": "map-pin", "hold": "player-pause", "release": "player-play", "cancel": "circle-x",
    "split": "arrow-forward-up", "resend": "package-export",
}  # fmt: skip
EFFECTS = {
    "address": gettext_lazy(
        "The shop is asked to send this order to the new address. The address here changes once the shop has done it. "
        "If a parcel leaves first, the request is refused and you are told."
    ),
    "hold": gettext_lazy("The shop is asked to keep this order back. It is not sent until you ask for its release."),
    "release": gettext_lazy("The shop is asked to send this order after all."),
    "cancel": gettext_lazy(
        "The shop is asked to cancel this order and to give the money back by its own rules. Once the shop has done "
        "it, this cannot be undone."
    ),
    "split": gettext_lazy("The shop is asked to send the chosen items now and the rest in a parcel of its own."),
    "resend": gettext_lazy(
        "The shop is asked to send the chosen items once more, without charge. The first parcel stays as it is."
    ),
}
FIELD_WORDS = {
    "status": gettext_lazy("Status"), "address": gettext_lazy("Address"), "items": gettext_lazy("Items"),
}  # fmt: skip


@staff_page(Permission.ORDER_VIEW)
@require_safe
def actions(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show what can be done with an order, what was asked and noted; the page beside it fetches the fragment."""
    order = get_order_beside(request.user, order_id)
    return render_page(request, ACTIONS, actions_context(request, order), fragment="actions")


def actions_context(request: StaffRequest, order: Order, note_form: NoteForm | None = None) -> dict[str, Any]:
    """Return what the actions beside an order show; `order` is of get_order_beside."""
    beside = beside_of(order)
    now = timezone.now()
    return {
        "order": order,
        "kinds": _kinds(request, order, beside.requests),
        "requests": [
            {"one": one, "icon": ICONS[one.kind], "is_overdue": one.is_open and one.due_at < now}
            for one in beside.requests
        ],
        "notes": beside.notes,
        "wrong": [
            {"one": row.one, "owner": row.owner, "is_mine": row.one.owner_id == request.user.pk} for row in beside.wrong
        ],
        "alike": beside.alike,
        "note_form": note_form,
        "may_note": has(request.user, Permission.ORDER_NOTE),
    }


def _kinds(request: StaffRequest, order: Order, rows: list[OrderRequest]) -> list[dict[str, Any]]:
    """Return the requests this person can make of an order as it stands; the service has the last word."""
    if order.status == OrderStatus.CANCELLED:
        return []
    sent = order.status in SENT or order.shipped_at is not None
    waiting = {RequestKind(one.kind) for one in rows if one.is_open}
    ended = [one for one in rows if one.state == RequestState.DONE and one.kind in ("hold", "release")]
    is_held = bool(ended) and max(ended, key=lambda one: (one.closed_at, one.pk)).kind == RequestKind.HOLD
    left_out: set[RequestKind] = {RequestKind.HOLD if is_held else RequestKind.RELEASE}
    if waiting & {RequestKind.HOLD, RequestKind.RELEASE}:
        left_out |= {RequestKind.HOLD, RequestKind.RELEASE}
    left_out |= waiting & {RequestKind.ADDRESS, RequestKind.CANCEL}
    if not sent and sum(item["quantity"] for item in vars(order)["told_items"]) < SPLIT_FROM:
        left_out.add(RequestKind.SPLIT)
    return [
        {"kind": kind, "label": kind.label, "icon": ICONS[kind], "url": reverse("orders:ask", args=[order.pk, kind])}
        for kind in RequestKind
        if sent != (kind in BEFORE_SENT) and kind not in left_out and has(request.user, KIND_RIGHTS[kind])
    ]


@staff_page(Permission.ORDER_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: StaffRequest, order_id: int, kind: str) -> HttpResponse:
    """Ask the shop for something: what will happen stands above the form, what was typed is never lost."""
    order = get_order_for(request.user, order_id)
    if kind not in RequestKind.values:
        raise NotFound
    require(request.user, KIND_RIGHTS[kind])
    items = list(order.items.order_by("line"))
    form = AskForm(request.POST if request.method == "POST" else None, order=order, kind=kind, items=items)
    context = {"order": order, "kind": RequestKind(kind), "icon": ICONS[kind], "effect": EFFECTS[kind], "form": form}
    if request.method != "POST":
        return render_page(request, ASK, context, fragment="ask")
    if not form.is_valid():
        return form_invalid(request, ASK, context, fragment="ask")
    told = form.cleaned_data
    try:
        open_request(
            order_id=order.pk, asked=form.asked(), seen=told["seen"], key=told["key"], staff=request.user,
            at=timezone.now(),
        )  # fmt: skip
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, ASK, context, fragment="ask")
    except StaleEdit as error:
        return render_page(request, ASK, context | _fresh(request, form, order.pk, error), fragment="ask", status=409)
    except Conflict as error:
        return render_page(request, ASK, context | {"stale": error.message}, fragment="ask", status=409)
    return _asked(request, order)


def _fresh(request: StaffRequest, form: AskForm, order_id: int, error: StaleEdit) -> dict[str, Any]:
    """Return the form as typed on the order there is now, so that asking again asks."""
    order = get_order_for(request.user, order_id)
    fresh = AskForm(None, order=order, kind=form.kind, items=list(order.items.order_by("line")))
    form.data = request.POST.copy()
    form.data["seen"] = fresh.initial["seen"]
    form.items = [item for item in fresh.items if f"line_{item.line}" in form.fields]
    now = {
        "status": order.get_status_display(), "address": f"{order.region} ****",
        "items": " · ".join(f"{item.title} × {item.quantity}" for item in fresh.items),
    }  # fmt: skip
    changes = [{"label": FIELD_WORDS[one["field"]], "now": now[one["field"]]} for one in error.changes]
    return {"order": order, "stale": error.message, "changes": changes}


def _asked(request: StaffRequest, order: Order) -> HttpResponse:
    to, words = reverse("orders:detail", args=[order.pk]), _("Asked. You are told when the shop answers.")
    if request.headers.get("HX-Request") == "true":
        context = actions_context(request, get_order_beside(request.user, order.pk))
        response = fragment_or_redirect(request, ACTIONS, context, fragment="actions", to=to, message=words)
        response["HX-Retarget"], response["HX-Reswap"] = f"#order-actions-{order.pk}", "outerHTML"
        return response
    messages.success(request, words)
    return HttpResponseRedirect(to)


@staff_page(Permission.ORDER_NOTIFY)
@require_POST
def again(request: StaffRequest, order_id: int) -> HttpResponse:
    """Send the customer a prepared notice again."""
    order = get_order_for(request.user, order_id, Permission.ORDER_NOTIFY)
    form = AgainForm(request.POST, order=order)
    if not form.is_valid():
        raise NotFound
    told = form.cleaned_data
    repeat_notice(notice_id=told["notice"].pk, key=told["key"], staff=request.user, at=timezone.now())
    messages.success(request, _("The notice is on its way again."))
    return HttpResponseRedirect(reverse("orders:detail", args=[order.pk]))


@staff_page(Permission.ORDER_NOTE)
@require_http_methods(["GET", "HEAD", "POST"])
def note(request: StaffRequest, order_id: int) -> HttpResponse:
    """Show the form of a note on an order, and write one."""
    order = get_order_beside(request.user, order_id)
    if request.method != "POST":
        shown = "note" if request.headers.get("HX-Request") == "true" else "actions"
        return render_page(request, ACTIONS, actions_context(request, order, NoteForm()), fragment=shown)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return form_invalid(request, ACTIONS, actions_context(request, order, form), fragment="actions")
    told = form.cleaned_data
    add_order_note(order_id=order.pk, text=told["text"], key=told["key"], staff=request.user, at=timezone.now())
    order = get_order_beside(request.user, order_id)
    return fragment_or_redirect(
        request, ACTIONS, actions_context(request, order), fragment="actions", to="orders:detail", args=(order.pk,),
        message=_("The note is written."),
    )  # fmt: skip
