"""What an agent does with the queue: take the next ticket, hand one on, put one back; who looks after a customer."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import Permission, StaffRequest, has, require, staff_page
from accounts.selectors import staff_with
from core.actors import Actor
from core.errors import InvalidInput
from core.http import form_invalid, render_page
from core.http.answers import is_htmx, toast
from customers.permissions import get_customer_for
from tickets import services
from tickets.errors import NoRoomLeft, NothingWaits, OffShift
from tickets.forms.routing import TransferForm, target_of
from tickets.models import DedicatedAgent, Ticket
from tickets.permissions import get_ticket_for
from tickets.selectors.handing_over import colleagues_for
from tickets.services.routing.claiming import claim_next
from tickets.services.routing.settings import set_dedicated_agent
from tickets.views.desk_actions import answer
from tickets.views.desk_page import open_ticket_page, view_key

TRANSFER = "tickets/desk/transfer.html"
AGENT = "tickets/desk/dedicated_agent.html"


@staff_page(Permission.TICKET_REPLY)
@require_POST
def take_next(request: StaffRequest) -> HttpResponse:
    """Take the most urgent ticket that is for oneself, and open it."""
    try:
        ticket_id = claim_next(staff_id=request.user.pk, at=timezone.now())
    except (NothingWaits, NoRoomLeft, OffShift) as error:
        if is_htmx(request):
            return toast(HttpResponse(status=204), error.message, tone="info")
        messages.info(request, error.message)
        return HttpResponseRedirect(f"{reverse('tickets:desk')}?view=mine")
    return _go(request, f"{reverse('tickets:ticket', args=[ticket_id])}?view=mine")


def _go(request: StaffRequest, path: str) -> HttpResponse:
    if is_htmx(request):
        return HttpResponse(status=204, headers={"HX-Redirect": path})
    return HttpResponseRedirect(path)


def _require_hold(request: StaffRequest, ticket: Ticket) -> None:
    """One's own ticket one may always hand on; others' only with the right to assign."""
    if ticket.assignee_id != request.user.pk:
        require(request.user, Permission.TICKET_ASSIGN)


@staff_page(Permission.TICKET_REPLY)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Hand a ticket on to a colleague or a team, with a note."""
    ticket = get_ticket_for(request.user, ticket_id, Permission.TICKET_REPLY)
    _require_hold(request, ticket)
    people = colleagues_for(ticket.assignee or request.user, request.user)
    form = TransferForm(request.POST or None, people=people)
    context = {"ticket": ticket, "form": form, "view": view_key(request)}
    if request.method != "POST":
        return render_page(request, TRANSFER, context)
    if not form.is_valid():
        return form_invalid(request, TRANSFER, context)
    try:
        services.transfer_ticket(
            ticket_id=ticket.pk,
            to=target_of(form.cleaned_data["to"]),
            note=form.cleaned_data["note"],
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except InvalidInput as error:
        for name, texts in error.fields.items():
            for text in texts:
                form.add_error(name if name in form.fields else "to", text)
        return form_invalid(request, TRANSFER, context)
    messages.success(request, gettext("Handed on."))
    return HttpResponseRedirect(f"{reverse('tickets:desk')}?view={view_key(request)}")


@staff_page(Permission.TICKET_REPLY)
@require_POST
def give_back(request: StaffRequest, ticket_id: int) -> HttpResponse:
    """Put a ticket back to its team's queue."""
    ticket = open_ticket_page(request, ticket_id, Permission.TICKET_REPLY)
    _require_hold(request, ticket)
    services.return_ticket(ticket_id=ticket.pk, actor=Actor.staff(request.user), at=timezone.now())
    return answer(request, ticket, _("Back to the queue."))


@staff_page(Permission.CUSTOMER_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def dedicated_agent(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show and set who looks after a customer."""
    is_write = request.method == "POST"
    customer = get_customer_for(
        request.user, customer_id, Permission.CUSTOMER_EDIT if is_write else Permission.CUSTOMER_VIEW
    )
    if is_write:
        wanted = request.POST.get("staff", "")
        staff_id = int(wanted) if wanted.isdecimal() and len(wanted) < 19 else None
        set_dedicated_agent(customer_id=customer.pk, staff_id=staff_id, at=timezone.now())
    row = DedicatedAgent.objects.select_related("staff").filter(pk=customer.pk).first()
    may_edit = has(request.user, Permission.CUSTOMER_EDIT) and customer.erased_at is None
    people = staff_with(Permission.TICKET_REPLY).filter(is_dedicated=True) if may_edit else []
    context = {"customer": customer, "dedicated": row, "people": people, "may_edit": may_edit}
    if is_write and not is_htmx(request):
        return HttpResponseRedirect(reverse("customers:customer", args=[customer.pk]))
    response = render_page(request, AGENT, context, fragment="panel")
    return toast(response, _("Saved.")) if is_write else response
