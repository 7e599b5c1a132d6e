"""What went out, what came in, what failed and why."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import NotFound
from core.http import render_page
from core.text import mask_email
from notifications import services
from notifications.enums import DeliveryState, InboundState, MailKind
from notifications.forms import DeliveryFilter, InboundFilter
from notifications.permissions import (
    deliveries_visible_to,
    get_delivery_for,
    get_inbound_for,
    inbound_visible_to,
)
from notifications.selectors import get_parsed_mail
from notifications.selectors.suppressions import suppressions_of
from notifications.services.deliveries import address_index
from notifications.templates import TEMPLATES
from notifications.views.templates import MAIL_CSP
from notifications.wordings import reason_for, words_for

PAGE = 50


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def deliveries(request: StaffRequest) -> HttpResponse:
    """List what was sent, newest first."""
    form = DeliveryFilter(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    rows = deliveries_visible_to(request.user).defer("text", "html", "headers", "files")
    if chosen.get("state"):
        rows = rows.filter(state=chosen["state"])
    if chosen.get("template"):
        rows = rows.filter(template=chosen["template"])
    if chosen.get("to"):
        rows = rows.filter(to_index=address_index(chosen["to"]))
    if chosen.get("before"):
        rows = rows.filter(pk__lt=chosen["before"])
    found = list(rows[: PAGE + 1])
    context = {
        "rows": [
            {"delivery": row, "label": _label(row.template, row.channel), "why": _why(row)} for row in found[:PAGE]
        ],
        "chosen": chosen,
        "is_filtered": any(chosen.get(name) for name in ("state", "template", "to")),
        "states": DeliveryState.choices,
        "labels": sorted({(one.key, str(one.label)) for one in TEMPLATES.values()}),
        "tabs": _tabs("sent"),
        **_pages(request, [row.pk for row in found], chosen.get("before")),
    }
    return render_page(request, "notifications/deliveries.html", context, fragment="rows")


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def delivery(request: StaffRequest, delivery_id: int) -> HttpResponse:
    """Show one message: where it stands, why, and its words."""
    row = get_delivery_for(request.user, delivery_id)
    context = {
        "delivery": row,
        "label": _label(row.template, row.channel),
        "why": _why(row),
        "may_retry": row.state in {DeliveryState.FAILED, DeliveryState.EXPIRED} and row.erased_at is None,
        "suppressions": list(suppressions_of(row)),
        "headers": {name: value for name, value in row.headers.items() if name not in {"From-Name", "From-Address"}},
    }
    return render_page(request, "notifications/delivery.html", context, fragment="state")


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
@xframe_options_sameorigin
@csp_override(MAIL_CSP)
def delivery_html(request: StaffRequest, delivery_id: int) -> HttpResponse:
    """Serve the message as the recipient sees it, for a frame."""
    row = get_delivery_for(request.user, delivery_id)
    if not row.html:
        raise NotFound
    return HttpResponse(row.html)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def delivery_retry(request: StaffRequest, delivery_id: int) -> HttpResponse:
    """Send a failed message once more."""
    get_delivery_for(request.user, delivery_id)
    services.retry_delivery(delivery_id=delivery_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("It goes out again now."))
    return HttpResponseRedirect(reverse("notifications:delivery", args=[delivery_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def suppression_lift(request: StaffRequest, delivery_id: int, suppression_id: int) -> HttpResponse:
    """Allow messages to an address again."""
    row = get_delivery_for(request.user, delivery_id)
    if not suppressions_of(row).filter(pk=suppression_id).exclude(reason="unsubscribe").exists():
        raise NotFound
    services.lift_suppression(suppression_id=suppression_id, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("Messages to this address are sent again."))
    return HttpResponseRedirect(reverse("notifications:delivery", args=[delivery_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def inbound(request: StaffRequest) -> HttpResponse:
    """List what came in, newest first."""
    form = InboundFilter(request.GET)
    form.is_valid()
    chosen = form.cleaned_data
    rows = inbound_visible_to(request.user).select_related("mailbox")
    for name in ("state", "kind", "mailbox"):
        if chosen.get(name):
            rows = rows.filter(**{name: chosen[name]})
    if chosen.get("before"):
        rows = rows.filter(pk__lt=chosen["before"])
    found = list(rows[: PAGE + 1])
    context = {
        "rows": [{"mail": row, "why": reason_for(row.reason) if row.reason else ""} for row in found[:PAGE]],
        "chosen": chosen,
        "states": InboundState.choices,
        "kinds": MailKind.choices,
        "state_links": _links(chosen, "state", InboundState.choices),
        "kind_links": _links(chosen, "kind", MailKind.choices),
        "tabs": _tabs("received"),
        **_pages(request, [row.pk for row in found], chosen.get("before")),
    }
    return render_page(request, "notifications/inbound.html", context, fragment="rows")


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def inbound_mail(request: StaffRequest, inbound_id: int) -> HttpResponse:
    """Show one received mail, as far as it can be read."""
    row = get_inbound_for(request.user, inbound_id)
    parsed = get_parsed_mail(row.pk) if row.raw_name else None
    context: dict[str, Any] = {
        "mail": row,
        "parsed": parsed,
        "sender": mask_email(parsed.from_address) if parsed and parsed.from_address else "",
        "why": reason_for(row.reason) if row.reason else "",
        "may_release": row.state in {InboundState.IGNORED, InboundState.QUARANTINED} and bool(row.raw_name),
        "may_ignore": row.state == InboundState.QUARANTINED,
        "may_fetch": row.reason == "not_fetched" and row.state == InboundState.QUARANTINED,
    }
    return render_page(request, "notifications/inbound_mail.html", context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def inbound_decide(request: StaffRequest, inbound_id: int) -> HttpResponse:
    """Take a mail in after all, or leave it aside for good."""
    get_inbound_for(request.user, inbound_id)
    actor, now = Actor.staff(request.user), timezone.now()
    if request.POST.get("action") == "fetch":
        if services.fetch_again(inbound_id=inbound_id, at=now):
            services.ignore_mail(inbound_id=inbound_id, reason="fetched_again", actor=actor, at=now)
            messages.success(request, _("It is tried again within a minute."))
        else:
            messages.error(request, _("It is no longer known at the provider."))
    elif request.POST.get("action") == "ignore":
        services.ignore_mail(inbound_id=inbound_id, reason="by_hand", actor=actor, at=now)
        messages.success(request, _("The mail is left aside."))
    else:
        services.release_mail(inbound_id=inbound_id, actor=actor, at=now)
        messages.success(request, _("The mail goes to the tickets now."))
    return HttpResponseRedirect(reverse("notifications:inbound"))


def _links(chosen: dict[str, Any], name: str, choices: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Return chips that change one filter and keep the others."""
    others = {key: value for key, value in chosen.items() if value and key not in {name, "before"}}
    links = [{"label": _("All"), "url": f"?{urlencode(others)}", "active": not chosen.get(name)}]
    for value, label in choices:
        url = f"?{urlencode({**others, name: value})}"
        links.append({"label": label, "url": url, "active": chosen.get(name) == value})
    return links


def _tabs(active: str) -> list[dict[str, Any]]:
    pages = (("sent", _("Outgoing"), "deliveries", "send"), ("received", _("Incoming"), "inbound", "inbox"))
    return [
        {"label": label, "url": reverse(f"notifications:{name}"), "active": active == key, "icon": icon}
        for key, label, name, icon in pages
    ]


def _pages(request: StaffRequest, ids: list[int], before: int | None) -> dict[str, str]:
    kept = {name: value for name, value in request.GET.items() if name != "before" and value}
    older = f"?{urlencode({**kept, 'before': ids[PAGE - 1]})}" if len(ids) > PAGE else ""
    return {"next_url": older, "prev_url": f"?{urlencode(kept)}" if before else ""}


def _label(key: str, channel: str) -> Any:
    template = TEMPLATES.get((key, channel))
    return template.label if template else key


def _why(row: Any) -> Any:
    shown = {DeliveryState.FAILED, DeliveryState.QUEUED, DeliveryState.SENDING}
    return words_for(row.provider_code) if row.state in shown else ""
