"""Settings of message templates: own wording per language, with a preview that shows the real mail."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, render_page
from notifications import services
from notifications.enums import Channel
from notifications.errors import BadHeader
from notifications.forms import TemplateForm
from notifications.forms_channels import ProviderTemplateForm
from notifications.models import ProviderTemplate
from notifications.rendering import Frame, Wording, fill_variables, render_message, short_text
from notifications.selectors.mailboxes import find_mailbox_for_shop
from notifications.selectors.templates import own_wording, own_wordings
from notifications.templates import LANGUAGES, TEMPLATES, Template, get_template
from notifications.views.mailboxes import add_errors

CHANNEL_ORDER = (Channel.EMAIL, Channel.PUSH, Channel.WECHAT, Channel.SMS)
# A mail's own page in a frame: nothing runs, nothing is loaded but pictures, links open beside.
MAIL_CSP = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "form-action": ["'none'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def templates(request: StaffRequest) -> HttpResponse:
    """List the templates with who has changed what."""
    own = own_wordings()
    rows = [
        {
            "template": template,
            "channel": Channel(template.channel).label,
            "languages": [
                {
                    "code": code,
                    "own": own.get((template.key, template.channel, code)),
                    "subject": _subject(template, own.get((template.key, template.channel, code)), code),
                }
                for code in LANGUAGES
            ],
        }
        for template in sorted(TEMPLATES.values(), key=lambda one: (one.key, CHANNEL_ORDER.index(one.channel)))
        if not template.key.startswith("tests.")
    ]
    return render_page(request, "notifications/templates.html", {"rows": rows})


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def template(request: StaffRequest, channel: str, key: str, language: str) -> HttpResponse:
    """Show and save one template in one language."""
    original = _template(channel, key, language)
    own = own_wording(key, channel, language)
    initial = {
        "version": own.version if own else 0,
        "subject": own.subject if own else original.subject[language],
        "body": own.body if own else original.body[language],
    }
    form = TemplateForm(request.POST or None, initial=initial)
    context = {
        "form": form, "template": original, "own": own, "code": language, "languages": LANGUAGES,
        "channel_label": Channel(original.channel).label, **_provider(original, language),
    }  # fmt: skip
    if request.method != "POST":
        return render_page(request, "notifications/template.html", context)
    if not form.is_valid():
        return form_invalid(request, "notifications/template.html", context)
    try:
        services.save_template(
            key=key,
            channel=channel,
            language=language,
            subject=form.cleaned_data["subject"],
            body=form.cleaned_data["body"],
            version=form.cleaned_data["version"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit as error:
        now = own_wording(key, channel, language)
        form.data = request.POST.copy()
        form.data["version"] = str(now.version if now else 0)
        return render_page(request, "notifications/template.html", context | {"stale": error}, status=409)
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, "notifications/template.html", context)
    messages.success(request, _("Saved. New messages use these words."))
    return HttpResponseRedirect(reverse("notifications:template", args=[channel, key, language]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def template_reset(request: StaffRequest, channel: str, key: str, language: str) -> HttpResponse:
    """Go back to the original words."""
    _template(channel, key, language)
    services.reset_template(
        key=key, channel=channel, language=language, actor=Actor.staff(request.user), at=timezone.now()
    )
    messages.success(request, _("The original words are back."))
    return HttpResponseRedirect(reverse("notifications:template", args=[channel, key, language]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
@xframe_options_sameorigin
@csp_override(MAIL_CSP)
def template_preview(request: HttpRequest, channel: str, key: str, language: str) -> HttpResponse:
    """Show the mail these words would make, for the frame beside the form; nothing is saved."""
    original = _template(channel, key, language)
    own = own_wording(key, channel, language)
    words = Wording(
        request.POST.get("subject", own.subject if own else original.subject[language])[:200],
        request.POST.get("body", own.body if own else original.body[language])[:20_000],
    )
    box = find_mailbox_for_shop(None)
    values = original.sample_in(language)
    if original.channel != Channel.EMAIL:
        return _short_preview(original, words, values)
    frame = Frame(
        shop_name=str(values.get("shop_name") or (box.name_in(language) if box else "")),
        signature=box.signature_in(language) if box else "",
        can_reply=True,
    )
    try:
        rendered = render_message(words, values, frame, language)
    except BadHeader as error:
        return HttpResponse(str(error), content_type="text/plain; charset=utf-8", status=422)
    except DomainError:
        raise
    return HttpResponse(rendered.html)


def _provider(template: Template, language: str) -> dict[str, Any]:
    """Return the form for the provider's template, where the channel has such."""
    if template.channel not in {Channel.SMS, Channel.WECHAT}:
        return {}
    rows = ProviderTemplate.objects.filter(channel=template.channel, key=template.key, language=language)
    known = rows.first()
    initial = {
        "provider_version": known.version if known else 0, "code": known.code if known else "",
        "fields_": known.fields if known else "",
    }  # fmt: skip
    return {
        "provider_form": ProviderTemplateForm(initial=initial),
        "provider_sample": "SMS_154950909"
        if template.channel == Channel.SMS
        else "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
    }


def _short_preview(template: Template, words: Wording, values: dict[str, Any]) -> HttpResponse:
    """Show a message without HTML as a bubble of text."""
    title = "" if template.channel == Channel.SMS else fill_variables(words.subject, values)
    text = short_text(words.body, values)
    return HttpResponse(render_to_string("notifications/short_preview.html", {"title": title, "text": text}))


def _template(channel: str, key: str, language: str) -> Template:
    if language not in LANGUAGES:
        raise NotFound
    return get_template(key, channel)


def _subject(template: Template, own: Any, language: str) -> str:
    return own.subject if own else template.subject[language]
