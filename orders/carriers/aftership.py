"""AfterShip: JSON over REST with an API key, webhooks with an event id and an HMAC over the raw body, ISO times."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from core.crypto import same
from core.errors import InvalidInput, NotSignedIn
from orders.carriers.base import (
    AccountStopped,
    Credential,
    NotFollowed,
    NothingYet,
    Number,
    NumberRefused,
    Trace,
    Transient,
    credentials_of,
    digest_of,
)
from orders.carriers.wire import ask_json
from orders.enums import ScanStatus
from orders.models import CarrierAccount
from orders.scan_data import ScanData

MAX_SCANS = 500
_TAGS: dict[str, str] = {
    "Pending": ScanStatus.CREATED, "InfoReceived": ScanStatus.CREATED, "InTransit": ScanStatus.IN_TRANSIT,
    "OutForDelivery": ScanStatus.OUT_FOR_DELIVERY, "AttemptFail": ScanStatus.PROBLEM,
    "AvailableForPickup": ScanStatus.READY_FOR_PICKUP, "Delivered": ScanStatus.DELIVERED,
    "Exception": ScanStatus.PROBLEM, "Expired": ScanStatus.PROBLEM,
}  # fmt: skip
_SUBTAGS: dict[str, str] = {
    "InTransit_002": ScanStatus.PICKED_UP, "Exception_005": ScanStatus.REFUSED,
    "Exception_010": ScanStatus.RETURNING, "Exception_011": ScanStatus.RETURNED, "Exception_013": ScanStatus.LOST,
}  # fmt: skip
# Where a time names no zone it is that of the country, else UTC: always the same for the same row.
_ZONES = {
    "CHN": "Asia/Shanghai", "CN": "Asia/Shanghai", "HKG": "Asia/Hong_Kong", "HK": "Asia/Hong_Kong",
    "TWN": "Asia/Taipei", "TW": "Asia/Taipei", "JPN": "Asia/Tokyo", "JP": "Asia/Tokyo", "KOR": "Asia/Seoul",
    "KR": "Asia/Seoul", "SGP": "Asia/Singapore", "SG": "Asia/Singapore", "MYS": "Asia/Kuala_Lumpur",
    "MY": "Asia/Kuala_Lumpur", "THA": "Asia/Bangkok", "TH": "Asia/Bangkok", "GBR": "Europe/London",
    "GB": "Europe/London", "DEU": "Europe/Berlin", "DE": "Europe/Berlin", "FRA": "Europe/Paris", "FR": "Europe/Paris",
    "USA": "America/New_York", "US": "America/New_York", "CAN": "America/Toronto", "CA": "America/Toronto",
    "AUS": "Australia/Sydney", "AU": "Australia/Sydney",
}  # fmt: skip


class AfterShip:
    """One account: `api_key` opens their doors, `webhook_secret` signs what comes to ours."""

    label = _("AfterShip")
    base_url = "https://api.aftership.com/tracking/2025-01"
    query_gap = timedelta(minutes=30)
    company_help = _("The courier's slug at AfterShip, such as sf-express or usps.")
    credentials = (
        Credential("api_key", _("API key"), _("From the settings of AfterShip; it needs the right to tracking.")),
        Credential("webhook_secret", _("Webhook secret"), _("From the webhook's page at AfterShip.")),
    )

    def verify_push(self, account: CarrierAccount, headers: Mapping[str, str], body: bytes) -> None:
        """Check the HMAC-SHA256 of the raw body. Raises NotSignedIn."""
        secret = credentials_of(account)["webhook_secret"]
        wanted = base64.b64encode(hmac.digest(secret.encode(), body, "sha256"))
        if not same(headers.get("aftership-hmac-sha256", "").strip().encode("latin-1", "replace"), wanted):
            raise NotSignedIn

    def message_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return the event's id, or a digest of what it says."""
        try:
            told = json.loads(body.decode("utf-8"))
        except (ValueError, RecursionError):
            return hashlib.sha256(body).hexdigest()
        named = told.get("event_id") if isinstance(told, dict) else None
        return named if isinstance(named, str) and 8 <= len(named) <= 64 and named.isascii() else digest_of(told)

    def read_push(self, body: str) -> list[Trace]:
        """Read the tracking a webhook tells of; events about other things carry no trace. Raises InvalidInput."""
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            raise InvalidInput(code="push_not_json") from None
        about = told.get("msg") if isinstance(told, dict) else None
        if not isinstance(about, dict):
            raise InvalidInput(code="push_without_result")
        return [_trace(about)]

    def push_answer(self, ok: bool) -> tuple[int, str]:
        """Return 200 for a webhook that is taken; they repeat what is answered otherwise."""
        return (200, '{"received":true}') if ok else (503, '{"received":false}')

    def subscribe(self, account: CarrierAccount, number: Number) -> None:
        """Create the tracking; one that is there already is as good. Raises CarrierError."""
        wanted = {"tracking_number": number.tracking_number, "slug": number.company}
        try:
            self._ask(account, "POST", "/trackings", json.dumps(wanted).encode())
        except NumberRefused as refused:
            if refused.code != "4003":  # it exists
                raise

    def query(self, account: CarrierAccount, number: Number) -> Trace:
        """Get the tracking. Raises CarrierError."""
        asked = urlencode({"tracking_numbers": number.tracking_number, "slug": number.company})
        told = self._ask(account, "GET", f"/trackings?{asked}", None)
        rows = told.get("trackings")
        mine = [
            row for row in rows if isinstance(row, dict) and row.get("tracking_number") == number.tracking_number
        ] if isinstance(rows, list) else []  # fmt: skip
        if not mine:
            raise NotFollowed("not_followed")
        try:
            trace = _trace(mine[0])
        except InvalidInput:
            raise Transient("answer_not_read") from None
        if not trace.scans:
            raise NothingYet("nothing_yet")
        return trace

    def probe(self, account: CarrierAccount) -> None:
        """List one tracking. Raises CarrierError."""
        self._ask(account, "GET", "/trackings?limit=1", None)

    def _ask(self, account: CarrierAccount, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        headers = {
            "as-api-key": credentials_of(account)["api_key"], "Content-Type": "application/json",
            "Accept": "application/json",
        }  # fmt: skip
        status, told = ask_json(method, account.base_url.rstrip("/") + path, body, headers)
        meta = told.get("meta")
        code = str(meta.get("code", status)) if isinstance(meta, dict) else str(status)
        if status < 300:
            data = told.get("data")
            return data if isinstance(data, dict) else {}
        if status in {401, 402, 403}:
            raise AccountStopped(code)
        raise NumberRefused(code)


def _trace(about: dict[str, Any]) -> Trace:
    number, slug, tag = (_text(about.get(name)) for name in ("tracking_number", "slug", "tag"))
    rows = about.get("checkpoints")
    if not number or not slug:
        raise InvalidInput(code="push_without_number")
    if rows is None:
        rows = []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise InvalidInput(code="push_rows_not_read")
    scans = sorted((_scan(row) for row in rows[: 4 * MAX_SCANS]), key=lambda scan: scan.at, reverse=True)[:MAX_SCANS]
    return Trace(slug[:40], number[:64], tuple(scans), over=tag in {"Delivered", "Expired"})


def _scan(row: dict[str, Any]) -> ScanData:
    tag, subtag = _text(row.get("tag")), _text(row.get("subtag"))
    code = subtag if subtag.isascii() and 0 < len(subtag) <= 20 else tag[:20] if tag.isascii() else ""
    status = _SUBTAGS.get(subtag) or _TAGS.get(tag, ScanStatus.IN_TRANSIT)
    city, region = _text(row.get("city")), _text(row.get("state"))
    place = _text(row.get("location")) or " ".join(part for part in (region, city) if part)
    code = "".join(char for char in code if char.isalnum() or char in "_.:-")
    return ScanData(_moment(row), str(status), code, _text(row.get("message")), place[:120])


def _moment(row: dict[str, Any]) -> datetime:
    try:
        at = datetime.fromisoformat(_text(row.get("checkpoint_time")))
    except ValueError:
        raise InvalidInput(code="push_time_not_read") from None
    if at.tzinfo is not None:
        return at
    country = _text(row.get("country_region") or row.get("country_iso3")).upper()
    return at.replace(tzinfo=ZoneInfo(_ZONES[country]) if country in _ZONES else UTC)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
