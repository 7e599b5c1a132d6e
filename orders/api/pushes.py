"""The door for what carriers' providers push: store first, answer in their words, understand later."""

from __future__ import annotations

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core import ratelimit
from core.errors import DomainError, NotSignedIn, TooLarge
from core.http import client_ip, render_error
from orders.carriers import adapter_for
from orders.services import carrying

MAX_BYTES = 1024 * 1024
BAD_PER_MINUTE = 60


@csrf_exempt
@require_POST
def carrier_push(request: HttpRequest, token: str) -> HttpResponse:
    """Take a push at an account's own address; the signature is the provider's. A repeat is answered like the first."""
    try:
        return _take(request, token)
    except DomainError as error:
        return render_error(request, error)


def _take(request: HttpRequest, token: str) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES:
        raise TooLarge
    body = request.body
    if len(body) > MAX_BYTES:
        raise TooLarge
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        account = carrying.account_of(token)
        carrying.store_push(account=account, headers=headers, body=body, at=timezone.now())
    except NotSignedIn:
        ratelimit.check("orders.bad-push", client_ip(request), limit=BAD_PER_MINUTE, period=timedelta(minutes=1))
        raise
    status, answer = adapter_for(account.provider).push_answer(True)
    return HttpResponse(answer, status=status, content_type="application/json; charset=utf-8")
