"""The context panel: fragments of other apps beside a ticket.

The open tab is asked for within the page's own request, under its own door: one round trip, one sign-in check, and it
works without JavaScript. If it fails, the panel offers to try again; the page stands either way.
"""

from __future__ import annotations

import copy
import logging
from typing import Any

from django.http import HttpResponse
from django.urls import Resolver404, resolve
from django.utils.safestring import SafeString, mark_safe  # allowed: what another view rendered
from django.utils.translation import get_language
from django_htmx.middleware import HtmxDetails

from accounts.permissions import Permission, StaffRequest, has
from core.errors import DomainError
from tickets.models import Ticket
from tickets.selectors.fields import shown_fields
from tickets.views.desk_page import Tab, context_tabs

logger = logging.getLogger(__name__)


def panel_context(request: StaffRequest, ticket: Ticket) -> dict[str, Any]:
    """Return the tabs and the open one's content, empty when it could not be had."""
    tabs = context_tabs(request, ticket, request.GET.get("tab", ""))
    current = next((tab for tab in tabs if tab.active), None)
    return {
        "tabs": tabs,
        "current_tab": current,
        "panel": fetch_panel(request, current) if current else "",
        "own_fields": shown_fields(ticket.own_fields, "en" if (get_language() or "").startswith("en") else "zh-hans"),  # type: ignore[attr-defined]
        "panel_live": " ".join(_groups(ticket)),
        "can_connect": ticket.order_id is None and has(request.user, Permission.TICKET_EDIT),
    }


def _groups(ticket: Ticket) -> list[str]:
    return [f"{kind}.{pk}" for kind, pk in (("order", ticket.order_id), ("customer", ticket.customer_id)) if pk]


def fetch_panel(request: StaffRequest, tab: Tab) -> SafeString | str:
    """Return a panel's HTML as its own view gives it to HTMX; empty when it refuses or fails."""
    inner = copy.copy(request)
    inner.method, inner.path, inner.path_info = "GET", tab.url, tab.url
    # a boosted link opened the ticket: passed on, that mark would make the panel a whole page within the page
    own = {name: value for name, value in request.META.items() if not name.startswith("HTTP_HX_")}
    inner.META = {**own, "HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "panel", "HTTP_ACCEPT": "text/html"}
    inner.__dict__.pop("headers", None)
    inner.htmx = HtmxDetails(inner)
    try:
        match = resolve(tab.url)
        inner.resolver_match = match
        response: HttpResponse = match.func(inner, *match.args, **match.kwargs)
        if hasattr(response, "render"):
            response.render()
    except (DomainError, Resolver404) as error:
        logger.info("tickets.panel_refused panel=%s error=%s", tab.key, type(error).__name__)
        return ""
    except Exception:
        logger.exception("tickets.panel_failed panel=%s", tab.key)
        return ""
    if response.status_code != 200:
        return ""
    return mark_safe(response.content.decode())  # allowed: what another view rendered
