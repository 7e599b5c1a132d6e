"""Liveness, readiness and metrics."""

from __future__ import annotations

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from core.crypto import same
from core.errors import NotFound
from core.http import client_ip


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers; touches nothing else."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return JsonResponse({"status": "database unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus metrics, for loopback or the bearer of METRICS_TOKEN."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    allowed = same(token, settings.METRICS_TOKEN) if settings.METRICS_TOKEN else client_ip(request) == "127.0.0.1"
    if not allowed:
        raise NotFound
    from core.system.metrics import exposition

    return HttpResponse(exposition(), content_type="text/plain; version=0.0.4; charset=utf-8")
