"""Read what providers tell us: Aliyun's SmsReport and SmsUp, WeChat's TEMPLATESENDJOBFINISH."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.parsers import expat

from core.crypto import CannotDecrypt, same
from notifications.channels.sms import CHINA
from notifications.receipts import Receipt, TextReply
from notifications.selectors.providers import wechat_account

MAX_BYTES = 512 * 1024
MOST = 500
FRESH = timedelta(minutes=10)
_DONE = "TEMPLATESENDJOBFINISH"


def read_reports(rows: list[dict[str, Any]]) -> list[Receipt]:
    """Return the receipts of an SmsReport; rows that say nothing we understand are left out."""
    return [
        Receipt(
            reference=_text(row, "out_id"),
            provider_ref=_text(row, "biz_id"),
            is_good=row.get("success") is True,
            code="OK" if row.get("success") is True else f"r.{_text(row, 'err_code') or 'failed'}",
            at=_moment(_text(row, "report_time")),
        )
        for row in rows
        if isinstance(row.get("success"), bool) and (_text(row, "out_id") or _text(row, "biz_id"))
    ]


def read_replies(rows: list[dict[str, Any]]) -> list[TextReply]:
    """Return the texts of an SmsUp."""
    return [
        TextReply(
            name=_text(row, "sequence_id"),
            phone=_text(row, "phone_number"),
            text=_text(row, "content", 2000),
            sent_at=_moment(_text(row, "send_time")),
        )
        for row in rows
        if _text(row, "phone_number") and _text(row, "content", 2000)
    ]


def wechat_signed(query: dict[str, str], *, now: datetime) -> bool:
    """Tell whether a call comes from WeChat: SHA-1 over token, timestamp and nonce in order, made lately."""
    try:
        account = wechat_account()
    except CannotDecrypt:
        return False
    stamp, nonce, signature = (query.get(name, "") for name in ("timestamp", "nonce", "signature"))
    if account is None or not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        return False
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > FRESH:
        return False
    words = "".join(sorted([account.token, stamp, nonce]))
    return same(hashlib.sha1(words.encode(), usedforsecurity=False).hexdigest(), signature)


def read_wechat(body: bytes) -> Receipt | None:
    """Return the receipt in WeChat's XML, None when it tells something else."""
    told = read_flat_xml(body)
    if told.get("Event") != _DONE:
        return None
    status = told.get("Status", "")
    is_good = status == "success"
    code = "wx.0" if is_good else "wx." + (status.partition(":")[2].strip().replace(" ", "_") or "failed")
    created = told.get("CreateTime", "")
    at = datetime.fromtimestamp(int(created), UTC) if created.isdigit() and len(created) < 12 else _EPOCH
    return Receipt(reference="", provider_ref=told.get("MsgID", "")[:64], is_good=is_good, code=code, at=at)


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def read_flat_xml(body: bytes) -> dict[str, str]:
    """Return the text of the elements right below the root; a document type or broken XML gives nothing."""
    parser = expat.ParserCreate()
    found: dict[str, str] = {}
    path: list[str] = []

    class Refused(Exception):
        pass

    def begin(name: str, _attributes: dict[str, str]) -> None:
        path.append(name)
        if len(path) > 8:
            raise Refused

    def text(words: str) -> None:
        if len(path) == 2:
            found[path[1]] = found.get(path[1], "") + words

    def refuse(*_facts: Any) -> None:
        raise Refused

    parser.StartElementHandler, parser.CharacterDataHandler = begin, text
    parser.EndElementHandler = lambda _name: path.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, Refused):
        return {}
    return {name: words.strip() for name, words in found.items()}


def _text(row: dict[str, Any], name: str, most: int = 64) -> str:
    value = row.get(name)
    return str(value)[:most].strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _moment(text: str) -> datetime:
    """Return a moment Aliyun writes in China's time; the year 2000 when it writes none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError:
        return _EPOCH
