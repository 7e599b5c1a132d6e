"""Notices on a customer's device, chosen on the page behind her link: on, off, and the script that shows them.

No cookie is read: the secret of the link is the proof, and for a browser that got a new place the old one, which only
it and we know.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from core import ratelimit
from core.errors import DomainError, InvalidInput, NotFound
from core.http import client_place
from customers.selectors import aliases_of
from notifications.services import end_push_here, hears_push, renew_push, subscribe_push
from orders.services.lookups import look_up_by_link

LONGEST = 4096
PER_PLACE = (60, timedelta(hours=1))


@csrf_exempt
@require_POST
def device(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether a device gets notices (`look`), have it get them (`on`) or not (`off`); JSON in and out: {on}."""
    try:
        at = timezone.now()
        order = look_up_by_link(token=token, place=client_place(request), at=at, is_counted=False)
        told = _told(request)
        her, endpoint = aliases_of(order.customer_id), str(told.get("endpoint", ""))
        match told.get("do"):
            case "look":
                is_on = hears_push(customer_ids=her, endpoint=endpoint)
            case "on":
                subscribe_push(customer_id=order.customer_id, subscription=json.dumps(told.get("subscription")), at=at)
                is_on = True
            case "off":
                end_push_here(customer_ids=her, endpoint=endpoint, at=at)
                is_on = False
            case _:
                raise InvalidInput
    except DomainError as error:
        return _refused(error)
    return _kept_private(JsonResponse({"on": is_on}))


@csrf_exempt
@require_POST
def renewed(request: HttpRequest) -> HttpResponse:
    """Take the new place of a browser whose push service moved it; the script says so when no page is open."""
    try:
        told = _told(request)
        renew_push(
            endpoint=str(told.get("endpoint", "")),
            subscription=json.dumps(told.get("subscription")),
            at=timezone.now(),
        )
    except DomainError as error:
        return _refused(error)
    return _kept_private(JsonResponse({"on": True}))


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """Serve the script that shows notices; from here, since it reaches only what lies below its own address."""
    response = HttpResponse(_script(), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


@lru_cache(maxsize=1)
def _script() -> str:
    found = finders.find("js/push-worker.js")
    if not isinstance(found, str):
        raise NotFound
    return Path(found).read_text(encoding="utf-8")


def _told(request: HttpRequest) -> dict[str, Any]:
    """Return what a page or the script says. Raises RateLimited, InvalidInput."""
    limit, period = PER_PLACE
    ratelimit.check("track.device", client_place(request), limit=limit, period=period)
    if int(request.META.get("CONTENT_LENGTH") or 0) > LONGEST:
        raise InvalidInput
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):  # no JSON, or brackets without end
        raise InvalidInput from None
    if not isinstance(told, dict):
        raise InvalidInput
    return told


def _refused(error: DomainError) -> HttpResponse:
    response = JsonResponse({"code": error.code}, status=error.http_status)
    retry_after = getattr(error, "retry_after", None)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return _kept_private(response)


def _kept_private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store, private"
    return response
