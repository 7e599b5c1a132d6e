"""Settings of mailboxes, with a real test send."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, shop_scope, staff_page
from accounts.shops import shop_choices
from core import ratelimit
from core.actors import Actor
from core.errors import DomainError, InvalidInput, NotFound, StaleEdit
from core.http import form_invalid, render_page
from notifications import services
from notifications.forms import MailboxForm, TestSendForm
from notifications.models import MailboxPoll
from notifications.permissions import get_mailbox_for, mailboxes_visible_to
from notifications.selectors.mailboxes import get_mailbox
from notifications.wordings import words_for, words_for_receiving


def _shops(request: StaffRequest) -> list[tuple[int, str]]:
    scope = shop_scope(request.user)
    return [(pk, name) for pk, name in shop_choices() if scope is None or pk in scope]


def add_errors(form: Any, error: DomainError) -> None:
    """Put a service's refusal beside the fields it is about."""
    fields = error.fields if isinstance(error, InvalidInput) else {}
    for name, texts in fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not fields:
        form.add_error(None, str(error))


@staff_page(Permission.SETTINGS_MANAGE)
@require_safe
def mailboxes(request: StaffRequest) -> HttpResponse:
    """List the mailboxes."""
    names = dict(shop_choices())
    rows = [
        {
            "box": box,
            "shop": names.get(box.shop_id or 0, ""),
            "fault": words_for(box.last_error_code),
            "poll": getattr(box, "poll", None),
            "poll_fault": words_for_receiving(box.poll.error_code) if hasattr(box, "poll") else "",
        }
        for box in mailboxes_visible_to(request.user).select_related("poll")
    ]
    context = {"rows": rows, "mail_domain": settings.MAIL_DOMAIN}
    return render_page(request, "notifications/mailboxes.html", context)


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox_new(request: StaffRequest) -> HttpResponse:
    """Make a mailbox."""
    form = MailboxForm(request.POST or None, shops=_shops(request))
    context = _context(form)
    if request.method != "POST":
        return render_page(request, "notifications/mailbox.html", context)
    if not form.is_valid():
        return form_invalid(request, "notifications/mailbox.html", context)
    try:
        box = services.create_mailbox(draft=form.draft(), actor=Actor.staff(request.user), at=timezone.now())
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, "notifications/mailbox.html", context)
    said = _("The mailbox is there. Now see whether its mail can be fetched.")
    messages.success(request, said if box.imap_sealed else _("The mailbox is there. Send a test mail now."))
    return HttpResponseRedirect(reverse("notifications:mailbox", args=[box.pk]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_http_methods(["GET", "HEAD", "POST"])
def mailbox(request: StaffRequest, mailbox_id: int) -> HttpResponse:
    """Show and save one mailbox."""
    box = get_mailbox_for(request.user, mailbox_id)
    form = MailboxForm(request.POST or None, shops=_shops(request), initial=MailboxForm.initial_of(box))
    context = _context(form, box) | {"test_form": TestSendForm(initial={"to": request.user.email})}
    if request.method != "POST":
        return render_page(request, "notifications/mailbox.html", context)
    if not form.is_valid():
        return form_invalid(request, "notifications/mailbox.html", context)
    try:
        services.edit_mailbox(
            mailbox_id=mailbox_id,
            version=form.cleaned_data["version"] or 0,
            draft=form.draft(),
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit as error:
        form.data = request.POST.copy()  # what was typed stays; saving again is then on top of the newer version
        form.data["version"] = str(get_mailbox(mailbox_id).version)
        changes = [{**change, "label": form.fields[change["field"]].label} for change in error.changes]
        return render_page(request, "notifications/mailbox.html", context | {"stale": changes}, status=409)
    except InvalidInput as error:
        add_errors(form, error)
        return form_invalid(request, "notifications/mailbox.html", context)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("notifications:mailbox", args=[mailbox_id]))


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def mailbox_test(request: StaffRequest, mailbox_id: int) -> HttpResponse:
    """Send a test mail and show what the server said."""
    box = get_mailbox_for(request.user, mailbox_id)
    form = TestSendForm(request.POST)
    context: dict[str, Any] = {"box": box, "test_form": form, "mail_domain": settings.MAIL_DOMAIN}
    if form.is_valid():
        ratelimit.check("notifications.test", str(request.user.pk), limit=20, period=timedelta(hours=1))
        try:
            outcome = services.test_mailbox(
                mailbox_id=mailbox_id,
                to=form.cleaned_data["to"],
                actor=Actor.staff(request.user),
                language=translation.get_language() or "zh-hans",
                at=timezone.now(),
            )
        except InvalidInput as error:
            add_errors(form, error)
        else:
            context["outcome"] = outcome
            context["words"] = words_for(outcome.code)
            context["box"] = get_mailbox(mailbox_id)
            if request.htmx:
                return render_page(request, "notifications/mailbox.html", context, fragment="test")
            return _page_after_test(request, context)
    if request.htmx:
        return form_invalid(request, "notifications/mailbox.html", context, fragment="test")
    return _page_after_test(request, context, status=422)


@staff_page(Permission.SETTINGS_MANAGE)
@require_POST
def mailbox_look(request: StaffRequest, mailbox_id: int) -> HttpResponse:
    """Sign in to the mailbox's provider and show what was found."""
    get_mailbox_for(request.user, mailbox_id)
    ratelimit.check("notifications.test", str(request.user.pk), limit=20, period=timedelta(hours=1))
    look = services.try_receiving(mailbox_id=mailbox_id, actor=Actor.staff(request.user), at=timezone.now())
    box = get_mailbox(mailbox_id)
    context = {
        "box": box,
        "test_form": TestSendForm(initial={"to": request.user.email}),
        "look": look,
        "look_words": words_for_receiving(look.code),
        **_poll_of(box),
    }
    if request.htmx:
        return render_page(request, "notifications/mailbox.html", context, fragment="look")
    return _page_after_test(request, context)


def _poll_of(box: Any) -> dict[str, Any]:
    poll = MailboxPoll.objects.filter(pk=box.pk).first()
    return {"poll": poll, "poll_fault": words_for_receiving(poll.error_code) if poll else ""}


def _page_after_test(request: StaffRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    box = context["box"]
    form = MailboxForm(shops=_shops(request), initial=MailboxForm.initial_of(box))
    return render_page(request, "notifications/mailbox.html", _context(form, box) | context, status=status)


def _context(form: MailboxForm, box: Any = None) -> dict[str, Any]:
    if box is not None and box.pk is None:
        raise NotFound
    return {
        "form": form,
        "box": box,
        "mail_domain": settings.MAIL_DOMAIN,
        "fault": box and words_for(box.last_error_code),
        **(_poll_of(box) if box else {}),
    }
