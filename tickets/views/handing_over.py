"""The hand-over at the end of a shift: one page, one confirmed step."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods

from accounts.models import Staff
from accounts.permissions import Permission, StaffRequest, require, staff_page, team_scope
from accounts.selectors import get_staff, teams_of
from core.actors import Actor
from core.errors import InvalidInput, NotFound
from core.http import form_invalid, render_page
from tickets.forms.routing import HandOverForm, target_of
from tickets.selectors.handing_over import Item, colleagues_for, pack_of
from tickets.services.handing_over import HandOver, go_off_shift

PAGE = "tickets/desk/hand_over.html"


@staff_page(Permission.TICKET_REPLY)
@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: StaffRequest, staff_id: int | None = None) -> HttpResponse:
    """Show what somebody leaves behind, and hand it over; for a colleague only with the right to assign."""
    leaver = _leaver_for(request, staff_id)
    now = timezone.now()
    items = pack_of(leaver.pk, at=now)
    people = colleagues_for(leaver, request.user)
    ids = [item.ticket.pk for item in items]
    form = HandOverForm(request.POST or None, people=people, ticket_ids=ids)
    is_own = leaver == request.user
    context = {"leaver": leaver, "is_own": is_own, "form": form, "now": now, **_sums(items), "rows": _rows(items, form)}
    if request.method != "POST":
        return render_page(request, PAGE, context)
    if not form.is_valid():
        return form_invalid(request, PAGE, context)
    plan = HandOver(target_of(form.cleaned_data["rest"]), form.targets(), form.cleaned_data["note"])
    try:
        count = go_off_shift(staff_id=leaver.pk, plan=plan, actor=Actor.staff(request.user), at=now)
    except InvalidInput as error:
        for texts in error.fields.values():
            for text in texts:
                form.add_error("rest", text)
        return form_invalid(request, PAGE, context)
    messages.success(request, _done_words(leaver, count, is_own=is_own))
    return HttpResponseRedirect(reverse("tickets:desk"))


def _leaver_for(request: StaffRequest, staff_id: int | None) -> Staff:
    """Return whose shift ends; a colleague of one's own teams for whoever may assign. Raises NotFound, NotAllowed."""
    if staff_id is None or staff_id == request.user.pk:
        return request.user
    require(request.user, Permission.TICKET_ASSIGN)
    leaver, scope = get_staff(staff_id), team_scope(request.user)
    if scope is not None and not {team.pk for team in teams_of(leaver)} & set(scope):
        raise NotFound
    return leaver


def _rows(items: list[Item], form: HandOverForm) -> list[tuple[Item, Any]]:
    return [(item, form[f"to_{item.ticket.pk}"]) for item in items]


def _sums(items: list[Item]) -> dict[str, int]:
    return {
        "due_count": sum(item.is_due_soon for item in items),
        "promise_count": sum(len(item.promises) for item in items),
        "parcel_count": sum(len(item.parcels) for item in items),
        "hot_count": sum(bool(item.hot) for item in items),
    }


def _done_words(leaver: Staff, count: int, *, is_own: bool) -> str:
    if not count:
        return gettext("You are off shift. See you!") if is_own else gettext("Off shift now; there was nothing open.")
    words = ngettext(
        "%(n)d ticket handed over. You are off shift.", "%(n)d tickets handed over. You are off shift.", count
    )
    if not is_own:
        words = ngettext("%(n)d ticket of %(name)s handed over.", "%(n)d tickets of %(name)s handed over.", count)
    return words % {"n": count, "name": leaver.display_name}
