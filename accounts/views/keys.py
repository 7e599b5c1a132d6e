from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors, services
from accounts.enums import ApiScope
from accounts.forms import ApiKeyForm
from accounts.permissions import Permission, StaffRequest, staff_page
from accounts.shops import shop_choices
from core.actors import Actor
from core.http import form_invalid, render_page

SOON = timedelta(days=14)


@staff_page(Permission.API_MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def api_keys(request: StaffRequest) -> HttpResponse:
    """List the keys and make new ones; a new key is on the answer to its POST and nowhere else."""
    shops = shop_choices()
    form = ApiKeyForm(request.POST or None, shops=shops)
    context = {"form": form, "keys": _rows(dict(shops)), "now": timezone.now()}
    if request.method != "POST":
        return render_page(request, "accounts/api_keys.html", context)
    if not form.is_valid():
        return form_invalid(request, "accounts/api_keys.html", context)
    now, days = timezone.now(), form.cleaned_data["days"] or 0
    key, plain = services.create_api_key(
        name=form.cleaned_data["name"],
        scopes=form.cleaned_data["scopes"],
        shop_ids=form.cleaned_data["shop_ids"],
        actor=Actor.staff(request.user),
        at=now,
        expires_at=now + timedelta(days=days) if days else None,
    )
    context |= {"form": ApiKeyForm(shops=shops), "keys": _rows(dict(shops)), "new_key": key, "plain": plain}
    return render_page(request, "accounts/api_keys.html", context)


@staff_page(Permission.API_MANAGE)
@require_POST
def revoke_api_key(request: StaffRequest, key_id: int) -> HttpResponse:
    """End a key."""
    services.revoke_api_key(key_id=key_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The key no longer opens anything."))
    return HttpResponseRedirect(reverse("accounts:api_keys"))


def _rows(shops: dict[int, str]) -> list[dict[str, object]]:
    labels, now = dict(ApiScope.choices), timezone.now()
    return [
        {
            "key": key,
            "is_live": key.is_live(now),
            "ends_soon": key.is_live(now) and key.expires_at is not None and key.expires_at < now + SOON,
            "scopes": [labels.get(code, code) for code in key.scopes],
            "shops": [shops.get(pk, f"#{pk}") for pk in key.shop_ids],
        }
        for key in selectors.api_keys()
    ]
