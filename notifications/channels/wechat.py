"""The WeChat adapter: template messages of an official account.

`client_msg_id` is WeChat's own guard: the same one for the same person is sent once within ten minutes. The access
token is shared by all processes and renewed before its end, or once when WeChat calls it invalid.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from core import posting
from core.crypto import CannotDecrypt, decrypt, encrypt
from notifications.channels import Outcome, reference_of
from notifications.channels.reaching import outcome_of
from notifications.models import ChannelAccount, Delivery
from notifications.selectors.providers import find_provider_template, wechat_account

ENDPOINT = "https://api.weixin.qq.com"
_TOKEN_FAULTS = frozenset({40001, 40014, 42001, 41001})
_TRANSIENT = frozenset({-1, 45011})
_BAD_ADDRESS = frozenset({40003})
_EARLY = timedelta(minutes=5)
_SECONDS = 8.0


class TokenRefused(Exception):
    """WeChat gives no access token; the argument is its errcode."""


@dataclass(frozen=True)
class WechatAccount:
    """What one needs: the account's id and secret, and the token that signs what WeChat tells us."""

    app_id: str
    app_secret: str
    token: str
    endpoint: str = ENDPOINT
    hook_key: str = ""


class WechatAdapter:
    """Send by an official account."""

    def send(self, delivery: Delivery) -> Outcome:
        """Hand a template message over; a token WeChat no longer takes is renewed and the message tried once more."""
        openid = delivery.to
        if not openid:
            return Outcome(False, False, "erased")
        try:
            account = wechat_account()
        except CannotDecrypt:
            return Outcome(False, True, "key_missing")
        template = find_provider_template(delivery.channel, delivery.template, delivery.language)
        if account is None or template is None:
            return Outcome(False, False, "not_set_up" if account is None else "no_template_code")
        message = {
            "touser": openid,
            "template_id": template.code,
            "url": delivery.params.get("url", ""),
            "client_msg_id": reference_of(delivery),
            "data": {name: {"value": value} for name, value in delivery.params.get("fields", {}).items()},
        }
        try:
            outcome = self._hand_over(account, message, fresh=False)
            if outcome.code in {f"wx.{code}" for code in _TOKEN_FAULTS}:
                outcome = self._hand_over(account, message, fresh=True)
        except TokenRefused as error:
            return Outcome(False, str(error) in {"-1", "no_answer"}, f"wx.token.{error}")
        except (posting.AddressRefused, posting.NotReached) as error:
            return outcome_of(error)
        return outcome

    def find_out(self, delivery: Delivery) -> Outcome | None:
        """WeChat cannot be asked about a message; its `client_msg_id` keeps a second one back."""
        return None

    def _hand_over(self, account: WechatAccount, message: dict[str, Any], *, fresh: bool) -> Outcome:
        token = access_token(account, now=timezone.now(), fresh=fresh)
        query = urlencode({"access_token": token})
        told = _post(f"{account.endpoint}/cgi-bin/message/template/send?{query}", message)
        return read_answer(told)


def access_token(account: WechatAccount, *, now: datetime, fresh: bool = False) -> str:
    """Return the access token all processes share, a new one when it ends soon. Raises TokenRefused, NotReached.

    WeChat's stable_token gives every process that asks the same one, so two that ask at once do no harm.
    """
    row = ChannelAccount.objects.filter(channel="wechat").first()
    if row and not fresh and row.token_sealed and row.token_until and row.token_until > now + _EARLY:
        try:
            return decrypt(row.token_sealed)
        except CannotDecrypt:
            pass
    wanted = {
        "grant_type": "client_credential", "appid": account.app_id, "secret": account.app_secret,
        "force_refresh": fresh,
    }  # fmt: skip
    told = _post(f"{account.endpoint}/cgi-bin/stable_token", wanted)
    token, lives = told.get("access_token"), told.get("expires_in")
    if not isinstance(token, str) or not token:
        raise TokenRefused(told.get("errcode", "no_answer"))
    until = now + timedelta(seconds=lives if isinstance(lives, int) else 0)
    ChannelAccount.objects.filter(channel="wechat").update(token_sealed=encrypt(token), token_until=until)
    return token


def read_answer(told: dict[str, Any]) -> Outcome:
    """Return what the answer to a template message means.

    45009 (the day's quota is used up) and 43004 (she does not follow the account) will not pass soon: another channel.
    """
    errcode = told.get("errcode")
    if errcode == 0:
        return Outcome(True, code="wx.0", reference=str(told.get("msgid") or "")[:64])
    if not isinstance(errcode, int):
        return Outcome(False, True, "wx.no_answer", is_unknown=True)
    return Outcome(False, errcode in _TRANSIENT, f"wx.{errcode}", errcode in _BAD_ADDRESS, is_unknown=errcode == -1)


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    raw = json.dumps(body, ensure_ascii=False).encode()
    reply = posting.post(url, raw, {"Content-Type": "application/json"}, seconds=_SECONDS)
    try:
        told = json.loads(reply.body)
    except ValueError:
        told = {}
    return told if isinstance(told, dict) else {}
