"""The page behind the unsubscribe link. Opening it changes nothing: mail scanners open every link."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core.http import client_ip, render_page
from core.ratelimit import check
from notifications import services
from notifications.enums import Purpose
from notifications.selectors.suppressions import is_stopped
from notifications.unsubscribing import read_stop_request


@csrf_exempt  # RFC 8058: the mail provider posts without a cookie; the signed token in the address is the proof
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show what would stop and a button; a POST stops it, or takes it back."""
    stop = read_stop_request(token)
    if request.method == "POST":
        check("notifications.unsubscribe", client_ip(request), limit=60, period=timedelta(minutes=10))
        if request.POST.get("action") == "undo":
            services.undo_unsubscribe(stop=stop, at=timezone.now())
        else:
            services.unsubscribe(stop=stop, at=timezone.now())
    labels = dict(Purpose.choices)
    context = {"is_stopped": is_stopped(stop), "purpose": labels.get(stop.purpose, ""), "token": token}
    response = render_page(request, "notifications/unsubscribe.html", context)
    response["X-Robots-Tag"] = "noindex"
    return response
