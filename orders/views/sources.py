"""Where orders come from by themselves: connections to shop systems, their messages, carriers' foreign names."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid, on_newer, render_page
from orders.enums import HookState
from orders.forms.sources import ConnectionForm
from orders.models import ShopConnection
from orders.platforms import platform_of
from orders.selectors import carriers
from orders.selectors.sources import (
    PAGE,
    carrier_names,
    connections_for,
    get_connection_for,
    get_hook_for,
    hook_page,
)
from orders.services import sources as services
from orders.source_words import reasons_of
from orders.views.incidents import number_in
from orders.views.settings import add_errors

LIST, EDIT, MESSAGES = "orders/sources/list.html", "orders/sources/edit.html", "orders/sources/messages.html"


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def source_list(request: StaffRequest) -> HttpResponse:
    """List connections with the state of their messages, and the carriers' names that wait for a match."""
    context = {
        "connections": connections_for(request.user),
        "names": carrier_names(),
        "carriers": [carrier for carrier in carriers() if carrier.is_active],
        "may_connect": has(request.user, Permission.API_MANAGE),
    }
    return render_page(request, LIST, context)


@staff_page(Permission.API_MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def source_new(request: StaffRequest) -> HttpResponse:
    """Connect a shop."""
    return _edit(request, None)


@staff_page(Permission.API_MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def source_edit(request: StaffRequest, connection_id: int) -> HttpResponse:
    """Show a connection with its address and how to set it up; save it."""
    return _edit(request, get_connection_for(request.user, connection_id))


def _edit(request: StaffRequest, connection: ShopConnection | None) -> HttpResponse:
    form = ConnectionForm(request.POST or None, staff=request.user, connection=connection)
    context: dict[str, Any] = {"form": form, "connection": connection}
    if connection is not None:
        path = reverse("api-shop-hook", args=[connection.token])
        context |= {
            "url": f"{settings.PUBLIC_URL}{path}",
            "topics": platform_of(connection.platform).TOPICS,
        }
    if request.method != "POST":
        return render_page(request, EDIT, context)
    if form.is_valid():
        at, actor = timezone.now(), Actor.staff(request.user)
        try:
            if connection is None:
                saved = services.add_connection(
                    shop_id=form.cleaned_data["shop"], draft=form.draft(), actor=actor, at=at
                )
            else:
                saved = services.change_connection(
                    connection_id=connection.pk, draft=form.draft(), version=form.cleaned_data["version"],
                    actor=actor, at=at,
                )  # fmt: skip
        except InvalidInput as error:
            add_errors(form, error)
        except StaleEdit:
            assert connection is not None
            connection.refresh_from_db()
            changes = on_newer(form, ConnectionForm.initial_of(connection))
            return render_page(request, EDIT, context | {"changes": changes}, status=409)
        else:
            messages.success(request, _("Saved."))
            return HttpResponseRedirect(reverse("orders:source_edit", args=[saved.pk]))
    return form_invalid(request, EDIT, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def match_name(request: StaffRequest, name_id: int) -> HttpResponse:
    """Say which carrier a foreign name means."""
    chosen = number_in(request.POST.get("carrier")) or 0
    services.match_carrier_name(name_id=name_id, carrier_id=chosen, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Saved. Orders that named this carrier follow in a moment."))
    return HttpResponseRedirect(reverse("orders:sources"))


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def message_list(request: StaffRequest) -> HttpResponse:
    """List what shops' systems sent, with its state and why some was refused."""
    state = request.GET.get("state", "")
    state = state if state in HookState.values else ""
    rows = hook_page(request.user, state, number_in(request.GET.get("before")))
    shown, more = rows[:PAGE], rows[PAGE:]
    base = reverse("orders:messages")
    tabs = [{"label": _("All"), "url": base, "key": "", "active": not state}]
    tabs += [
        {"label": label, "url": f"{base}?state={value}", "key": value, "active": value == state}
        for value, label in HookState.choices
    ]
    context = {
        "rows": [{"hook": hook, "reasons": reasons_of(hook)} for hook in shown],
        "tabs": tabs,
        "state": state,
        "here": request.get_full_path(),
        "next_url": f"?state={state}&before={shown[-1].pk}" if more else "",
    }
    return render_page(request, MESSAGES, context, fragment="list")


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def replay(request: StaffRequest, hook_id: int) -> HttpResponse:
    """Let a message be applied once more."""
    hook = get_hook_for(request.user, hook_id)
    services.replay_hook(hook_id=hook.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("It is being applied once more."))
    return HttpResponseRedirect(reverse("orders:messages"))
