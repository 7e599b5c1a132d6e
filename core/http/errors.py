"""Render a DomainError as a page, a fragment with a toast, or problem+json."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from core.errors import DomainError, InvalidInput, RateLimited, StaleEdit
from core.http.answers import is_htmx, toast

PAGES = {400, 403, 404, 410, 429, 500, 503}


def wants_json(request: HttpRequest) -> bool:
    """Say whether the asker is a program."""
    return request.path.startswith("/api/") or request.headers.get("Accept", "").startswith("application/json")


def render_error(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Return the error in the shape the asker understands; never logged as an exception."""
    if wants_json(request):
        response: HttpResponse = JsonResponse(
            problem(error),
            status=error.http_status,
            content_type="application/problem+json",
        )
    elif is_htmx(request):
        response = HttpResponse(status=error.http_status)
        response["HX-Reswap"] = "none"
        toast(response, error.message, tone="bad", code=error.code)
    else:
        page = error.http_status if error.http_status in PAGES else 400
        html = render_to_string(f"errors/{page}.html", {"error": error, "message": error.message}, request)
        response = HttpResponse(html, status=error.http_status)
    if isinstance(error, RateLimited):
        response["Retry-After"] = str(error.retry_after)
    return response


def problem(error: DomainError) -> dict[str, Any]:
    """Return the RFC 9457 body of an error."""
    body: dict[str, Any] = {
        "type": f"urn:cs-portal:error:{error.code}",
        "title": str(error.message),
        "status": error.http_status,
        "code": error.code,
    }
    if isinstance(error, InvalidInput) and error.fields:
        body["errors"] = {name: [str(text) for text in texts] for name, texts in error.fields.items()}
    if isinstance(error, StaleEdit) and error.changes:
        body["changes"] = error.changes
    if error.context:
        body["context"] = error.context
    return body
