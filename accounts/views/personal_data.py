"""Reveal one masked field with a reason; the log of who looked."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts import selectors
from accounts.enums import RevealReason
from accounts.forms import RevealForm
from accounts.models import PersonalDataAccess
from accounts.permissions import Permission, StaffRequest, staff_page
from accounts.reveal import check_may_reveal, reveal_field
from accounts.selectors import AccessFilter
from accounts.services.access import verify_access_chain
from core.errors import NotFound
from core.http import client_ip, form_invalid, render_page

PAGE = 50
FIELD_WORDS = {
    "phone": _("Phone number"),
    "address": _("Address"),
    "email": _("Email"),
    "name": pgettext_lazy("person", "Name"),
}


@staff_page(Permission.PII_REVEAL)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reveal(request: StaffRequest) -> HttpResponse:
    """Ask for the reason, then show the field; both as a page or in place of the masked value."""
    form = RevealForm(request.POST if request.method == "POST" else None, initial=request.GET.dict())
    if request.method != "POST":
        asked = RevealForm(request.GET.dict() | {"reason": "call", "words": ""})
        if not asked.is_valid():
            raise NotFound
        _check(request, asked)
        return render_page(request, "accounts/reveal.html", {"form": form}, fragment="ask")
    if not form.is_valid():
        if form.errors.keys() - {"reason", "words"}:
            raise NotFound
        return form_invalid(request, "accounts/reveal.html", {"form": form}, fragment="ask")
    data = form.cleaned_data
    value = reveal_field(
        staff=request.user,
        subject_type=data["subject_type"],
        subject_id=data["subject_id"],
        field=data["field"],
        purpose=form.purpose(),
        ip=client_ip(request),
        at=timezone.now(),
    )
    return render_page(request, "accounts/reveal.html", {"value": value, "field": data["field"]}, fragment="shown")


def _check(request: StaffRequest, form: RevealForm) -> None:
    data = form.cleaned_data
    check_may_reveal(
        staff=request.user, subject_type=data["subject_type"], subject_id=data["subject_id"], field=data["field"]
    )


@staff_page(Permission.ACCESS_LOG_VIEW)
@require_GET
def access_log(request: StaffRequest) -> HttpResponse:
    """Show who looked at whose personal data, which and why, newest first."""
    wanted = AccessFilter(
        staff_id=_number(request.GET.get("staff")),
        subject_id=_number(request.GET.get("subject")),
        since=_day(request.GET.get("since")),
        before=_number(request.GET.get("before")),
    )
    rows = selectors.access_entries(wanted, limit=PAGE)
    names = selectors.staff_names(row.actor_id for row in rows if row.actor_type == "staff" and row.actor_id)
    next_url = ""
    if len(rows) > PAGE:
        kept = {name: value for name, value in request.GET.items() if name in {"staff", "subject", "since"} and value}
        next_url = f"?{urlencode(kept | {'before': rows[PAGE - 1].pk})}"
    checked_all = "check" in request.GET
    checked_all = "check" in request.GET
    context: dict[str, Any] = {
        "entries": [_entry(row, names) for row in rows[:PAGE]],
        "wanted": wanted,
        "next_url": next_url,
        "people": selectors.active_staff().only("pk", "display_name"),
        "faults": verify_access_chain(since=None if checked_all else timezone.now().date()),
        "checked_all": checked_all,
    }
    return render_page(request, "accounts/access_log.html", context)


def _entry(row: PersonalDataAccess, names: dict[int, str]) -> dict[str, Any]:
    return {
        "row": row,
        "who": names.get(row.actor_id or 0, ""),
        "why": purpose_words(row.purpose),
        "fields": [FIELD_WORDS.get(name, name) for name in row.fields],
    }


def purpose_words(purpose: str) -> str:
    """Return a purpose as a person reads it: the code's label, with the words behind it."""
    code, _colon, words = purpose.partition(": ")
    label = str(dict(RevealReason.choices).get(code, code))
    return f"{label} · {words}" if words else label


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 19 else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
