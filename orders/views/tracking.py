"""/track/: where is my parcel? By secret link, or by number and phone. Works without cookies and without scripts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from core.crypto import sign, verify
from core.errors import DomainError, NotFound, RateLimited
from core.http import client_place
from core.http.answers import private_page
from core.text import mask_name, normalise
from notifications.selectors.providers import push_public_key
from orders.enums import PARCEL_ENDED
from orders.forms.track import TrackForm
from orders.models import Order, Parcel, Shop
from orders.selectors import active_shops, find_shop_by_code
from orders.selectors.told import ToldScan, parcels_told
from orders.services.lookups import look_up_by_link, look_up_by_number
from orders.track_words import advice_of, headline_of, life_of, public_text
from orders.tracking_doors import doors_of

FORM, PAGE, DEAD = "orders/track/form.html", "orders/track/page.html", "orders/track/dead.html"
SEEN, SEEN_FOR = "track.seen", timedelta(hours=2)
REFRESH = "X-Track-Refresh"  # the page looks again by itself: no look-up of a customer


@csrf_exempt  # nobody is signed in and nothing is changed: a browser without cookies must find its parcel, too
@require_http_methods(["GET", "HEAD", "POST"])
def track(request: HttpRequest) -> HttpResponse:
    """Ask for number and phone; lead to the order. Whatever does not fit is one and the same sentence."""
    shop = _shop(request)
    if request.method != "POST":
        return _ask(request, TrackForm(initial={"number": request.GET.get("order", "")[:64]}), shop)
    form = TrackForm(request.POST)
    if not form.is_valid():
        return _ask(request, form, shop, status=422)
    try:
        order = look_up_by_number(
            number=form.cleaned_data["number"],
            phone=form.cleaned_data["phone"],
            place=client_place(request),
            shop_id=shop.pk if shop else None,
            at=timezone.now(),
        )
    except NotFound:
        form.add_error(None, _("Number and phone do not fit together. Please compare both with your confirmation."))
        return _ask(request, form, shop, status=422)
    except RateLimited as error:
        form.add_error(None, _("Too many tries. Please wait a little, or use the link in our message to you."))
        response = _ask(request, form, shop, status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    response = HttpResponseRedirect(reverse("orders:track_seen", args=[sign({"o": order.pk}, SEEN)]))
    response.status_code = 303
    return private_page(response)


@require_safe
def track_seen(request: HttpRequest, token: str) -> HttpResponse:
    """Show the order found by its number, for two hours; codes and phones stay hidden."""
    try:
        payload = verify(token, SEEN, max_age=SEEN_FOR)
    except DomainError:
        return _dead(request)
    order = Order.objects.select_related("shop", "customer").filter(pk=payload["o"]).first()
    if order is None or order.customer.erased_at is not None:
        return _dead(request)
    return _show(request, order, timezone.now(), is_proven=False)


@require_safe
def tracked(request: HttpRequest, token: str) -> HttpResponse:
    """Show the order behind a secret link; wrong, withdrawn and old links are one and the same page."""
    now = timezone.now()
    is_look = request.method == "GET" and REFRESH not in request.headers
    try:
        order = look_up_by_link(token=token, place=client_place(request), at=now, is_counted=is_look)
    except NotFound:
        return _dead(request)
    return _show(request, order, now, is_proven=True, push=_push(token))


def _push(token: str) -> dict[str, str] | None:
    """Return what a device needs to get notices; None where push is not set up. Only behind the secret link."""
    if not (key := push_public_key()):
        return None
    return {
        "key": key,
        "url": reverse("orders:track_device", args=[token]),
        "worker": reverse("orders:track_worker"),
        "scope": reverse("orders:track"),
    }


def _show(
    request: HttpRequest, order: Order, now: datetime, *, is_proven: bool, push: dict[str, str] | None = None
) -> HttpResponse:
    told = parcels_told([order.pk], None)[order.pk]
    parcels = [parcel for parcel, _scans in told]
    with timezone.override(ZoneInfo(order.shop.timezone)):
        context = {
            "shop": _look(order.shop),
            "shop_code": order.shop.code,
            "order": order,
            "who": mask_name(order.recipient),
            "headline": headline_of(order, parcels, now),
            "life": life_of(order, parcels),
            "parcels": [_parcel(parcel, scans, now, is_proven) for parcel, scans in told],
            "doors": doors_of(order),
            "is_open": not parcels or any(parcel.status not in PARCEL_ENDED for parcel in parcels),
            "is_proven": is_proven,
            "push": push,
            "now": now,
            "refresh": REFRESH,
        }
        return private_page(render(request, PAGE, context))


def _parcel(parcel: Parcel, scans: list[ToldScan], now: datetime, is_proven: bool) -> dict[str, Any]:
    """Return a parcel as the page shows it, its scans by day, the newest first."""
    texts = [scan.text for scan in scans]
    days: list[dict[str, Any]] = []
    for scan in scans:
        day = timezone.localtime(scan.at).date()
        if not days or days[-1]["day"] != day:
            days.append({"day": day, "scans": []})
        words = public_text(scan.words, is_proven=is_proven)
        days[-1]["scans"].append({"at": scan.at, "words": words, "status": scan.status})
    return {
        "parcel": parcel,
        "carrier": parcel.carrier.display_name,
        "hotline": parcel.carrier.hotline,
        "advice": advice_of(parcel, texts, now, is_proven=is_proven),
        "days": days,
    }


def _ask(request: HttpRequest, form: TrackForm, shop: Shop | None, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "shop": _look(shop), "shop_code": shop.code if shop else ""}
    return private_page(render(request, FORM, context, status=status))


def _dead(request: HttpRequest) -> HttpResponse:
    """Answer every link that shows nothing with the same page, and the way on."""
    return private_page(render(request, DEAD, {"shop": None, "form": TrackForm()}, status=410))


def _shop(request: HttpRequest) -> Shop | None:
    """Return the shop the address names, else the only one."""
    code = normalise(request.GET.get("shop", ""))[:32]
    if code and (named := find_shop_by_code(code)):
        return named
    shops = active_shops()
    return shops[0] if len(shops) == 1 else None


def _look(shop: Shop | None) -> dict[str, str] | None:
    return {"name": shop.name, "colour": shop.color, "phone": shop.contact_phone} if shop else None
