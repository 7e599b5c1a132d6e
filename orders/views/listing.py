"""The order list: filters, standard views with counts, order and columns as one likes them, pages."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.list_filters import list_filters_of, may_change_filter, may_share_filters
from accounts.permissions import Permission, StaffRequest, has, staff_page
from accounts.selectors import get_preference
from accounts.services import drop_list_filter, keep_list_filter, save_preference
from core.errors import InvalidInput
from core.http import render_page
from orders.forms.listing import NEVER_SAVED, SOURCES, OrderListForm
from orders.models import Order
from orders.permissions import orders_visible_to
from orders.selectors import search_orders
from orders.selectors.listing import COUNTED, STANDARD, arrange_orders, count_standard, cursor_of, narrow_orders
from orders.views.desk import order_rows

PAGE_SIZE = 50
LIST_KEY = "orders"
LIST = "orders/list.html"
COLUMNS_LIKED = "orders.columns"
COLUMNS = {
    "recipient": _("Recipient"),
    "parcels": _("Parcels"),
    "promised": _("Promised for"),
    "source": _("Came by"),
    "total": _("Total"),
    "placed": _("Ordered at"),
}
USUAL = ("recipient", "parcels", "promised", "total", "placed")


@staff_page(Permission.ORDER_VIEW)
@require_safe
def order_list(request: StaffRequest) -> HttpResponse:
    """List visible orders as the address asks; what it asks that cannot be read is said, the rest holds."""
    return render_page(request, LIST, _context(request, request.GET), fragment="orders")


def _context(request: StaffRequest, data: Any, **more: Any) -> dict[str, Any]:
    form = OrderListForm(data, staff=request.user)
    wanted, kept, now = form.wanted, form.kept, timezone.now()
    sort = wanted.get("sort", "newest")
    rows = _rows(request, wanted, sort)
    next_url = ""
    if len(rows) > PAGE_SIZE:
        rows = rows[:PAGE_SIZE]
        next_url = "?" + urlencode(kept | {"before": cursor_of(rows[-1], sort)})
    shown = get_preference(request.user.pk, COLUMNS_LIKED, list(USUAL))
    return {
        "orders": [_told(row, now) for row in order_rows(rows)],
        "form": form,
        "kept": kept,
        "narrowed": len(kept.keys() - {"q", "view", "sort"}),
        "shown": shown,
        "columns": [{"key": key, "label": label, "is_on": key in shown} for key, label in COLUMNS.items()],
        "views": _views(kept, {}),
        "counts_url": f"{reverse('orders:list_counts')}?{urlencode(kept)}",
        "next_url": next_url,
        "first_url": "?" + urlencode(kept) if "before" in request.GET else "",
        "may_import": has(request.user, Permission.ORDER_IMPORT),
        "export_url": f"{reverse('orders:export')}?{urlencode(kept)}" if has(request.user, Permission.EXPORT) else "",
        "kept_filters": _kept_filters(request, kept),
        "teams": may_share_filters(request.user),
        **more,
    }


def _kept_filters(request: StaffRequest, kept: dict[str, str]) -> list[dict[str, Any]]:
    now = {name: value for name, value in kept.items() if name not in NEVER_SAVED}
    return [
        {
            "filter": one,
            "url": f"{reverse('orders:list')}?{urlencode(one.conditions)}",
            "is_on": one.conditions == now,
            "may_drop": may_change_filter(request.user, one),
        }
        for one in list_filters_of(request.user, LIST_KEY).select_related("team")
    ]


@staff_page(Permission.ORDER_VIEW)
@require_POST
def keep_filter(request: StaffRequest) -> HttpResponse:
    """Keep what the list shows under a name, for oneself or a team; never what was looked up."""
    kept = OrderListForm(request.POST, staff=request.user).kept
    conditions = {name: value for name, value in kept.items() if name not in NEVER_SAVED}
    name, team = request.POST.get("filter_name", ""), request.POST.get("team", "")
    team_id = int(team) if team.isdecimal() and len(team) < 18 else None
    try:
        keep_list_filter(
            staff=request.user, list_key=LIST_KEY, name=name, conditions=conditions, team_id=team_id, at=timezone.now()
        )
    except InvalidInput as error:
        faults = [text for texts in error.fields.values() for text in texts]
        told = {"filter_faults": faults, "filter_name": name}
        return render_page(request, LIST, _context(request, request.POST, **told), fragment="orders", status=422)
    messages.success(request, _("Filter saved."))
    return HttpResponseRedirect(f"{reverse('orders:list')}?{urlencode(conditions)}")


@staff_page(Permission.ORDER_VIEW)
@require_POST
def drop_filter(request: StaffRequest, filter_id: int) -> HttpResponse:
    """Throw a kept filter away."""
    drop_list_filter(staff=request.user, list_key=LIST_KEY, filter_id=filter_id)
    messages.success(request, _("Filter deleted."))
    return HttpResponseRedirect(reverse("orders:list"))


@staff_page(Permission.ORDER_VIEW)
@require_safe
def counts(request: StaffRequest) -> HttpResponse:
    """Show the standard views with how many orders each holds."""
    kept = OrderListForm(request.GET, staff=request.user).kept
    context = {"views": _views(kept, count_standard(request.user, timezone.now()))}
    return render(request, "orders/list_views.html", context)


@staff_page(Permission.ORDER_VIEW)
@require_POST
def columns(request: StaffRequest) -> HttpResponse:
    """Remember which columns a person likes, and show the list with them."""
    liked = [key for key in COLUMNS if key in request.POST.getlist("column")]
    save_preference(staff_id=request.user.pk, key=COLUMNS_LIKED, value=liked)
    kept = OrderListForm(request.POST, staff=request.user).kept
    return HttpResponseRedirect(f"{reverse('orders:list')}?{urlencode(kept)}")


def _rows(request: StaffRequest, wanted: dict[str, Any], sort: str) -> list[Order]:
    """Return one row more than a page."""
    narrows = wanted.keys() - {"q", "sort"}
    rows = orders_visible_to(request.user)
    if words := wanted.get("q"):
        found = search_orders(request.user, words, PAGE_SIZE)
        if not narrows:
            return found
        rows = rows.filter(pk__in=[order.pk for order in found])
    rows = narrow_orders(rows, wanted, timezone.now())
    return list(arrange_orders(rows, sort, request.GET.get("before", "")).select_related("shop")[: PAGE_SIZE + 1])


def _told(row: dict[str, Any], now: Any) -> dict[str, Any]:
    order: Order = row["order"]
    ended = order.status in {"delivered", "completed", "cancelled"}
    is_late = order.promised_at is not None and not ended and order.promised_at < now
    return {**row, "is_late": is_late, "source": SOURCES.get(order.source, order.source)}


def _views(kept: dict[str, str], counted: dict[str, int]) -> list[dict[str, Any]]:
    """Return the links of the standard views; each keeps the shop and what else narrows, but not the look-up."""
    rest = {name: value for name, value in kept.items() if name not in {"view", "q"}}
    links: list[dict[str, Any]] = [
        {"key": "", "label": pgettext_lazy("order list", "All"), "url": "?" + urlencode(rest)}
    ]
    links += [
        {"key": key, "label": one.label, "url": "?" + urlencode(rest | {"view": key})} for key, one in STANDARD.items()
    ]
    for link in links:
        number = counted.get(link["key"])
        more = number is not None and number >= COUNTED
        link |= {
            "is_on": kept.get("view", "") == link["key"],
            "count": "" if number is None else f"{COUNTED - 1}+" if more else str(number),
            "url": f"{reverse('orders:list')}{link['url']}",
        }
    return links
