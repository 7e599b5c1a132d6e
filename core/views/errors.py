"""Django's own error pages in our shapes."""

from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, NotAllowed, NotFound
from core.http import render_error
from core.http.answers import is_htmx
from core.http.errors import wants_json
from core.middleware import is_lost

SECRETS = ("password", "secret", "token", "code", "key")
MOST_SHOWN = 12


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 400."""
    return render_error(request, DomainError())


def not_allowed(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 403."""
    return render_error(request, exception if isinstance(exception, DomainError) else NotAllowed())


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    """Answer 404."""
    return render_error(request, NotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500 without touching the database; a lost one, met outside the views too, becomes 503 in Outage."""
    error = sys.exc_info()[1]
    if isinstance(error, OperationalError | InterfaceError) and is_lost(error):
        request._database_lost = True  # type: ignore[attr-defined]
    return render_error(
        request,
        DomainError(
            _("It has been noted. Nothing that was saved is lost; please try again in a moment."),
            code="internal",
            http_status=500,
        ),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose protection cookie is gone; a page shows what was typed in it, to be copied over."""
    if wants_json(request) or is_htmx(request):
        words = _("The page was open for too long. Load it again; what you typed can be copied over.")
        return render_error(request, NotAllowed(words, code="csrf"))
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()})
    context = {"typed": typed_words(request), "again": came_from if is_ours else "/"}
    return HttpResponse(render_to_string("errors/expired.html", context, request), status=403)


def typed_words(request: HttpRequest) -> list[str]:
    """Return the sentences of a form our own page sent: no passwords, codes or keys, nothing from elsewhere."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        return []
    found = []
    for name, value in request.POST.items():
        text = str(value).strip()
        is_secret = any(part in name.lower() for part in SECRETS)
        if not is_secret and len(text) > 1 and (not text.isascii() or any(letter.isspace() for letter in text)):
            found.append(text)
    return found[:MOST_SHOWN]
