"""Django's own error pages in our shapes."""

from __future__ import annotations

import sys
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from core.errors import DomainError, NotAllowed, NotFound
from core.http import render_error
from core.middleware import is_lost


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
    """Answer a form whose protection cookie is gone."""
    return render_error(
        request,
        NotAllowed(
            _("The page was open for too long. Load it again; what you typed can be copied over."),
            code="csrf",
        ),
    )
