"""Kuaidi100 快递100: forms with a JSON `param`, MD5 signatures, the whole trace with every push, Chinese local time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.crypto import same
from core.errors import InvalidInput, NotSignedIn
from orders.carriers.base import (
    AccountStopped,
    Credential,
    LockedOut,
    NothingYet,
    Number,
    NumberRefused,
    Trace,
    Transient,
    credentials_of,
    digest_of,
)
from orders.carriers.forms import read_form
from orders.carriers.wire import ask_json
from orders.enums import ScanStatus
from orders.models import CarrierAccount
from orders.scan_data import ScanData

CHINA = ZoneInfo("Asia/Shanghai")
MAX_SCANS = 500
LOCKED_FOR = timedelta(hours=1)
_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Accept": "application/json"}
_WANTS_PHONE = frozenset({"shunfeng", "shunfengkuaiyun", "fengwang", "zhongtong", "shunfenglengyun"})

# their basic state -> ours; an advanced code begins with its basic one unless it stands here itself
_BASIC: dict[str, str] = {
    "0": ScanStatus.IN_TRANSIT, "1": ScanStatus.PICKED_UP, "2": ScanStatus.PROBLEM,
    "3": ScanStatus.DELIVERED, "4": ScanStatus.RETURNED, "5": ScanStatus.OUT_FOR_DELIVERY,
    "6": ScanStatus.RETURNING, "7": ScanStatus.IN_TRANSIT, "8": ScanStatus.IN_TRANSIT,
    "10": ScanStatus.IN_TRANSIT, "11": ScanStatus.IN_TRANSIT, "12": ScanStatus.IN_TRANSIT,
    "13": ScanStatus.PROBLEM, "14": ScanStatus.REFUSED,
}  # fmt: skip
_ADVANCED: dict[str, str] = {
    "101": ScanStatus.CREATED, "102": ScanStatus.CREATED, "103": ScanStatus.PICKED_UP,
    "501": ScanStatus.READY_FOR_PICKUP, "1001": ScanStatus.IN_TRANSIT, "1002": ScanStatus.IN_TRANSIT,
    "1003": ScanStatus.IN_TRANSIT,
}  # fmt: skip
_WORDS = {
    "揽收": "1", "在途": "0", "运输": "0", "派件": "5", "派送": "5", "签收": "3", "疑难": "2", "退签": "4",
    "退回": "6", "转投": "7", "转单": "7", "清关": "8", "拒签": "14",
}  # fmt: skip
_DONE, _ACCOUNT = "501", frozenset({"600", "601"})
_QUERY_FAULTS, _WRONG_SIGNATURE = frozenset({"501", "502"}), "503"


class Kuaidi100:
    """One account: `key` and `customer` sign what we ask, `salt` signs what they push."""

    label = _("Kuaidi100")
    base_url = "https://poll.kuaidi100.com"
    query_gap = timedelta(minutes=30)
    company_help = _("The code in Kuaidi100's list of companies, such as shunfeng or zhongtong.")
    credentials = (
        Credential("key", _("Authorisation key"), _("From the console of Kuaidi100.")),
        Credential("customer", _("Customer number"), _("Called customer in the console; queries are signed with it.")),
        Credential("salt", _("Salt"), _("Any long random text of your own; pushes are signed with it.")),
    )

    def verify_push(self, account: CarrierAccount, headers: Mapping[str, str], body: bytes) -> None:
        """Check sign = MD5(param + salt). Raises NotSignedIn."""
        form = read_form(body)
        wanted = _md5(form.get("param", "") + credentials_of(account)["salt"])
        if not form.get("param") or not same(form.get("sign", "").upper(), wanted):
            raise NotSignedIn

    def message_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return a digest of what the push says: they give it no id of its own."""
        param = read_form(body).get("param", "")
        try:
            return digest_of(json.loads(param))
        except (ValueError, RecursionError):
            return digest_of(param)

    def read_push(self, body: str) -> list[Trace]:
        """Read the whole trace a push carries. Raises InvalidInput."""
        try:
            told = json.loads(read_form(body.encode("utf-8", "surrogatepass")).get("param", ""))
        except (ValueError, RecursionError):
            raise InvalidInput(code="push_not_json") from None
        last = told.get("lastResult") if isinstance(told, dict) else None
        if not isinstance(last, dict):
            raise InvalidInput(code="push_without_result")
        state, new = _text(told.get("status")), _text(told.get("comNew")).lower()
        company = _text(told.get("comOld") if new else "").lower() or _text(last.get("com")).lower()
        is_over = state == "shutdown" or (state == "abort" and not new)
        return [_trace(last, company, over=is_over, corrected=new if new != company else "")]

    def push_answer(self, ok: bool) -> tuple[int, str]:
        """Return their words for a push that is taken; anything else makes them tell it again in half an hour."""
        if ok:
            return 200, '{"result":true,"returnCode":"200","message":"成功"}'
        return 200, '{"result":false,"returnCode":"500","message":"失败"}'

    def subscribe(self, account: CarrierAccount, number: Number) -> None:
        """Have pushes sent to our address. Raises CarrierError."""
        known = credentials_of(account)
        about = {"callbackurl": number.callback_url, "salt": known["salt"], "resultv2": "4", "autoCom": "1"}
        if phone := _phone(number):
            about["phone"] = phone
        param = {
            "company": number.company, "number": number.tracking_number, "key": known["key"], "parameters": about,
        }  # fmt: skip
        _status, told = self._ask(account, "/poll", {"schema": "json", "param": _dump(param)})
        code = _text(told.get("returnCode"))
        if code in {"200", _DONE} and (told.get("result") is True or code == _DONE):
            return
        _refuse(code, query=False)

    def query(self, account: CarrierAccount, number: Number) -> Trace:
        """Ask for the trace now; the caller keeps the half hour. Raises CarrierError."""
        known = credentials_of(account)
        wanted = {
            "com": number.company.lower(), "num": number.tracking_number, "resultv2": "4", "show": "0",
            "order": "desc",
        }  # fmt: skip
        if phone := _phone(number):
            wanted["phone"] = phone
        param = _dump(wanted)
        sign = _md5(param + known["key"] + known["customer"])
        form = {"customer": known["customer"], "sign": sign, "param": param}
        _status, told = self._ask(account, "/poll/query.do", form)
        if told.get("result") is False or _text(told.get("status")) != "200":
            if any(word in _text(told.get("message")) for word in ("锁", "频繁")):
                raise LockedOut("locked", timezone.now() + LOCKED_FOR)
            _refuse(_text(told.get("returnCode")) or _text(told.get("status")), query=True)
        try:
            return _trace(told, number.company.lower(), over=False, corrected="")
        except InvalidInput:
            raise Transient("answer_not_read") from None

    def probe(self, account: CarrierAccount) -> None:
        """Ask for a number that is none: an account they know is told that it is none. Raises CarrierError."""
        try:
            self.query(account, Number("yuantong", "TEST000000"))
        except (NothingYet, NumberRefused, LockedOut):
            return

    def _ask(self, account: CarrierAccount, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        status, told = ask_json("POST", account.base_url.rstrip("/") + path, urlencode(form).encode(), _FORM)
        if status in {401, 403}:
            raise AccountStopped(f"http_{status}")
        return status, told


def _refuse(code: str, *, query: bool) -> None:
    """Raise what a return code means: 500 to a query is that nothing is known yet, to a subscription their fault."""
    if query and code == "500":
        raise NothingYet("nothing_yet")
    if not code or code in (_QUERY_FAULTS if query else {"500"}):
        raise Transient(code or "no_code")
    if code in _ACCOUNT or (query and code == _WRONG_SIGNATURE):
        raise AccountStopped(code)
    raise NumberRefused(code)


def _trace(last: dict[str, Any], company: str, *, over: bool, corrected: str) -> Trace:
    number, rows = _text(last.get("nu")), last.get("data")
    if not number or not company:
        raise InvalidInput(code="push_without_number")
    if rows is None:
        rows = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(code="push_rows_not_read")
    state = _text(last.get("state"))
    newest_first = sorted(
        ((_moment(row), row) for row in rows[: 4 * MAX_SCANS]), key=lambda pair: pair[0], reverse=True
    )
    scans = [_scan(at, row, state if index == 0 else "") for index, (at, row) in enumerate(newest_first[:MAX_SCANS])]
    return Trace(company, number[:64], tuple(scans), over, corrected[:40])


def _scan(at: datetime, row: dict[str, Any], state: str) -> ScanData:
    """Read one row. What names no code of its own has none; only the newest then takes the state of the whole."""
    told = _text(row.get("statusCode"))
    code = _code(told) if told else _code_of_word(_text(row.get("status")))
    return ScanData(at, _status(code or state), code, _text(row.get("context")), _area(_text(row.get("areaName"))))


@lru_cache(maxsize=1024)
def _code(told: str) -> str:
    code = told[:20]
    return code if code.isascii() and code.replace("-", "").isalnum() else ""


def _code_of_word(word: str) -> str:
    return next((basic for key, basic in _WORDS.items() if key in word), "")


@lru_cache(maxsize=4096)
def _area(told: str) -> str:
    return told.replace(",", " ")[:120]


@lru_cache(maxsize=1024)
def _status(code: str) -> str:
    if found := _ADVANCED.get(code) or _BASIC.get(code):
        return str(found)
    if code[:2] == "14" and len(code) > 2:
        return str(ScanStatus.REFUSED)
    return str(_BASIC.get(code[:1], ScanStatus.IN_TRANSIT)) if len(code) == 3 else str(ScanStatus.IN_TRANSIT)


def _moment(row: dict[str, Any]) -> datetime:
    text = _text(row.get("ftime")) or _text(row.get("time"))
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(code="push_time_not_read") from None
    return at.replace(tzinfo=CHINA) if at.tzinfo is None else at


def _phone(number: Number) -> str:
    digits = "".join(char for char in number.phone if char.isdigit())
    return digits[-4:] if number.company in _WANTS_PHONE and len(digits) >= 4 else ""


def _md5(text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    return hashlib.md5(raw, usedforsecurity=False).hexdigest().upper()  # their form


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(value: Any) -> str:
    if type(value) is str:
        return value.strip()
    return str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
