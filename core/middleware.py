"""Request plumbing: server timing, outages, language, domain errors."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DataError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils import translation

from core.errors import DomainError, InvalidInput, Unavailable
from core.http.errors import render_error

logger = logging.getLogger(__name__)
Handler = Callable[[HttpRequest], HttpResponse]


class ServerTiming:
    """Outermost, on the bench only: `Server-Timing: app;dur=MS, db;dur=MS;desc="QUERIES"`."""

    def __init__(self, get_response: Handler) -> None:
        if not settings.BENCH:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Time the request and count its statements."""
        seen = {"n": 0, "s": 0.0}

        def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            begin = time.perf_counter()
            try:
                return execute(sql, params, many, context)
            finally:
                seen["n"] += 1
                seen["s"] += time.perf_counter() - begin

        start = time.perf_counter()
        with connection.execute_wrapper(count):
            response = self.get_response(request)
        app = (time.perf_counter() - start) * 1000
        response["Server-Timing"] = f'app;dur={app:.2f}, db;dur={seen["s"] * 1000:.2f};desc="{seen["n"]}"'
        return response


class Outage:
    """Turn an unreachable database into a polite 503 with Retry-After; repeat a read once when nothing was sent yet."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or say that we cannot just now."""
        response = self.get_response(request)
        if getattr(request, "_database_lost", False):
            if request.method in {"GET", "HEAD"} and not getattr(request, "_repeated", False):
                request._repeated = True  # type: ignore[attr-defined]
                request._database_lost = False  # type: ignore[attr-defined]
                response = self.get_response(request)
            if getattr(request, "_database_lost", False):
                response = render_error(request, Unavailable())
                response["Retry-After"] = "5"
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Recognise a lost connection."""
        if isinstance(error, OperationalError | InterfaceError) and is_lost(error):
            logger.warning("database.lost path=%s error=%s", request.path, type(error).__name__)
            request._database_lost = True  # type: ignore[attr-defined]
            return HttpResponse(status=503)
        return None


def is_lost(error: Exception) -> bool:
    """Tell whether the database went away, as opposed to a statement that failed."""
    from psycopg import errors
    from psycopg_pool import PoolTimeout

    cause = error.__cause__
    if isinstance(cause, errors.QueryCanceled | errors.LockNotAvailable | errors.DeadlockDetected):
        return False
    return isinstance(cause, PoolTimeout) or getattr(cause, "sqlstate", None) in {
        None,
        "57P01",
        "57P02",
        "57P03",
        "08000",
        "08003",
        "08006",
        "08001",
        "25006",
        "53300",
    }


class Language:
    """The asker's language: the cookie's choice, else the browser's first of ours, else the company's (Chinese)."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.known = {code for code, _ in settings.LANGUAGES}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Activate the language for this request."""
        language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        if language not in self.known:
            language = _from_header(request.headers.get("Accept-Language", "")[:200])
        translation.activate(language)
        request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
        response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Vary", "Cookie, Accept-Language")
        return response


def _from_header(header: str) -> str:
    for part in header.split(","):
        tag = part.split(";")[0].strip().lower()
        if tag.startswith("zh"):
            return "zh-hans"
        if tag.startswith("en"):
            return "en"
    return settings.LANGUAGE_CODE


class DomainErrors:
    """Show an expected refusal in the asker's shape."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass through."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render DomainError and text that nothing can store; leave the rest to Django."""
        if _is_unstorable(error):
            return render_error(request, InvalidInput())
        return render_error(request, error) if isinstance(error, DomainError) else None


def _is_unstorable(error: Exception) -> bool:
    """Tell whether somebody sent a NUL or half a surrogate pair where no form looked: their fault, not an outage."""
    if isinstance(error, DataError):
        return "NUL (0x00)" in str(error)
    return isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"
