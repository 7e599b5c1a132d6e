"""Settings of shops and carriers."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, on_newer, render_page
from orders import services
from orders.enums import PARCEL_UNDER_WAY
from orders.forms import CarrierForm, ShopForm
from orders.models import Carrier, Shop
from orders.permissions import shops_visible_to
from orders.selectors import carriers as all_carriers

SHOP, CARRIER = "orders/shop_edit.html", "orders/carrier_edit.html"


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def shops(request: StaffRequest) -> HttpResponse:
    """List the shops one's teams serve."""
    rows = shops_visible_to(request.user).order_by("-is_active", "name", "pk")
    return render_page(request, "orders/shop_list.html", {"shops": list(rows)})


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def shop_new(request: StaffRequest) -> HttpResponse:
    """Add a shop."""
    return _edit_shop(request, None)


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def shop_edit(request: StaffRequest, shop_id: int) -> HttpResponse:
    """Show and save one shop that one's teams serve."""
    shop = shops_visible_to(request.user).filter(pk=shop_id).first()
    if shop is None:
        raise NotFound
    return _edit_shop(request, shop)


def _edit_shop(request: StaffRequest, shop: Shop | None) -> HttpResponse:
    form = ShopForm(request.POST or None, initial=ShopForm.initial_of(shop) if shop else None)
    context: dict[str, Any] = {"form": form, "shop": shop}
    if request.method != "POST":
        return render_page(request, SHOP, context)
    if not form.is_valid():
        return form_invalid(request, SHOP, context)
    try:
        services.save_shop(
            shop_id=shop.pk if shop else None,
            version=form.cleaned_data["version"],
            draft=form.draft(),
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, SHOP, context)
    except StaleEdit:
        assert shop is not None
        changes = on_newer(form, ShopForm.initial_of(Shop.objects.get(pk=shop.pk)))
        return render_page(request, SHOP, context | {"changes": changes}, status=409)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("orders:shops"))


@staff_page(Permission.API_MANAGE)
@never_cache
@require_POST
def shop_secret(request: StaffRequest, shop_id: int) -> HttpResponse:
    """Make a new webhook secret and show it this once."""
    secret = services.renew_hook_secret(shop_id=shop_id, actor=Actor.staff(request.user), at=timezone.now())
    shop = Shop.objects.get(pk=shop_id)
    context = {"form": ShopForm(initial=ShopForm.initial_of(shop)), "shop": shop, "secret": secret}
    return render_page(request, SHOP, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def carriers(request: StaffRequest) -> HttpResponse:
    """List the carriers with how many parcels each has under way."""
    counts = dict(
        Carrier.objects.filter(parcels__status__in=PARCEL_UNDER_WAY)
        .annotate(under_way=Count("parcels"))
        .values_list("pk", "under_way")
    )
    rows = [{"carrier": carrier, "under_way": counts.get(carrier.pk, 0)} for carrier in all_carriers()]
    return render_page(request, "orders/carrier_list.html", {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def carrier_new(request: StaffRequest) -> HttpResponse:
    """Add a carrier."""
    return _edit_carrier(request, None)


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def carrier_edit(request: StaffRequest, carrier_id: int) -> HttpResponse:
    """Show and save one carrier."""
    carrier = Carrier.objects.filter(pk=carrier_id).first()
    if carrier is None:
        raise NotFound
    return _edit_carrier(request, carrier)


def _edit_carrier(request: StaffRequest, carrier: Carrier | None) -> HttpResponse:
    form = CarrierForm(request.POST or None, initial=CarrierForm.initial_of(carrier) if carrier else None)
    context: dict[str, Any] = {"form": form, "carrier": carrier}
    if request.method != "POST":
        return render_page(request, CARRIER, context)
    if form.is_valid():
        try:
            services.save_carrier(
                carrier_id=carrier.pk if carrier else None,
                actor=Actor.staff(request.user),
                at=timezone.now(),
                **form.cleaned_data,
            )
        except InvalidInput as error:
            add_errors(form, error)
        except StaleEdit:
            assert carrier is not None
            changes = on_newer(form, CarrierForm.initial_of(Carrier.objects.get(pk=carrier.pk)))
            return render_page(request, CARRIER, context | {"changes": changes}, status=409)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("orders:carriers"))
    return form_invalid(request, CARRIER, context)


def add_errors(form: Any, error: InvalidInput) -> None:
    """Put a service's refusal beside the fields it is about."""
    for name, texts in error.fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not error.fields:
        form.add_error(None, error.message)
