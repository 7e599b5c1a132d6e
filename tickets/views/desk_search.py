"""Search over tickets, and the palette."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from tickets.palette import palette_groups
from tickets.selectors.search import FIRST, MOST, MOST_COUNTED, count_tickets, search_tickets
from tickets.selectors.search_query import MAX_QUERY
from tickets.views.desk_rows import found_rows

EXAMPLES = (
    (_("status:unresolved"), _("also new, open, waiting, resolved, closed")),
    (_("assignee:me"), _("a name, or nobody")),
    (_("team:pre-sales"), _("the team's name")),
    (_("shop:north"), _("the shop's name or code")),
    (_("category:logistics"), _("with everything below it")),
    (_("carrier:sf"), _("who brings a parcel of the order")),
    (_("priority:high,urgent"), _("also low, normal")),
    (_("channel:email"), _("also form, chat, phone, api")),
    (_("tier:vip"), _("also gold, silver, standard")),
    (_("tag:refund"), _("a tag as it is written")),
    (_("order:A2026"), _("the order's number")),
    (_("opened:7d"), _("also today, 2026-11, >=2026-11-01, 2026-11-01..2026-11-11")),
    (_("updated:today"), _("when somebody last wrote")),
    (_("is:unread"), _("also overdue, unassigned, spam")),
    (_("has:file"), _("also order")),
)


@staff_page(Permission.TICKET_VIEW)
@require_GET
def search(request: StaffRequest) -> HttpResponse:
    """Show tickets that match a number, a name or words, and filters: a screenful at a keystroke, more when asked."""
    text, more, now = _typed(request), request.GET.get("more") == "1", timezone.now()
    found = search_tickets(request.user, text, now=now, limit=MOST if more else FIRST)
    context = {
        "q": text,
        "found": found,
        "examples": EXAMPLES,
        "parts": [(part, f"?{urlencode({'q': part.rest})}") for part in found.query.parts],
        "rows": found_rows(found.hits, now=now),
        "count": len(found.hits),
        "more_url": "" if more or not found.is_more else f"?{urlencode({'q': text, 'more': '1'})}",
        "count_url": f"{reverse('tickets:search_count')}?{urlencode({'q': text})}" if found.is_more else "",
    }
    return render_page(request, "tickets/desk/search.html", context, fragment="results")


@staff_page(Permission.TICKET_VIEW)
@require_GET
def search_count(request: StaffRequest) -> HttpResponse:
    """Say how many tickets a search finds in all, once its end is looked at."""
    count = count_tickets(request.user, _typed(request), now=timezone.now())
    context = {"total": f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"}
    return render(request, "tickets/desk/search.html#total", context)


def _typed(request: StaffRequest) -> str:
    return request.GET.get("q", "").strip()[:MAX_QUERY]


@staff_page(Permission.DESK_USE)
@require_GET
def palette(request: StaffRequest) -> HttpResponse:
    """Return the palette's lines."""
    groups = palette_groups(request.user, request.GET.get("q", ""))
    return render(request, "tickets/desk/palette.html", {"groups": groups})
