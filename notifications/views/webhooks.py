"""Settings of outgoing webhooks: who is told what, what went out, what came back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, shop_scope, staff_page
from accounts.shops import shop_choices
from core import ratelimit
from core.actors import Actor
from core.errors import Conflict, InvalidInput, StaleEdit
from core.http import form_invalid, on_newer, render_page
from notifications.models import Webhook, WebhookSent
from notifications.services import webhooks as services
from notifications.views.mailboxes import add_errors
from notifications.webhook_enums import WebhookSentState, WebhookState
from notifications.webhook_forms import WebhookForm
from notifications.webhook_kinds import WEBHOOK_KINDS
from notifications.webhook_permissions import get_sent_for, get_webhook_for, webhooks_visible_to
from notifications.webhook_words import words_for_try

LIST, EDIT, MESSAGE = "notifications/webhooks.html", "notifications/webhook.html", "notifications/webhook_message.html"
PAGE = 50


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def webhooks(request: StaffRequest) -> HttpResponse:
    """List the subscriptions with how they do."""
    names = dict(shop_choices())
    rows = [
        {
            "webhook": one,
            "shops": [names.get(pk, f"#{pk}") for pk in one.shop_ids],
            "fault": words_for_try(one.last_code) if one.failures else "",
        }
        for one in webhooks_visible_to(request.user)
    ]
    return render_page(request, LIST, {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_new(request: StaffRequest) -> HttpResponse:
    """Make a subscription; its secret is on the answer to this POST and nowhere else."""
    form = _form(request)
    if request.method != "POST":
        return render_page(request, EDIT, {"form": form})
    if not form.is_valid():
        return form_invalid(request, EDIT, {"form": form})
    try:
        made, secret = services.create_webhook(draft=form.draft(), actor=Actor.staff(request.user), at=timezone.now())
    except (InvalidInput, Conflict) as error:
        add_errors(form, error)
        return form_invalid(request, EDIT, {"form": form})
    return _page(request, made, secret=secret)


@staff_page(Permission.SETTINGS_MANAGE)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: StaffRequest, webhook_id: int) -> HttpResponse:
    """Show and save one subscription, with what it was told."""
    one = get_webhook_for(request.user, webhook_id)
    if request.method != "POST":
        return _page(request, one)
    form = _form(request)
    if not form.is_valid():
        return _page(request, one, form=form, status=422)
    try:
        services.edit_webhook(
            webhook_id=one.pk,
            version=form.cleaned_data["version"] or 0,
            draft=form.draft(),
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit:
        fresh = get_webhook_for(request.user, webhook_id)
        changes = on_newer(form, _form(request, fresh).initial)
        return _page(request, one, form=form, status=409, changes=changes)
    except InvalidInput as error:
        add_errors(form, error)
        return _page(request, one, form=form, status=422)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("notifications:webhook", args=[webhook_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def webhook_test(request: StaffRequest, webhook_id: int) -> HttpResponse:
    """Send a test message now and lead to what came of it."""
    one = get_webhook_for(request.user, webhook_id)
    ratelimit.check("notifications.test", str(request.user.pk), limit=20, period=timedelta(hours=1))
    sent = services.try_webhook(webhook_id=one.pk, at=timezone.now())
    words = words_for_try(sent.last_code)
    if sent.state == WebhookSentState.SENT:
        messages.success(request, _("The receiver took the test message."))
    else:
        messages.error(request, words or _("The test message was not taken."))
    return HttpResponseRedirect(reverse("notifications:webhook_message", args=[sent.pk]))


@staff_page(Permission.SETTINGS_MANAGE)
@never_cache
@require_POST
def webhook_rotate(request: StaffRequest, webhook_id: int) -> HttpResponse:
    """Make a new secret and show it once."""
    one = get_webhook_for(request.user, webhook_id)
    rotated, secret = services.rotate_secret(webhook_id=one.pk, actor=Actor.staff(request.user), at=timezone.now())
    return _page(request, rotated, secret=secret)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def webhook_state(request: StaffRequest, webhook_id: int) -> HttpResponse:
    """Pause or switch on (to=active)."""
    one, now, actor = get_webhook_for(request.user, webhook_id), timezone.now(), Actor.staff(request.user)
    if request.POST.get("to") == WebhookState.ACTIVE:
        services.resume_webhook(webhook_id=one.pk, actor=actor, at=now)
        messages.success(request, _("Switched on. It is told of what happens from now on."))
    else:
        services.pause_webhook(webhook_id=one.pk, actor=actor, at=now)
        messages.success(request, _("Paused. What happens meanwhile is not told later."))
    return HttpResponseRedirect(reverse("notifications:webhook", args=[webhook_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def webhook_delete(request: StaffRequest, webhook_id: int) -> HttpResponse:
    """Delete a subscription with its messages."""
    one = get_webhook_for(request.user, webhook_id)
    services.delete_webhook(webhook_id=one.pk, actor=Actor.staff(request.user), at=timezone.now())
    messages.success(request, _("The webhook is deleted."))
    return HttpResponseRedirect(reverse("notifications:webhooks"))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def webhook_replay(request: StaffRequest, webhook_id: int) -> HttpResponse:
    """Send everything that was given up again."""
    one = get_webhook_for(request.user, webhook_id)
    count = services.replay_failed(webhook_id=one.pk, at=timezone.now())
    words = ngettext("%(n)s message goes out again.", "%(n)s messages go out again.", count) % {"n": count}
    messages.success(request, words)
    return HttpResponseRedirect(reverse("notifications:webhook", args=[webhook_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def message(request: StaffRequest, webhook_sent_id: int) -> HttpResponse:
    """Show one message: its words, every try, what came back."""
    sent = get_sent_for(request.user, webhook_sent_id)
    tries = [{"row": row, "words": words_for_try(row.code)} for row in sent.tries.order_by("-number")[:30]]
    words = json.dumps(json.loads(sent.body), ensure_ascii=False, indent=2)
    context = {"sent": sent, "webhook": sent.webhook, "tries": tries, "label": _label(sent), "body": words}
    return render_page(request, MESSAGE, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def message_replay(request: StaffRequest, webhook_sent_id: int) -> HttpResponse:
    """Send one message again."""
    sent = get_sent_for(request.user, webhook_sent_id)
    services.replay_message(sent_id=sent.pk, at=timezone.now())
    messages.success(request, _("It goes out again in a moment, under the same id."))
    return HttpResponseRedirect(reverse("notifications:webhook_message", args=[sent.pk]))


def _form(request: StaffRequest, one: Webhook | None = None) -> WebhookForm:
    scope = shop_scope(request.user)
    shops = [(pk, name) for pk, name in shop_choices() if scope is None or pk in scope]
    typed = request.POST if one is None and request.method == "POST" else None
    initial = WebhookForm.initial_of(one) if one else None
    return WebhookForm(typed, shops=shops, is_company=scope is None, initial=initial)


def _page(
    request: StaffRequest,
    one: Webhook,
    *,
    form: WebhookForm | None = None,
    secret: str = "",
    status: int = 200,
    changes: list[dict[str, str]] | None = None,
) -> HttpResponse:
    rows = one.sent.order_by("-pk")
    state, before = request.GET.get("state", ""), request.GET.get("before", "")
    if state in WebhookSentState.values:
        rows = rows.filter(state=state)
    if before.isdecimal() and len(before) < 18:
        rows = rows.filter(pk__lt=int(before))
    found = list(rows[: PAGE + 1])
    more = f"?state={state}&before={found[PAGE - 1].pk}" if len(found) > PAGE else ""
    context = {
        "webhook": one,
        "form": form or _form(request, one),
        "secret": secret,
        "changes": changes,
        "fault": words_for_try(one.last_code) if one.failures else "",
        "rows": [_row(sent) for sent in found[:PAGE]],
        "next_url": more,
        "chosen": state,
        "states": WebhookSentState.choices,
        "has_failed": one.sent.filter(state=WebhookSentState.FAILED, event_id__isnull=False).exists(),
        "has_two_secrets": one.old_secret_until is not None and timezone.now() < one.old_secret_until,
    }
    return render_page(request, EDIT, context, status=status)


def _row(sent: WebhookSent) -> dict[str, Any]:
    return {"sent": sent, "label": _label(sent), "words": words_for_try(sent.last_code)}


def _label(sent: WebhookSent) -> str:
    known = WEBHOOK_KINDS.get(sent.kind)
    return str(known.label) if known else _("Test message") if sent.event_id is None else sent.kind
