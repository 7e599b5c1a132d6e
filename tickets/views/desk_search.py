"""Search over tickets, and the palette."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.permissions import Permission, StaffRequest, staff_page
from core.http import render_page
from tickets.palette import palette_groups
from tickets.selectors.search import FIRST, MOST, Found, search_tickets
from tickets.views.desk_rows import found_rows


@staff_page(Permission.TICKET_VIEW)
@require_GET
def search(request: StaffRequest) -> HttpResponse:
    """Show tickets that match a number or words: a screenful at a keystroke, more when asked for."""
    query, more = request.GET.get("q", "").strip()[:200], request.GET.get("more") == "1"
    found = search_tickets(request.user, query, limit=MOST if more else FIRST) if query else Found([])
    context = {
        "q": query,
        "found": found,
        "rows": found_rows(found.hits, now=timezone.now()),
        "count": len(found.hits),
        "more_url": "" if more or not found.is_more else f"?{urlencode({'q': query, 'more': '1'})}",
    }
    return render_page(request, "tickets/desk/search.html", context, fragment="results")


@staff_page(Permission.DESK_USE)
@require_GET
def palette(request: StaffRequest) -> HttpResponse:
    """Return the palette's lines."""
    groups = palette_groups(request.user, request.GET.get("q", ""))
    return render(request, "tickets/desk/palette.html", {"groups": groups})
