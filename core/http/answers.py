"""Pages, fragments and redirects."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from core.errors import Text
from core.ui.icons import with_icons_inside


def is_htmx(request: HttpRequest) -> bool:
    """Say whether HTMX asks (for a fragment), as opposed to a page visit."""
    return bool(getattr(request, "htmx", False)) and not getattr(request.htmx, "boosted", False)  # type: ignore[attr-defined]


def render_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragment: str = "",
    status: int = 200,
) -> HttpResponse:
    """Render the page, or only its partial when HTMX asks and `fragment` is named."""
    name = f"{template}#{fragment}" if fragment and is_htmx(request) else template
    return render(request, name, context, status=status)


def fragment_or_redirect(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragment: str,
    to: str,
    args: tuple[Any, ...] = (),
    message: Text | None = None,
) -> HttpResponse:
    """After a successful write: the fresh fragment for HTMX, a redirect to the named URL (or path) for others."""
    if is_htmx(request):
        response = render(request, f"{template}#{fragment}", context)
        return toast(response, message) if message else response
    if message:
        from django.contrib import messages

        messages.success(request, message)
    return HttpResponseRedirect(to if to.startswith("/") else reverse(to, args=args))


def form_invalid(request: HttpRequest, template: str, context: dict[str, Any], *, fragment: str = "") -> HttpResponse:
    """Show a form again with what was typed and its errors, as 422."""
    return render_page(request, template, context, fragment=fragment, status=422)


def private_page(response: HttpResponse) -> HttpResponse:
    """Keep a customer's page out of caches, search engines and other sites' logs; pages carry their icons."""
    if response.content:
        response.content = with_icons_inside(response.content.decode()).encode()
    response.headers["Cache-Control"] = "no-store, private"
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def toast(response: HttpResponse, message: Text, tone: str = "good", **extra: Any) -> HttpResponse:
    """Have the page show a short message: the `toast` event in HX-Trigger."""
    events = json.loads(response.get("HX-Trigger", "{}"))
    events["toast"] = {"text": str(message), "tone": tone, **extra}
    response["HX-Trigger"] = json.dumps(events)
    return response
