"""The customer's page, the panel beside a ticket, blocking and erasing."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, StaffRequest, has, staff_page
from core import registry
from core.actors import Actor
from core.errors import StaleEdit
from core.http import form_invalid, fragment_or_redirect, render_page
from customers import services
from customers.forms import CustomerForm, EraseForm
from customers.models import Customer
from customers.permissions import get_customer_for
from customers.selectors import contact_choices_of, identities_of

PAGE = "customers/customer.html"
PANEL = "customers/panel.html"


@staff_page(Permission.CUSTOMER_VIEW)
@require_http_methods(["GET", "HEAD", "POST"])
def customer_page(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show a customer masked, with what other apps know; save name, tier, tags and note."""
    is_write = request.method == "POST"
    customer = get_customer_for(
        request.user, customer_id, Permission.CUSTOMER_EDIT if is_write else Permission.CUSTOMER_VIEW
    )
    if not is_write and customer.pk != customer_id:  # joined with another: that one's page shows both
        return HttpResponseRedirect(reverse("customers:customer", args=[customer.pk]))
    form = CustomerForm(request.POST or None, initial=CustomerForm.initial_of(customer))
    if not is_write:
        return render_page(request, PAGE, page_context(request, customer, form))
    if not form.is_valid():
        return form_invalid(request, PAGE, page_context(request, customer, form), fragment="record")
    try:
        customer = services.edit_customer(
            customer_id=customer.pk,
            version=form.cleaned_data["version"],
            draft=form.draft(),
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit as error:
        typed = request.POST.copy()  # what was typed stays; saving again is then on top of the newer version
        typed["version"] = str(Customer.objects.get(pk=customer.pk).version)
        form.data = typed
        context = page_context(request, customer, form) | {"stale": error, "changes": words_of(form, error)}
        return render_page(request, PAGE, context, fragment="record", status=409)
    context = page_context(request, customer, CustomerForm(initial=CustomerForm.initial_of(customer)))
    to = reverse("customers:customer", args=[customer.pk])
    return fragment_or_redirect(request, PAGE, context, fragment="record", to=to, message=_("Saved."))


@staff_page(Permission.CUSTOMER_VIEW)
@require_safe
def context(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Show the customer beside a ticket: tier, tags, note, masked contacts."""
    customer = get_customer_for(request.user, customer_id)
    return render_page(request, PANEL, facts(request, customer), fragment="panel")


@staff_page(Permission.TICKET_BLOCK)
@require_POST
def block(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Send this customer's messages to spam from now on, or let them in again (`blocked` = 0)."""
    customer = get_customer_for(request.user, customer_id)
    actor, at = Actor.staff(request.user), timezone.now()
    if request.POST.get("blocked", "1") == "1":
        customer = services.block_customer(customer_id=customer.pk, reason="by_agent", actor=actor, at=at)
        words = _("Blocked. New messages from this customer go to spam.")
    else:
        customer = services.unblock_customer(customer_id=customer.pk, actor=actor, at=at)
        words = _("No longer blocked.")
    page = page_context(request, customer, CustomerForm(initial=CustomerForm.initial_of(customer)))
    to = reverse("customers:customer", args=[customer.pk])
    return fragment_or_redirect(request, PAGE, page, fragment="record", to=to, message=words)


@staff_page(Permission.CUSTOMER_ERASE)
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: StaffRequest, customer_id: int) -> HttpResponse:
    """Explain what erasing does, ask for the number, then erase for good."""
    customer = get_customer_for(request.user, customer_id, Permission.CUSTOMER_ERASE)
    form = EraseForm(request.POST or None, customer_id=customer.pk)
    page = {"customer": customer, "form": form}
    if request.method != "POST":
        return render_page(request, "customers/erase.html", page)
    if not form.is_valid():
        return form_invalid(request, "customers/erase.html", page)
    services.erase_customer(
        customer_id=customer.pk, reason="on_request", actor=Actor.staff(request.user), at=timezone.now()
    )
    to = reverse("customers:customer", args=[customer.pk])
    return fragment_or_redirect(
        request, "customers/erase.html", page, fragment="form", to=to, message=_("The customer's data has been erased.")
    )


def facts(request: StaffRequest, customer: Customer) -> dict[str, Any]:
    """Return what both the page and the panel show."""
    return {
        "customer": customer,
        "identities": identities_of(customer.pk),
        "may_reveal": has(request.user, Permission.PII_REVEAL),
    }


def page_context(request: StaffRequest, customer: Customer, form: CustomerForm) -> dict[str, Any]:
    """Return the page's context; foreign panels are links that HTMX turns into content."""
    panels = [
        {"label": panel.label, "url": reverse(panel.url_name, args=[customer.pk]), "key": panel.key}
        for panel in registry.panels_for("customer", "customer")
        if not panel.permission or request.user.may(panel.permission)
    ]
    return facts(request, customer) | {
        "form": form,
        "may_merge": has(request.user, Permission.CUSTOMER_MERGE) and customer.erased_at is None,
        "choices": contact_choices_of(customer.pk),
        "panels": panels,
        "may_edit": has(request.user, Permission.CUSTOMER_EDIT) and customer.erased_at is None,
        "may_block": has(request.user, Permission.TICKET_BLOCK) and customer.erased_at is None,
        "may_erase": has(request.user, Permission.CUSTOMER_ERASE) and customer.erased_at is None,
    }


def words_of(form: CustomerForm, error: StaleEdit) -> list[dict[str, Any]]:
    """Return the differences with the fields' labels: {label, yours, theirs}."""
    return [
        {
            "label": form.fields[change["field"]].label,
            "yours": joined(change["yours"]),
            "theirs": joined(change["theirs"]),
        }
        for change in error.changes
    ]


def joined(value: Any) -> str:
    """Return a value as one line of text."""
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)
