"""The customer's own page of a ticket, behind a secret link: read, add words and photos."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.selectors import staff_names
from core import ratelimit
from core.actors import Actor
from core.crypto import hash_token, random_token
from core.errors import DomainError, InvalidInput, RateLimited
from tickets.enums import AuthorType, Channel, TicketStatus
from tickets.forms.public import ACCEPT, MAX_PHOTOS, FurtherMessageForm, is_draft
from tickets.models import Attachment, Message, Ticket
from tickets.permissions import get_ticket_by_link
from tickets.selectors.public import public_messages
from tickets.services import add_customer_message, store_attachment
from tickets.services.outgoing import expected_words
from tickets.views.desk_html import safe_html
from tickets.views.desk_incidents import told_publicly
from tickets.views.public import look_of

TEMPLATE = "tickets/public/ticket.html"
PAGE = 40
MESSAGES_PER_HOUR = 30
TRANSCRIPT_TOLD = {
    "sent": {"tone": "good", "words": _("The conversation is on its way to your mailbox.")},
    "often": {"tone": "warn", "words": _("We have sent it a few times today already. Please look into your mailbox.")},
    "none": {"tone": "warn", "words": _("There is no mail address to send it to.")},
}


@csrf_exempt  # the secret link is the authority, no session is; see tickets.views.public
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def ticket_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the conversation; take a further message once, keeping words and photos on errors."""
    ticket = get_ticket_by_link(token)
    if request.method != "POST":
        return page(request, ticket, token, FurtherMessageForm(), random_token())
    draft = request.POST.get("draft", "")
    draft = draft if is_draft(draft) else random_token()
    session = hash_token(f"further:{draft}")
    form = FurtherMessageForm(request.POST, request.FILES)
    try:
        ratelimit.check("ticket.further", str(ticket.pk), limit=MESSAGES_PER_HOUR, period=timedelta(hours=1))
        take_files(request, form, session)
        if not form.is_valid():
            return page(request, ticket, token, form, draft, status=422)
        add_customer_message(
            ticket_id=ticket.pk,
            text=form.cleaned_data["text"],
            channel=Channel.FORM,
            client_id=UUID(bytes=session[:16]),
            attachment_ids=list(kept(session).values_list("pk", flat=True)),
            session_hash=session,
            actor=Actor.customer(ticket.customer_id) if ticket.customer_id else Actor.SYSTEM,
            at=timezone.now(),
        )
    except InvalidInput as error:
        for name, texts in error.fields.items():
            form.add_error(name if name in form.fields else None, [str(text) for text in texts])
        return page(request, ticket, token, form, draft, status=422)
    except RateLimited as error:
        form.add_error(None, str(error))
        return page(request, ticket, token, form, draft, status=429)
    return HttpResponseRedirect(f"{reverse('tickets:public_ticket', args=[token])}?sent=1#end")


def take_files(request: HttpRequest, form: FurtherMessageForm, session: bytes) -> None:
    """Keep the files of this message; refused ones are said beside the field."""
    room = MAX_PHOTOS - kept(session).count()
    for file in request.FILES.getlist("photos")[: max(room, 0)]:
        try:
            store_attachment(file=file, name=file.name or "", at=timezone.now(), session_hash=session)
        except DomainError as error:
            form.add_error("photos", f"{(file.name or '')[:60]}: {error}")


def kept(session: bytes) -> Any:
    """Return the files of an upload session that are not sent yet."""
    return Attachment.objects.filter(session_hash=session, message__isnull=True).order_by("pk")


def page(
    request: HttpRequest, ticket: Ticket, token: str, form: FurtherMessageForm, draft: str, *, status: int = 200
) -> HttpResponse:
    """Render the newest forty messages the customer may see, oldest first."""
    shown, earlier = public_messages(ticket, request.GET.get("before", ""), limit=PAGE)
    names = staff_names(row.author_id for row in shown if row.author_type == "staff" and row.author_id)
    language = request.LANGUAGE_CODE  # type: ignore[attr-defined]
    waits_for_us = ticket.first_response_at is None and ticket.resolved_at is None
    context = {
        "ticket": ticket,
        "token": token,
        "shop": look_of(ticket.shop),
        "lines": [(row, names.get(row.author_id or 0, ""), *marked_up(row, token)) for row in shown],
        "earlier": earlier,
        "form": form,
        "draft": draft,
        "files": list(kept(hash_token(f"further:{draft}"))),
        "accept": ACCEPT,
        "is_done": ticket.status in {TicketStatus.RESOLVED, TicketStatus.CLOSED},
        "waits_for_customer": ticket.status == TicketStatus.WAITING_CUSTOMER,
        "expected": expected_words(ticket, language, timezone.now()) if waits_for_us else "",
        "was_sent": "sent" in request.GET,
        "incident": told_publicly(ticket, language),
        "has_address": bool(ticket.contact_enc) or ticket.customer_id is not None,
        "transcript": TRANSCRIPT_TOLD.get(request.GET.get("transcript", "")),
    }
    return render(request, TEMPLATE, context, status=status)


def marked_up(message: Message, token: str) -> tuple[SafeString | str, list[Attachment]]:
    """Return a colleague's words as HTML with its pictures ("" for plain words), and the files to list below."""
    files = list(message.attachments.all())
    if not message.html or message.author_type != AuthorType.STAFF:
        return "", files
    address = {row.content_id: reverse("tickets:public_file", args=[token, row.key]) for row in files if row.is_inline}
    return safe_html(message.html, address), [row for row in files if not row.is_inline]
