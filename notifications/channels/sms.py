"""The text message adapter: Aliyun's SendSms, with QuerySendDetails to find out what became of an earlier try.

Aliyun does not refuse a second SendSms with the same OutId, it only gives it back: so before anything is sent again we
ask for the messages of that day to that number and look for our OutId.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from core import posting
from core.crypto import CannotDecrypt
from notifications.channels import Outcome, reference_of
from notifications.channels.aliyun import SmsAccount, ask
from notifications.channels.reaching import outcome_of
from notifications.models import Delivery
from notifications.selectors.providers import find_provider_template, sms_account

CHINA = ZoneInfo("Asia/Shanghai")
_TRANSIENT = (
    "isv.BUSINESS_LIMIT_CONTROL",
    "isp.",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
    "RequestTimeout",
)
_NEVER = ("isp.RAM_PERMISSION_DENY", "isp.GATEWAY_ERROR.PERMISSION")
_BAD_ADDRESS = frozenset({"isv.MOBILE_NUMBER_ILLEGAL", "isv.INVALID_PHONE_NUMBER"})
_PAGE, _PAGES = 50, 4
_PARAM_MAX = 35


class SmsAdapter:
    """Send by Aliyun."""

    def send(self, delivery: Delivery) -> Outcome:
        """Hand a text message over; its words are the provider's approved template filled with our values."""
        phone = delivery.to
        if not phone:
            return Outcome(False, False, "erased")
        try:
            account = sms_account()
        except CannotDecrypt:
            return Outcome(False, True, "key_missing")
        template = find_provider_template(delivery.channel, delivery.template, delivery.language)
        if account is None or template is None:
            return Outcome(False, False, "not_set_up" if account is None else "no_template_code")
        params = {
            "PhoneNumbers": local_number(phone),
            "SignName": account.sign_name,
            "TemplateCode": template.code,
            "TemplateParam": json.dumps(template_params(delivery), ensure_ascii=False, separators=(",", ":")),
            "OutId": reference_of(delivery),
        }
        try:
            status, told = ask(account, "SendSms", params, now=timezone.now())
        except (posting.AddressRefused, posting.NotReached) as error:
            return outcome_of(error)
        return read_answer(status, told)

    def find_out(self, delivery: Delivery) -> Outcome | None:
        """Look for our OutId among what was sent to the number since we first tried; a failing look is an outcome."""
        try:
            account = sms_account()
        except CannotDecrypt:
            return Outcome(False, True, "key_missing")
        if account is None or not delivery.to:
            return None
        try:
            for day in _days(delivery.queued_at, timezone.now()):
                if found := _look(account, delivery, day):
                    return found
        except (posting.AddressRefused, posting.NotReached) as error:
            return outcome_of(error)
        except _NotTold as error:  # better late than twice
            return Outcome(False, True, f"query.{error}"[:64])
        return None


class _NotTold(Exception):
    """The provider did not answer the question."""


def template_params(delivery: Delivery) -> dict[str, str]:
    """Return the values for the provider's template, each cut to what it takes.

    Of an address too long for a variable its secret end is sent: the approved template holds what stands before it.
    """
    return {name: _fitting(str(value)) for name, value in delivery.params.get("fields", {}).items()}


def _fitting(value: str) -> str:
    if len(value) > _PARAM_MAX and value.startswith(("https://", "http://")):
        value = value.rstrip("/").rpartition("/")[2]
    return value[:_PARAM_MAX]


def local_number(phone: str) -> str:
    """Return an E.164 number as Aliyun wants it: 11 digits within the mainland, country code and number elsewhere."""
    return phone.removeprefix("+86") if phone.startswith("+86") else phone.removeprefix("+")


def read_answer(status: int, told: dict[str, Any]) -> Outcome:
    """Return what the answer to SendSms means."""
    code = str(told.get("Code") or f"http.{status}")[:64]
    if code == "OK":
        return Outcome(True, code="OK", reference=str(told.get("BizId") or "")[:64])
    if code.startswith("http."):
        return Outcome(False, status >= 500 or status in {408, 429}, code, is_unknown=status >= 500)
    is_transient = code.startswith(_TRANSIENT) and not code.startswith(_NEVER)
    return Outcome(False, is_transient, code, code in _BAD_ADDRESS, is_unknown=code == "isp.SYSTEM_ERROR")


def _look(account: SmsAccount, delivery: Delivery, day: str) -> Outcome | None:
    wanted = reference_of(delivery)
    for page in range(1, _PAGES + 1):
        params = {
            "PhoneNumber": local_number(delivery.to), "SendDate": day, "PageSize": str(_PAGE), "CurrentPage": str(page),
        }  # fmt: skip
        status, told = ask(account, "QuerySendDetails", params, now=timezone.now())
        if told.get("Code") != "OK":
            raise _NotTold(told.get("Code") or f"http.{status}")
        rows = (told.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
        for row in rows:
            if row.get("OutId") == wanted:
                return _told_of(row)
        if len(rows) < _PAGE:
            return None
    return None


def _told_of(row: dict[str, Any]) -> Outcome:
    state, code = row.get("SendStatus"), str(row.get("ErrCode") or "")[:60]
    if state == 2:
        return Outcome(False, False, f"r.{code or 'failed'}")
    return Outcome(True, code="OK", is_arrived=state == 3)


def _days(first: datetime, last: datetime) -> list[str]:
    days = [moment.astimezone(CHINA).strftime("%Y%m%d") for moment in (last, first)]
    return list(dict.fromkeys(days))
