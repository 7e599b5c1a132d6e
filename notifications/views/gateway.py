"""The trial's stand-in of the providers, with their interfaces: Aliyun, WeChat, a push service. 404 outside a trial."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidTag
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from core.crypto import hash_token, same
from core.http import render_page
from notifications.channels import webpush
from notifications.channels.aliyun import encoded, signed_headers
from notifications.models import CaughtNote
from notifications.selectors.providers import sms_account, wechat_account
from notifications.services.gateway import catch_note, trial_browser
from notifications.views.viewer import trial_only

PAGE = 60


@trial_only
@never_cache
@require_safe
def notes(request: HttpRequest) -> HttpResponse:
    """Show what customers' phones would: text messages, WeChat messages, push notices."""
    rows = list(CaughtNote.objects.order_by("-pk")[:PAGE])
    return render_page(request, "notifications/notes.html", {"rows": rows})


@csrf_exempt
@trial_only
@require_POST
def sms(request: HttpRequest) -> HttpResponse:
    """Take SendSms and QuerySendDetails when they are signed as the documentation says."""
    account, action = sms_account(), request.headers.get("x-acs-action", "")
    params = request.GET.dict()
    wanted = signed_headers(
        account, action, encoded({name: str(value) for name, value in params.items()}),
        host=request.headers.get("Host", ""), path=request.path, now=timezone.now(),
        nonce=request.headers.get("x-acs-signature-nonce", ""), version=request.headers.get("x-acs-version", ""),
        stamp=request.headers.get("x-acs-date", ""),
    ) if account else {}  # fmt: skip
    if not wanted or not same(wanted["Authorization"], request.headers.get("Authorization", "")):
        return JsonResponse({"Code": "SignatureDoesNotMatch"}, status=400)
    if action == "QuerySendDetails":
        known = CaughtNote.objects.filter(channel="sms", recipient=params.get("PhoneNumber", ""))
        rows = [{"OutId": note.reference, "SendStatus": 1, "ErrCode": ""} for note in known.order_by("-pk")[:49]]
        return JsonResponse({"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}})
    note = catch_note(
        channel="sms", recipient=str(params.get("PhoneNumbers", "")), reference=str(params.get("OutId", "")),
        at=timezone.now(),
    )  # fmt: skip
    return JsonResponse({"Code": "OK", "Message": "OK", "BizId": f"{note.pk}^0"})


@csrf_exempt
@trial_only
@require_POST
def wechat_token(request: HttpRequest) -> HttpResponse:
    """Give an access token for the right secret."""
    account, told = wechat_account(), _json(request)
    if account is None or not same(str(told.get("secret", "")), account.app_secret):
        return JsonResponse({"errcode": 40125, "errmsg": "invalid appsecret"})
    return JsonResponse({"access_token": _token(account.app_secret), "expires_in": 7200})


@csrf_exempt
@trial_only
@require_POST
def wechat_send(request: HttpRequest) -> HttpResponse:
    """Take a template message; the same client_msg_id is one message."""
    account, told = wechat_account(), _json(request)
    if account is None or not same(request.GET.get("access_token", ""), _token(account.app_secret)):
        return JsonResponse({"errcode": 40001, "errmsg": "invalid credential"})
    note = catch_note(
        channel="wechat", recipient=str(told.get("touser", "")), reference=str(told.get("client_msg_id", "")),
        at=timezone.now(),
    )  # fmt: skip
    return JsonResponse({"errcode": 0, "errmsg": "ok", "msgid": note.pk})


@csrf_exempt
@trial_only
@require_POST
def push(request: HttpRequest, device: str) -> HttpResponse:
    """Take a push message, and open it with the made-up browser's own key."""
    key, auth = trial_browser(device)
    try:
        told = json.loads(webpush.opened(request.body, webpush.private_key(key), auth))
    except (ValueError, IndexError, InvalidTag):
        return HttpResponse(status=400)
    catch_note(channel="push", recipient=device, reference=str(told.get("tag", "")), at=timezone.now())
    return HttpResponse(status=201)


def _json(request: HttpRequest) -> dict[str, Any]:
    try:
        told = json.loads(request.body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _token(secret: str) -> str:
    return hashlib.sha256(b"trial" + hash_token(secret)).hexdigest()
