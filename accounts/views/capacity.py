"""How much a person may have in work; a card of her own page."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import selectors, services
from accounts.availability import limits_of
from accounts.forms.capacity import CapacityForm
from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, staff_page
from core.actors import Actor
from core.errors import InvalidInput, StaleEdit
from core.http import form_invalid


def capacity_form(staff: Staff) -> CapacityForm:
    """Return the form with what holds now; version 0 is the default of her roles."""
    row = getattr(staff, "capacity", None)
    return CapacityForm(initial=CapacityForm.initial_of(limits_of(staff), row.version if row else 0))


@staff_page(Permission.STAFF_MANAGE)
@require_POST
def set_capacity(request: StaffRequest, staff_id: int) -> HttpResponse:
    """Save the limits of somebody; she gets what fits at once where tickets are handed out."""
    staff = selectors.get_staff(staff_id)
    form = CapacityForm(request.POST)
    if not form.is_valid():
        return form_invalid(request, "accounts/capacity.html", {"person": staff, "capacity": form})
    try:
        services.set_capacity(
            staff_id=staff_id,
            version=form.cleaned_data["version"],
            in_total=form.cleaned_data["in_total"],
            per_channel=form.per_channel(limits_of(staff).per_channel),
            actor=Actor.staff(request.user),
            at=timezone.now(),
        )
    except StaleEdit as error:
        typed = request.POST.copy()
        typed["version"] = str(capacity_form(selectors.get_staff(staff_id)).initial["version"])
        form.data = typed
        context = {"person": staff, "capacity": form, "stale_words": error.message}
        return form_invalid(request, "accounts/capacity.html", context)
    except InvalidInput:
        form.add_error("in_total", _("Choose a number from 0 to 1000."))
        return form_invalid(request, "accounts/capacity.html", {"person": staff, "capacity": form})
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("accounts:staff_edit", args=[staff_id]))
