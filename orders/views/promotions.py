"""Promotions: the list, one with its history, making, changing and ending one by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from accounts.selectors import staff_names
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, render_page
from orders.forms.promotions import PromotionForm
from orders.models import Promotion, PromotionVersion, Shop
from orders.permissions import shops_visible_to
from orders.promotion_words import goods_words, in_shop, offer_words, other_zone, state_words, value_words
from orders.selectors.promotions import (
    PAGE,
    STATES,
    find_promotions,
    get_promotion_for,
    products_of,
    versions_of,
)
from orders.services.promotions import add_promotion, change_promotion, end_promotion
from orders.views.incidents import number_in
from orders.views.settings import add_errors

LIST, DETAIL, EDIT = (f"orders/promotions/{name}.html" for name in ("list", "promotion", "edit"))


@staff_page(Permission.ORDER_VIEW)
@require_safe
def promotion_list(request: StaffRequest) -> HttpResponse:
    """List the promotions of the shops one sees; the list looks again when one changes."""
    now = timezone.now()
    kept = {name: request.GET.get(name, "").strip()[:80] for name in ("q", "shop", "state")}
    kept["state"] = kept["state"] if kept["state"] in STATES else ""
    rows = find_promotions(request.user, now=now, text=kept["q"], shop_id=number_in(kept["shop"]), state=kept["state"])
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    base = reverse("orders:promotions")
    told = {name: value for name, value in kept.items() if value}
    context: dict[str, Any] = {
        "rows": [{"promotion": one, **_row(one, one.shop)} for one in page.object_list],
        "kept": kept,
        "states": [(state, state_words(state)) for state in STATES],
        "shops": list(shops_visible_to(request.user)),
        "may_edit": has(request.user, Permission.SETTINGS_MANAGE),
        "may_import": has(request.user, Permission.ORDER_IMPORT),
        "here": f"{base}?{urlencode({**told, 'page': page.number})}",
        "prev_url": f"{base}?{urlencode({**told, 'page': page.previous_page_number()})}" if page.has_previous() else "",
        "next_url": f"{base}?{urlencode({**told, 'page': page.next_page_number()})}" if page.has_next() else "",
    }
    return render_page(request, LIST, context, fragment="promotions")


def _row(terms: Promotion | PromotionVersion, shop: Shop) -> dict[str, Any]:
    state = terms.state_at(timezone.now())
    return {
        "state": state,
        "state_words": state_words(state),
        "tone": {"running": "good", "coming": "info"}.get(state, "neutral"),
        "offer": offer_words(terms, shop.currency),
        "goods": goods_words(terms),
        "starts": in_shop(terms.starts_at, shop),
        "ends": in_shop(terms.ends_at, shop) if terms.ends_at else "",
        "zone": other_zone(shop),
    }


@staff_page(Permission.ORDER_VIEW)
@require_safe
def promotion(request: StaffRequest, promotion_id: int) -> HttpResponse:
    """Show a promotion: what it says, for which products, and what it said before."""
    found = get_promotion_for(request.user, promotion_id)
    versions = list(versions_of(found)[:PAGE])
    names = staff_names([one.by_id for one in versions], request.user)
    products, unknown = products_of(found)
    context = {
        "promotion": found,
        "row": _row(found, found.shop),
        "versions": [
            {"version": one, **_row(one, found.shop), "by": names.get(one.by_id or 0, "")} for one in versions
        ],
        "products": products,
        "more": len(found.skus) - len(products) - len(unknown),
        "unknown": unknown[:PAGE],
        "unknown_count": len(unknown),
        "may_edit": has(request.user, Permission.SETTINGS_MANAGE),
    }
    return render_page(request, DETAIL, context, fragment="promotion")


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def promotion_new(request: StaffRequest) -> HttpResponse:
    """Make a promotion by hand."""
    shops = list(shops_visible_to(request.user).filter(is_active=True))
    form = PromotionForm(request.POST or None, shops=shops)
    context = {"form": form, "promotion": None, "shops": shops}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if form.is_valid() and form.chosen is not None:
        try:
            made = add_promotion(shop=form.chosen, told=form.told(), actor=Actor.staff(request.user), at=timezone.now())
        except InvalidInput as error:
            add_errors(form, error)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("orders:promotion", args=[made.pk]))
    return form_invalid(request, EDIT, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def promotion_edit(request: StaffRequest, promotion_id: int) -> HttpResponse:
    """Show and save one promotion."""
    found = get_promotion_for(request.user, promotion_id, Permission.SETTINGS_MANAGE)
    form = PromotionForm(request.POST or None, shops=[], promotion=found)
    context: dict[str, Any] = {"form": form, "promotion": found}
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if not form.is_valid():
        return form_invalid(request, EDIT, context)
    try:
        change_promotion(
            promotion_id=found.pk, version=form.cleaned_data["version"], told=form.told(),
            actor=Actor.staff(request.user), at=timezone.now(),
        )  # fmt: skip
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, EDIT, context)
    except StaleEdit as error:
        return render_page(request, EDIT, _fresh(request, form, found, error), status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("orders:promotion", args=[found.pk]))


def _fresh(request: StaffRequest, form: PromotionForm, found: Promotion, error: StaleEdit) -> dict[str, Any]:
    """Return the form as typed on the version there is now, with what differs, so that a second look saves it."""
    fresh = get_promotion_for(request.user, found.pk, Permission.SETTINGS_MANAGE)
    form.data = request.POST.copy()
    form.data["version"] = str(fresh.version)
    changes = [
        {
            "label": form.fields[change["field"]].label,
            "yours": value_words(change["field"], change["yours"], fresh.shop),
            "theirs": value_words(change["field"], change["theirs"], fresh.shop),
        }
        for change in error.changes
    ]
    return {"form": form, "promotion": fresh, "changes": changes}


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def promotion_end(request: StaffRequest, promotion_id: int) -> HttpResponse:
    """End a promotion now, or call off one that has not begun."""
    found = get_promotion_for(request.user, promotion_id, Permission.SETTINGS_MANAGE)
    version = number_in(request.POST.get("version"))
    try:
        is_ended = end_promotion(
            promotion_id=found.pk, version=version, actor=Actor.staff(request.user), at=timezone.now()
        )
    except StaleEdit as error:
        messages.warning(request, str(error.message))
    else:
        messages.success(request, _("The promotion is over.") if is_ended else _("It was over already."))
    return HttpResponseRedirect(reverse("orders:promotion", args=[found.pk]))
