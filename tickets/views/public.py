"""The public contact form: works without JavaScript, loses nothing, tells nobody which orders exist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from core import ratelimit
from core.crypto import random_token, sign, verify
from core.errors import DomainError, RateLimited
from core.http import client_ip
from core.text import mask_email
from orders.models import Shop
from orders.selectors import active_shops, find_shop_by_code
from tickets.forms.public import ACCEPT, MAX_PHOTOS, ContactForm, is_draft
from tickets.models import Attachment, Ticket
from tickets.permissions import customer_url
from tickets.services import discard_attachment, store_attachment
from tickets.services.contact_form import ContactRequest, client_id_of, session_of, submit_contact_form
from tickets.services.outgoing import contact_address, expected_words

TEMPLATE = "tickets/public/contact.html"
HOUR = timedelta(hours=1)
POSTS_PER_ADDRESS = 60
TICKETS_PER_CONTACT = 6
DONE_LIFE = timedelta(days=2)


@csrf_exempt  # nobody is signed in, the form's own secret id is the authority: a lost cookie must not lose words
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """Show the form, keep what was typed on errors (422, 429), open the ticket and go to the success page."""
    shops = active_shops()
    shop = find_shop_by_code(request.GET.get("shop", "")) or (shops[0] if len(shops) == 1 else None)
    if shop is None and shops and request.method != "POST":
        return render(request, "tickets/public/choose_shop.html", {"shops": shops})
    if request.method != "POST":
        first = {"order_number": request.GET.get("order", "")[:64], "category": request.GET.get("category", "")[:8]}
        return page(request, ContactForm(initial=first), shop, random_token())
    draft = request.POST.get("draft", "")
    draft = draft if is_draft(draft) else random_token()
    known = Ticket.objects.filter(client_id=client_id_of(draft)).first()
    if known is not None:
        return to_success(known, shop)
    form = ContactForm(request.POST, request.FILES)
    try:
        ratelimit.check("contact.ip", client_ip(request), limit=POSTS_PER_ADDRESS, period=HOUR)
        take_photos(request, form, session_of(draft))
        if "drop" in request.POST:
            return drop_photo(request, shop, draft)
        if not form.is_valid():
            return page(request, form, shop, draft, status=422)
        for contact_value in filter(None, (form.cleaned_data["phone"], form.cleaned_data["email"])):
            ratelimit.check("contact.who", contact_value, limit=TICKETS_PER_CONTACT, period=HOUR)
        ticket = submit_contact_form(request=read(request, form, shop, draft), at=timezone.now())
    except RateLimited as error:
        form.add_error(None, str(error))
        response = page(request, form, shop, draft, status=429)
        response["Retry-After"] = str(error.retry_after)
        return response
    return to_success(ticket, shop)


def read(request: HttpRequest, form: ContactForm, shop: Shop | None, draft: str) -> ContactRequest:
    """Return what was asked, with the marks of a robot: the hidden field filled, or sent faster than anyone types."""
    data = form.cleaned_data
    category = form.categories.get(data["category"])
    return ContactRequest(
        draft=draft,
        text=data["text"],
        shop_id=shop.pk if shop else None,
        phone=data["phone"],
        email=data["email"],
        order_number=data["order_number"],
        category_id=category.pk if category else None,
        own_fields=form.own_values(),
        language=request.LANGUAGE_CODE,  # type: ignore[attr-defined]
        is_suspicious=bool(data["website"]) or is_too_quick(request.POST.get("stamp", "")),
    )


def is_too_quick(stamp: str) -> bool:
    """Tell whether the form came back sooner than a person can fill it in, or without our own time stamp."""
    if settings.CONTACT_FORM_MIN_SECONDS <= 0:
        return False
    try:
        shown_at = float(verify(stamp, "contact.stamp"))
    except (DomainError, TypeError, ValueError):
        return True
    return timezone.now().timestamp() - shown_at < settings.CONTACT_FORM_MIN_SECONDS


def take_photos(request: HttpRequest, form: ContactForm, session: bytes) -> None:
    """Keep the photos before anything else is checked, so that a failed form loses none; say which were refused."""
    room = MAX_PHOTOS - kept_files(session).count()
    for file in request.FILES.getlist("photos"):
        if room <= 0:
            form.add_error("photos", _("Five files are the most; the others were left out."))
            return
        try:
            store_attachment(file=file, name=file.name or "", at=timezone.now(), session_hash=session)
            room -= 1
        except DomainError as error:
            form.add_error("photos", f"{(file.name or '')[:60]}: {error}")


def kept_files(session: bytes) -> Any:
    """Return the files of an upload session that are not sent yet."""
    return Attachment.objects.filter(session_hash=session, message__isnull=True).order_by("pk")


def drop_photo(request: HttpRequest, shop: Shop | None, draft: str) -> HttpResponse:
    """Take one kept photo out and show the form as it was."""
    wanted = request.POST.get("drop", "")
    row = kept_files(session_of(draft)).filter(key=wanted).first()
    if row is not None:
        discard_attachment(attachment_id=row.pk, session_hash=session_of(draft))
    typed = {name: request.POST.get(name, "") for name in ("order_number", "phone", "email", "category", "text")}
    return page(request, ContactForm(initial=typed), shop, draft)


def page(request: HttpRequest, form: ContactForm, shop: Shop | None, draft: str, *, status: int = 200) -> HttpResponse:
    """Render the form with its photos."""
    context = {
        "form": form,
        "shop": look_of(shop),
        "shop_code": shop.code if shop else "",
        "draft": draft,
        "stamp": request.POST.get("stamp") or sign(timezone.now().timestamp(), "contact.stamp"),
        "files": list(kept_files(session_of(draft))),
        "accept": ACCEPT,
        "most": MAX_PHOTOS,
    }
    return render(request, TEMPLATE, context, status=status)


def look_of(shop: Shop | None) -> dict[str, str] | None:
    """Return how a shop's customer pages look, under the names the templates know."""
    return {"name": shop.name, "colour": shop.color, "phone": shop.contact_phone} if shop else None


def to_success(ticket: Ticket, shop: Shop | None) -> HttpResponse:
    """Go to the success page; the same for a form posted once, twice or by a robot."""
    token = sign({"t": ticket.pk, "s": shop.code if shop else ""}, "contact.done")
    return HttpResponseRedirect(reverse("tickets:contact_done", args=[token]))


@never_cache
@require_safe
def contact_done(request: HttpRequest, token: str) -> HttpResponse:
    """Say the number, what happens next and when."""
    payload = verify(token, "contact.done", max_age=DONE_LIFE)
    ticket = Ticket.objects.select_related("shop", "customer", "order").get(pk=payload["t"])
    shop = ticket.shop or find_shop_by_code(payload["s"])
    language = request.LANGUAGE_CODE  # type: ignore[attr-defined]
    expected = expected_words(ticket, language, timezone.now())
    steps = [_("A colleague reads it and answers you %(expected)s.") % {"expected": expected}] if expected else []
    address = contact_address(ticket)
    if address:
        steps.append(
            _("You get the answer by email at %(address)s; simply reply to it.") % {"address": mask_email(address)}
        )
    else:
        steps.append(_("Keep the address of the next page: the answer appears there."))
    steps.append(_("If something is missing, you can add words and photos at any time."))
    context = {
        "shop": look_of(shop),
        "icon": "check",
        "tone": "good",
        "heading": _("We have your message"),
        "lead": _("Thank you for telling us. You do not have to do anything now."),
        "reference": ticket.number,
        "steps": steps,
        "action_url": customer_url(ticket).removeprefix(settings.PUBLIC_URL.rstrip("/")),
        "action_label": _("See where it stands"),
    }
    return render(request, "public/message.html", context)
