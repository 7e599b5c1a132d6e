"""The conversation by mail: asked for by an agent, or by the customer on the ticket's own page."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput, RateLimited
from core.http.answers import is_htmx, toast
from tickets.permissions import get_ticket_by_link, get_ticket_for
from tickets.services.transcripts import send_transcript


@staff_page(Permission.TICKET_REPLY)
@require_POST
def send(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Mail the conversation to the ticket's customer."""
    ticket = get_ticket_for(request.user, ticket_id, Permission.TICKET_REPLY)
    press = f"{request.user.pk}:{request.POST.get('press', '')}"
    send_transcript(ticket_id=ticket.pk, press=press, actor=Actor.staff(request.user), at=timezone.now())
    words = _("The conversation is on its way to the customer.")
    if is_htmx(request):
        return toast(HttpResponse(status=204), words)
    messages.success(request, words)
    return HttpResponseRedirect(reverse("tickets:ticket", args=[ticket.pk]))


@csrf_exempt  # the secret link is the authority, no session is; see tickets.views.public
@never_cache
@require_POST
def send_to_me(request: HttpRequest, token: str) -> HttpResponse:
    """Mail the conversation to the address the ticket's answers go to; nobody can name another."""
    ticket = get_ticket_by_link(token)
    actor = Actor.customer(ticket.customer_id) if ticket.customer_id else Actor.SYSTEM
    try:
        send_transcript(ticket_id=ticket.pk, press=request.POST.get("press", ""), actor=actor, at=timezone.now())
        told = "transcript=sent"
    except RateLimited:
        told = "transcript=often"
    except InvalidInput:
        told = "transcript=none"
    return HttpResponseRedirect(f"{reverse('tickets:public_ticket', args=[token])}?{told}")
