"""The door for shop systems' own webhooks: checked, kept and answered in milliseconds; understood later."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core import ratelimit
from core.errors import DomainError, InvalidInput, NotFound, NotSignedIn, TooLarge
from core.http import client_ip, render_error
from orders.models import ShopConnection
from orders.services import sources

MAX_BYTES = 2 * 1024 * 1024
BAD_PER_MINUTE = 60


@csrf_exempt
@require_POST
def shop_hook(request: HttpRequest, token: str) -> JsonResponse:
    """Take a message of Shopify or WooCommerce, signed over its raw body with the connection's secret."""
    try:
        return _take(request, token)
    except DomainError as error:
        return render_error(request, error)  # type: ignore[return-value]


def _take(request: HttpRequest, token: str) -> JsonResponse:
    length = request.headers.get("Content-Length") or "0"
    if length.isascii() and length.isdigit() and int(length[:12]) > MAX_BYTES:
        raise TooLarge
    try:
        body = request.body
    except RequestDataTooBig:
        raise TooLarge from None
    if len(body) > MAX_BYTES:
        raise TooLarge
    if not body:
        raise InvalidInput(code="hook_empty")
    connections = ShopConnection.objects.select_related("shop").filter(is_active=True, shop__is_active=True)
    connection = connections.filter(token=token[:32]).first() if len(token) == 32 else None
    now = timezone.now()
    try:
        if connection is None:
            raise NotFound
        is_new = sources.receive_message(connection=connection, body=body, headers=dict(request.headers), at=now)
    except (NotSignedIn, NotFound):
        ratelimit.check("orders.bad-hook", client_ip(request), limit=BAD_PER_MINUTE, period=timedelta(minutes=1))
        if connection is not None:
            sources.note_forged(connection_id=connection.pk, at=now)
        raise
    return JsonResponse({"received": True, "repeat": not is_new})
