"""Settings of the providers of text messages, WeChat and push: accounts, test sends, the provider's templates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core import ratelimit
from core.actors import Actor
from core.crypto import CannotDecrypt
from core.errors import InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, on_newer, render_page
from notifications import services
from notifications.channels import webpush
from notifications.enums import Channel
from notifications.forms_channels import FORMS, AccountForm, ChannelTestForm, ProviderTemplateForm
from notifications.models import ChannelAccount
from notifications.selectors.providers import (
    PROVIDERS,
    credentials_of,
    find_account,
    provider_templates,
)
from notifications.services.accounts import test_account
from notifications.templates import LANGUAGES, TEMPLATES
from notifications.views.mailboxes import add_errors
from notifications.wordings import words_for

PAGE = "notifications/channel.html"
ICONS = {"sms": "message", "wechat": "brand-wechat", "push": "bell"}


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def channels(request: StaffRequest) -> HttpResponse:
    """List the channels beside mail and how each does."""
    known = {row.channel: row for row in ChannelAccount.objects.all()}
    rows = [
        {
            "channel": channel,
            "label": Channel(channel).label,
            "icon": ICONS[channel],
            "account": known.get(channel),
            "fault": words_for(known[channel].last_error_code) if channel in known else "",
        }
        for channel in PROVIDERS
    ]
    return render_page(request, "notifications/channels.html", {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: StaffRequest, channel: str) -> HttpResponse:
    """Show and save the account of one channel."""
    row = _account(channel)
    form = FORMS[channel](request.POST or None, initial=FORMS[channel].initial_of(row))
    context = _context(channel, row, form)
    if request.method != "POST":
        return render_page(request, PAGE, context)
    if not form.is_valid():
        return form_invalid(request, PAGE, context)
    try:
        services.save_account(
            channel=channel,
            version=form.cleaned_data["version"],
            values=form.values(),
            is_active=form.cleaned_data["is_active"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit:
        changes = on_newer(form, FORMS[channel].initial_of(_account(channel)))
        return render_page(request, PAGE, context | {"changes": changes}, status=409)
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, PAGE, context)
    messages.success(request, _("Saved. Send a test message now."))
    return HttpResponseRedirect(reverse("notifications:channel", args=[channel]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def channel_test(request: StaffRequest, channel: str) -> HttpResponse:
    """Send a real message through the account and show what the provider said."""
    row = _account(channel)
    form = ChannelTestForm(request.POST)
    context = _context(channel, row, FORMS[channel](initial=FORMS[channel].initial_of(row))) | {"test_form": form}
    if row is None or not form.is_valid():
        return form_invalid(request, PAGE, context)
    ratelimit.check("notifications.test", str(request.user.pk), limit=20, period=timedelta(hours=1))
    try:
        outcome = test_account(
            channel=channel, to=form.cleaned_data["to"], actor=Actor.staff(request.user), at=timezone.now()
        )
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, PAGE, context)
    context |= {"outcome": outcome, "words": words_for(outcome.code), "account": _account(channel)}
    return render_page(request, PAGE, context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def provider_template(request: StaffRequest, channel: str, key: str, language: str) -> HttpResponse:
    """Say which of the provider's templates stands for ours in one language."""
    form = ProviderTemplateForm(request.POST)
    if (key, channel) not in TEMPLATES or language not in LANGUAGES:
        raise NotFound
    here = reverse("notifications:template", args=[channel, key, language])
    if not form.is_valid():
        raise InvalidInput(fields={name: [str(text) for text in texts] for name, texts in form.errors.items()})
    services.save_provider_template(
        channel=channel,
        key=key,
        language=language,
        code=form.cleaned_data["code"],
        fields=form.cleaned_data["fields_"],
        version=form.cleaned_data["provider_version"],
        actor=Actor.staff(request.user),
        at=timezone.now(),
    )
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(here)


def _account(channel: str) -> ChannelAccount | None:
    if channel not in FORMS:
        raise NotFound
    return find_account(channel)


def _context(channel: str, row: ChannelAccount | None, form: AccountForm) -> dict[str, Any]:
    try:
        known = credentials_of(row)
    except CannotDecrypt:
        known = {}
    return {
        "channel": channel,
        "label": Channel(channel).label,
        "account": row,
        "form": form,
        "fields": [form[name] for name in form.own],
        "test_form": ChannelTestForm(),
        "fault": words_for(row.last_error_code) if row else "",
        "hooks": _hooks(channel, str(known.get("hook_key") or "")),
        "public_key": webpush.public_text(webpush.private_key(known["private_key"])) if "private_key" in known else "",
        "templates": provider_templates(channel),
    }


def _hooks(channel: str, key: str) -> list[dict[str, str]]:
    names = {
        Channel.SMS: (("notifications:sms_reports", _("Receipts (SmsReport)")),
                      ("notifications:sms_replies", _("Customers' answers (SmsUp)"))),
        Channel.WECHAT: (("notifications:wechat_hook", _("Server address (URL)")),),
    }  # fmt: skip
    return [
        {"label": label, "url": urljoin(settings.PUBLIC_URL, reverse(name, args=[key]))}
        for name, label in (names.get(Channel(channel), ()) if key else ())
    ]
