"""The door for signed webhooks: store first, understand later."""

from __future__ import annotations

import json
from datetime import timedelta

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core import ratelimit
from core.errors import DomainError, InvalidInput, NotSignedIn, TooLarge
from core.http import client_ip, render_error
from orders.services.hooks import store_hook

MAX_BYTES = 1024 * 1024
BAD_PER_MINUTE = 60


@csrf_exempt
@require_POST
def order_hooks(request: HttpRequest) -> JsonResponse:
    """Take a webhook in the Standard Webhooks form: headers webhook-id, -timestamp, -signature over the raw body.

    The body is {"type": "order.upserted" | "parcel.scanned", "shop": code, "data": {…}}. Answers 200 as soon as it is
    stored; a job applies it once, however often it is delivered.
    """
    try:
        return _take(request)
    except DomainError as error:
        return render_error(request, error)  # type: ignore[return-value]


def _take(request: HttpRequest) -> JsonResponse:
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
        raise TooLarge
    body = request.body
    if len(body) > MAX_BYTES:
        raise TooLarge
    try:
        told = json.loads(body.decode("utf-8"))
        shop = told["shop"]
        if not isinstance(shop, str):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        raise InvalidInput(_("The body is a JSON object with type, shop and data."), code="not_a_hook") from None
    try:
        is_new = store_hook(shop_code=shop, body=body, headers=dict(request.headers), at=timezone.now())
    except NotSignedIn:
        ratelimit.check("orders.bad-hook", client_ip(request), limit=BAD_PER_MINUTE, period=timedelta(minutes=1))
        raise
    return JsonResponse({"received": True, "repeat": not is_new})
