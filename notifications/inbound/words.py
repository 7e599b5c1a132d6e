"""Bytes to words: charsets as Chinese mailers really use them, encoded words, addresses, dates and ids in headers."""

from __future__ import annotations

import binascii
import codecs
import re
from datetime import UTC, datetime
from email.utils import getaddresses, parsedate_to_datetime

from core.text import normalise_email, strip_invisible

_GB = frozenset({"gb2312", "gbk", "gb18030", "gb_2312-80", "x-gbk", "cp936", "ms936", "euc-cn", "gb", "gb2312_charset"})
# Names under which programs send more letters than the standard of that name has.
_WIDER = {
    "big5": "big5hkscs", "big5-hkscs": "big5hkscs", "cp950": "big5hkscs", "shift_jis": "cp932", "x-sjis": "cp932",
    "ks_c_5601-1987": "cp949", "euc-kr": "cp949", "iso-8859-1": "cp1252", "latin1": "cp1252", "iso-8859-9": "cp1254",
    "tis-620": "cp874", "iso-8859-8-i": "iso-8859-8",
}  # fmt: skip
_UNKNOWN = frozenset(
    {"", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "unknown", "default", "default_charset", "_iso-8859-1$esc"}
)
# Codecs that are no charsets, or that run code paths no mail needs.
_REFUSED = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
_ENCODED = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"'@]{1,120}@[^\s<>()\[\],;:\"'@]{1,190}")
_ID = re.compile(r"<([^<>\s]{1,245})>")
HEADER_MAX = 20_000


def decode_text(data: bytes, charset: str | None) -> str:
    """Return bytes as text: by the declared charset, else by the one that fits; never raises."""
    wanted = _codec(charset or "")
    if wanted in {"gb18030", "cp1252"} and _is_surely_utf8(data):  # mislabelled by a gateway
        wanted = "utf-8"
    for name in dict.fromkeys([wanted, "utf-8", "gb18030"]):
        if not name:
            continue
        try:
            return _tidy(data.decode(name))
        except (UnicodeError, LookupError, ValueError):
            continue
    try:
        return _tidy(data.decode(wanted or "utf-8", "replace"))
    except (LookupError, ValueError):
        return _tidy(data.decode("utf-8", "replace"))


def decode_words(value: str, charset: str | None = None) -> str:
    """Return a raw header value as one readable line: RFC 2047 words joined, raw 8-bit bytes guessed."""
    text = raw_text(value, charset)
    parts: list[str] = []
    pending, pending_charset, end = b"", "", 0
    for found in _ENCODED.finditer(text):
        between = text[end : found.start()]
        name = found[1].partition("*")[0].lower()
        if pending and (between.strip() or name != pending_charset):
            parts.append(decode_text(pending, pending_charset))
            pending = b""
        if between.strip() or (not parts and not pending):
            parts.append(between)
        pending += _word_bytes(found[2], found[3])
        pending_charset, end = name, found.end()
    if pending:
        parts.append(decode_text(pending, pending_charset))
    parts.append(text[end:])
    return " ".join(strip_invisible("".join(parts)).split())


def raw_text(value: str, charset: str | None = None) -> str:
    """Return a header value whose 8-bit bytes the parser kept as surrogates, cut to a sane length."""
    value = value[:HEADER_MAX]
    try:
        data = value.encode("ascii", "surrogateescape")
    except UnicodeError:
        return value.encode("utf-8", "replace").decode()
    return decode_text(data, charset)


def addresses_in(value: str, charset: str | None = None) -> list[tuple[str, str]]:
    """Return the (name, address) pairs of a header; addresses in lower case, nameless rubbish left out."""
    text = raw_text(value, charset)
    pairs: list[tuple[str, str]] = []
    try:
        found = getaddresses([text], strict=False)
    except (ValueError, IndexError, TypeError, RecursionError):
        found = []
    for name, address in found[:200]:
        if known := _address(address):
            pairs.append((decode_words(name), known))
    if not pairs:
        pairs = [("", known) for match in _ADDRESS.findall(decode_words(text))[:20] if (known := _address(match))]
    return pairs


def ids_in(value: str) -> list[str]:
    """Return the message ids of a header, each as <…>."""
    return [f"<{found}>" for found in _ID.findall(raw_text(value))[:100]]


def date_in(value: str) -> datetime | None:
    """Return a Date header as an aware time, None when it is none or absurd."""
    try:
        date = parsedate_to_datetime(raw_text(value).strip())
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        return date if 1990 <= date.astimezone(UTC).year <= 2100 else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _address(text: str) -> str:
    if "@" not in text:
        return ""
    return normalise_email(text) or ("" if not _ADDRESS.fullmatch(text.strip()) else text.strip().lower()[:254])


def _codec(charset: str) -> str:
    name = charset.strip().strip("\"'").lower()
    if name in _GB:
        return "gb18030"
    if name in _UNKNOWN:
        return ""
    name = _WIDER.get(name, name)
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        return ""
    return "" if known.replace("-", "_") in _REFUSED else known


def _is_surely_utf8(data: bytes) -> bool:
    """Tell whether bytes are UTF-8 beyond doubt: several Chinese characters, nothing that short GBK words look like."""
    try:
        text = data.decode("utf-8")
    except UnicodeError:
        return False
    high = [letter for letter in text if letter > "\x7f"]
    return sum(letter >= "\u2e80" for letter in high) >= 3 and not any("\x80" <= letter < "\u0800" for letter in high)


def _word_bytes(encoding: str, words: str) -> bytes:
    if encoding in "qQ":
        return binascii.a2b_qp(words.replace("_", " ").encode("utf-8", "replace"), header=False)
    clean = re.sub(r"[^A-Za-z0-9+/]", "", words)
    try:
        return binascii.a2b_base64(clean + "=" * (-len(clean) % 4))
    except binascii.Error:
        return binascii.a2b_base64(clean[: len(clean) // 4 * 4])


def _tidy(text: str) -> str:
    """Drop what the database cannot hold: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
