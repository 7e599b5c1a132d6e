"""The doors providers knock at: receipts and customers' text messages (Aliyun), and what WeChat tells an account."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from core import ratelimit
from core.errors import DomainError, NotFound
from core.http import client_ip, render_error
from notifications import services
from notifications.channels.telling import MAX_BYTES, MOST, read_replies, read_reports, read_wechat, wechat_signed
from notifications.enums import Channel
from notifications.selectors.providers import opens_door

BAD_PER_MINUTE = 60


def _enter(request: HttpRequest, channel: str, key: str) -> bytes:
    """Return the body of a request that knows our secret address. Raises NotFound, RateLimited."""
    if not opens_door(channel, key):
        _count_stranger(request)
        raise NotFound
    if int(request.headers.get("Content-Length") or 0) > MAX_BYTES or len(request.body) > MAX_BYTES:
        raise NotFound
    return request.body


def _count_stranger(request: HttpRequest) -> None:
    period = timedelta(minutes=1)
    ratelimit.check("notifications.bad-hook", client_ip(request), limit=BAD_PER_MINUTE, period=period)


@csrf_exempt
@require_POST
def sms_reports(request: HttpRequest, key: str) -> HttpResponse:
    """Take receipts of Aliyun (SmsReport): a JSON list, answered with code 0 once all are kept."""
    try:
        rows = _rows(_enter(request, Channel.SMS, key))
    except DomainError as error:
        return render_error(request, error)
    services.take_receipts(channel=Channel.SMS, receipts=read_reports(rows), at=timezone.now())
    return _taken()


@csrf_exempt
@require_POST
def sms_replies(request: HttpRequest, key: str) -> HttpResponse:
    """Take what customers answered by text message (SmsUp): a JSON list."""
    try:
        rows = _rows(_enter(request, Channel.SMS, key))
    except DomainError as error:
        return render_error(request, error)
    for reply in read_replies(rows):
        services.take_text(reply=reply, at=timezone.now())
    return _taken()


@csrf_exempt
@require_http_methods(["GET", "POST"])
def wechat(request: HttpRequest, key: str) -> HttpResponse:
    """Take what WeChat tells: the proof of address (GET), and how template messages ended (POST)."""
    now = timezone.now()
    try:
        body = _enter(request, Channel.WECHAT, key)
        if not wechat_signed(request.GET.dict(), now=now):
            _count_stranger(request)
            raise NotFound
    except DomainError as error:
        return render_error(request, error)
    if request.method == "GET":
        return HttpResponse(request.GET.get("echostr", "")[:200], content_type="text/plain; charset=utf-8")
    receipt = read_wechat(body)
    if receipt is not None:
        services.take_receipts(channel=Channel.WECHAT, receipts=[receipt], at=now)
    return HttpResponse("success", content_type="text/plain; charset=utf-8")


def _rows(body: bytes) -> list[dict[str, Any]]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise NotFound from None
    return [row for row in told[:MOST] if isinstance(row, dict)] if isinstance(told, list) else []


def _taken() -> JsonResponse:
    return JsonResponse({"code": 0, "msg": "成功"}, json_dumps_params={"ensure_ascii": False})
