"""The trial's mail viewer: what customers would have got, and a way to answer as they would. 404 outside a trial."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csp import csp_override
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import DomainError, NotFound
from core.http import form_invalid, render_page
from notifications.channels import Outcome
from notifications.forms import CustomerMailForm, CustomerReplyForm
from notifications.inbound.parsing import MailAttachment
from notifications.selectors.mailboxes import find_mailbox_for_shop
from notifications.selectors.sink import PAGE, OpenedMail, caught_mails, open_caught
from notifications.services.as_customer import CustomerMail, answer_to, send_as_customer
from notifications.views.templates import MAIL_CSP
from notifications.wordings import words_for

PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
type View[**P] = Callable[Concatenate[HttpRequest, P], HttpResponse]


def trial_only[**P](view: View[P]) -> View[P]:
    """Serve a view only in a trial: it shows all mail to everyone."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.TRIAL:
            raise NotFound
        return view(request, *args, **kwargs)

    return guarded


@trial_only
@never_cache
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """List the mails; the page's script asks again for the list alone."""
    context = _list(request)
    if request.headers.get("X-Part") == "list":
        return _list_part(request, context)
    return render_page(request, "notifications/viewer.html", context)


@trial_only
@never_cache
@require_safe
def mail(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Show one mail beside the list."""
    context = {**_list(request), **_opened(open_caught(mail_id)), "reply_form": CustomerReplyForm()}
    if request.headers.get("X-Part") == "list":
        return _list_part(request, context)
    return render_page(request, "notifications/viewer.html", context)


@trial_only
@require_safe
@xframe_options_sameorigin
@csp_override(MAIL_CSP)
def mail_html(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Serve a mail's HTML for the frame: nothing runs in it, its pictures come from the mail itself."""
    opened = open_caught(mail_id)
    if not opened.mail.html:
        raise NotFound
    html = opened.mail.html
    for number, file in enumerate(opened.mail.attachments):
        if file.content_id and file.mime in PICTURES:
            html = html.replace(f"cid:{file.content_id}", reverse("notifications:viewer_file", args=[mail_id, number]))
    return HttpResponse(html.replace("<head>", '<head><base target="_blank">', 1))


@trial_only
@require_safe
def mail_file(request: HttpRequest, mail_id: int, number: int) -> HttpResponse:
    """Serve a file of a mail as a download; pictures also for the frame."""
    files = open_caught(mail_id).mail.attachments
    if number >= len(files):
        raise NotFound
    file = files[number]
    is_picture = file.mime in PICTURES
    response = HttpResponse(file.content, content_type=file.mime if is_picture else "application/octet-stream")
    response["Content-Disposition"] = content_disposition_header(not (is_picture and file.is_inline), file.name) or ""
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@trial_only
@require_POST
def reply(request: HttpRequest, mail_id: int) -> HttpResponse:
    """Answer a mail as its recipient: a real mail to our own listener."""
    opened = open_caught(mail_id)
    form = CustomerReplyForm(request.POST, request.FILES)
    context = {**_list(request), **_opened(opened), "reply_form": form}
    if not form.is_valid():
        return form_invalid(request, "notifications/viewer.html", context)
    outcome = send_as_customer(
        mail=answer_to(opened, form.cleaned_data["text"], _files(form.cleaned_data["files"])), at=timezone.now()
    )
    if not outcome.is_accepted:
        form.add_error(None, _refusal(outcome))
        return form_invalid(request, "notifications/viewer.html", context)
    messages.success(request, _("The answer is on its way to the service centre."))
    return HttpResponseRedirect(reverse("notifications:viewer_mail", args=[mail_id]))


@trial_only
@require_http_methods(["GET", "HEAD", "POST"])
def write(request: HttpRequest) -> HttpResponse:
    """Write a new mail as a customer."""
    box = find_mailbox_for_shop(None)
    initial = {"to": box.address if box else settings.DEFAULT_FROM_EMAIL, "sender": "customer@mail.example"}
    form = CustomerMailForm(request.POST or None, request.FILES or None, initial=initial)
    context = {**_list(request), "write_form": form}
    if request.method != "POST":
        return render_page(request, "notifications/viewer.html", context)
    if not form.is_valid():
        return form_invalid(request, "notifications/viewer.html", context)
    data = form.cleaned_data
    try:
        letter = CustomerMail(data["sender"], data["to"], data["subject"], data["text"], _files(data["files"]))
        outcome = send_as_customer(mail=letter, at=timezone.now())
    except DomainError as error:
        form.add_error(None, str(error))
        return form_invalid(request, "notifications/viewer.html", context)
    if not outcome.is_accepted:
        form.add_error(None, _refusal(outcome))
        return form_invalid(request, "notifications/viewer.html", context)
    messages.success(request, _("The mail is on its way to the service centre."))
    return HttpResponseRedirect(reverse("notifications:viewer"))


def _refusal(outcome: Outcome) -> str:
    words = words_for(outcome.code)
    return _("The service centre did not take it: %(why)s") % {"why": words or outcome.code}


def _files(uploads: list[Any]) -> tuple[MailAttachment, ...]:
    return tuple(
        MailAttachment(file.name or "file", file.content_type or "", file.read(), "", False) for file in uploads
    )


def _list(request: HttpRequest) -> dict[str, Any]:
    query = request.GET.get("q", "").strip()[:100]
    before = request.GET.get("before", "")
    rows = caught_mails(to=query, before=int(before) if before.isdigit() and len(before) < 18 else None)
    kept = {"q": query} if query else {}
    more = f"?{urlencode({**kept, 'before': rows[PAGE - 1].pk})}" if len(rows) > PAGE else ""
    return {"rows": rows[:PAGE], "query": query, "kept": f"?{urlencode(kept)}" if kept else "", "more_url": more}


def _list_part(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    rows = context["rows"]
    opened = context["opened"].row.pk if "opened" in context else 0
    tag = f'"{rows[0].pk if rows else 0}-{len(rows)}-{opened}-{request.LANGUAGE_CODE}"'  # type: ignore[attr-defined]
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304)
    response = render_page(request, "notifications/viewer.html#list", context)
    response["ETag"] = tag
    return response


def _opened(opened: OpenedMail) -> dict[str, Any]:
    return {"opened": opened, "files": list(enumerate(opened.mail.attachments))}
