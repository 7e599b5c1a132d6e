"""The two doors a PBX knocks at: what happened, and what callers should hear. See docs/phone-webhook.md."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from core import ratelimit
from core.errors import DomainError, NotFound, NotSignedIn
from core.http import client_ip
from core.http.errors import problem
from tickets.calls_errors import BadCallMessage
from tickets.selectors.call_plans import etag_of, served_plan
from tickets.services.calls.applying import calendar_of
from tickets.services.calls.plans import empty_tree, newest_plan
from tickets.services.calls.reading import MAX_BYTES
from tickets.services.calls.receiving import Knock, open_door, receive
from tickets.services.calls.signing import SIGNATURE, TIMESTAMP

BAD_PER_MINUTE = 60
READ_AT_MOST = 4 * MAX_BYTES


@csrf_exempt
@require_POST
def call_hook(request: HttpRequest, key: str) -> HttpResponse:
    """Take one message of a PBX: proven, stored, answered at once; applied once, however often it comes."""
    try:
        is_new = receive(knock=_knock(request, key), at=timezone.now())
    except DomainError as error:
        return _refuse(request, error)
    return JsonResponse({"received": True, "repeat": not is_new})


@csrf_exempt
@require_safe
def call_plan(request: HttpRequest, key: str) -> HttpResponse:
    """Serve a line's menu, hours and seats; 304 while nothing changed."""
    now = timezone.now()
    try:
        line = open_door(knock=_knock(request, key), at=now)
    except DomainError as error:
        return _refuse(request, error)
    plan = newest_plan(line.pk)
    told = served_plan(line, plan.tree if plan else empty_tree(), plan.version if plan else 0, calendar_of(line), now)
    tag = etag_of(told)
    if tag in {part.strip() for part in request.headers.get("If-None-Match", "").split(",")}:
        answer = HttpResponse(status=304)
    else:
        answer = JsonResponse(told, json_dumps_params={"ensure_ascii": False})
    answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
    return answer


def _knock(request: HttpRequest, key: str) -> Knock:
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or len(length) > 9 or int(length) > READ_AT_MOST:
        raise BadCallMessage(code="too_large")
    return Knock(
        key=key, body=request.read(READ_AT_MOST + 1) if request.method == "POST" else b"",
        timestamp=request.headers.get(TIMESTAMP, ""), signature=request.headers.get(SIGNATURE, "")[:400],
    )  # fmt: skip


def _refuse(request: HttpRequest, error: DomainError) -> HttpResponse:
    """Answer in JSON; whoever keeps knocking without the secret is told to wait."""
    if isinstance(error, NotFound | NotSignedIn):
        try:
            ratelimit.check("phone.bad-hook", client_ip(request), limit=BAD_PER_MINUTE, period=timedelta(minutes=1))
        except DomainError as enough:
            error = enough
    answer = JsonResponse(problem(error), status=error.http_status, content_type="application/problem+json")
    if retry_after := getattr(error, "retry_after", None):
        answer["Retry-After"] = str(retry_after)
    return answer
