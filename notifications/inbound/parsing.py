"""Raw mail to ParsedMail. Mail is written by strangers' programs: nothing in it may make this raise.

The bytes are cut into parts by the standard library's parser with its lenient policy, which never interprets a header
by itself; headers are read here, one by one, so that one broken header cannot take the others along.
"""

from __future__ import annotations

import binascii
import mimetypes
import re
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import Message
from email.parser import BytesParser
from typing import Any, NamedTuple

from core.text import detect_language, html_to_text, strip_invisible
from notifications.inbound.flowed import unflow
from notifications.inbound.headers import header_of, headers_of, mended, param_of
from notifications.inbound.machines import ids_quoted_in, is_automatic, is_receipt, is_report, wants_no_answer
from notifications.inbound.tnef import TnefMail, unpack_tnef
from notifications.inbound.words import addresses_in, date_in, decode_text, decode_words, ids_in, raw_text

MAX_HEADER_BYTES = 512 * 1024
MAX_HEADERS = 1500
MAX_CONTENT_HEADER = 16 * 1024
MAX_PARTS = 500
MAX_DEPTH = 50
MAX_TEXT = 1_000_000  # characters; what a person can read ends long before
_LONG_CONTENT_HEADER = re.compile(
    rb"(?im)^content-[a-z-]{1,40}:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*",
)
_META_CHARSET = re.compile(rb"(?i)<meta[^>]{0,200}charset=[\"']?([a-z0-9_\-]{2,40})")
_TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_NAME_RUBBISH = re.compile(r"[\x00-\x1f\x7f\"*:<>?|]+")


_TEXT_FILES = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/csv", "text/css", "text/javascript"})


class MailAttachment(NamedTuple):
    """A file in a mail; `content_id` without angle brackets, `is_inline` when the text shows it."""

    name: str
    mime: str
    content: bytes
    content_id: str
    is_inline: bool


@dataclass(frozen=True)
class Report:
    """What a delivery report says about one of our messages."""

    action: str = ""
    status: str = ""
    message_ids: tuple[str, ...] = ()


@dataclass
class ParsedMail:
    """A mail as the rest of the product reads it. Addresses are in lower case, ids stand in angle brackets.

    `enclosed_ids` are the ids of mails that lie in this one, copied or returned.
    """

    from_address: str = ""
    from_name: str = ""
    reply_to: str = ""
    to: list[str] = field(default_factory=list)
    subject: str = ""
    text: str = ""
    html: str = ""
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    date: datetime | None = None
    auto_submitted: bool = False
    wants_no_answer: bool = False
    attachments: list[MailAttachment] = field(default_factory=list)
    language: str = "zh-hans"
    report: Report | None = None
    is_receipt: bool = False
    enclosed_ids: tuple[str, ...] = ()
    fault: str = ""
    # What the envelope proved; filled in by get_parsed_mail.
    kind: str = "message"
    mailbox_id: int | None = None
    shop_id: int | None = None
    reply_ticket_id: int | None = None


@dataclass
class _Reading:
    """What is gathered while walking through the parts."""

    attachments: list[MailAttachment] = field(default_factory=list)
    parts: int = 0
    action: str = ""
    status: str = ""
    original_ids: list[str] = field(default_factory=list)
    tnef: TnefMail = field(default_factory=TnefMail)


@dataclass(frozen=True)
class _Body:
    text: str = ""
    html: str = ""


class TooMuch(ValueError):
    """The mail has more parts, levels or headers than anyone needs; the message is the code."""


def parse_mail(raw: bytes) -> ParsedMail:
    """Read a mail. Never raises: with a `fault` code what could be read is there and a person should look."""
    mail = ParsedMail()
    try:
        check_headers(raw)
        message = BytesParser(policy=policy.compat32).parsebytes(mended(raw))
        read_headers(message, mail)
        reading = _Reading()
        body = _read_part(message, reading, depth=0, in_related=False)
        if not body.text.strip() and not body.html.strip():  # Outlook put the words into winmail.dat as well
            body = _Body(reading.tnef.text, reading.tnef.html)
        mail.text = tidy_body(body.text or html_to_text(body.html))
        mail.html = body.html[:MAX_TEXT]
        mail.attachments = reading.attachments
        if reading.action or reading.status or is_report(message):
            mail.report = Report(reading.action, reading.status, tuple(dict.fromkeys(reading.original_ids)))
        mail.is_receipt = is_receipt(message)
        mail.enclosed_ids = tuple(dict.fromkeys([*reading.original_ids, *ids_quoted_in(mail.text)]))
        mail.language = detect_language(f"{mail.subject}\n{mail.text[:4000]}")
    except TooMuch as error:
        mail.fault = str(error)
    except RecursionError:
        mail.fault = "too_deep"
    except Exception:  # noqa: BLE001 - whatever a stranger's bytes do to the parser, the mail is kept and shown to a person
        mail.fault = "unreadable"
    if mail.fault and not mail.text:
        mail.text = tidy_body(decode_text(raw[:20_000], None))
    return mail


def check_headers(raw: bytes) -> None:
    """Refuse header bombs before anything reads them. Raises TooMuch."""
    head = re.split(rb"\r?\n\r?\n", raw[: MAX_HEADER_BYTES + 4], maxsplit=1)[0]
    if len(head) > MAX_HEADER_BYTES or head.count(b"\n") > MAX_HEADERS * 4:
        raise TooMuch("header_bomb")
    if len(re.findall(rb"(?m)^[!-9;-~]{1,200}:", head)) > MAX_HEADERS:
        raise TooMuch("header_bomb")
    for found in _LONG_CONTENT_HEADER.finditer(raw):
        if found.end() - found.start() > MAX_CONTENT_HEADER:
            raise TooMuch("header_bomb")


def read_headers(message: Message, mail: ParsedMail) -> None:
    """Fill in what the headers say."""
    charset = param_of(message, "charset")
    senders = addresses_in(header_of(message, "From"), charset) or addresses_in(header_of(message, "Sender"), charset)
    if senders:
        mail.from_name, mail.from_address = senders[0][0][:200], senders[0][1]
    replies = addresses_in(header_of(message, "Reply-To"), charset)
    mail.reply_to = replies[0][1] if replies else ""
    for name in ("To", "Cc"):
        for value in headers_of(message, name)[:5]:
            mail.to += [address for _name, address in addresses_in(value, charset)]
    mail.subject = decode_words(header_of(message, "Subject"), charset)[:300]
    own = ids_in(header_of(message, "Message-ID"))
    bare = raw_text(header_of(message, "Message-ID")).strip().strip("<>")
    mail.message_id = own[0] if own else f"<{''.join(bare.split())[:200]}>" if bare else ""
    parents = ids_in(header_of(message, "In-Reply-To"))
    mail.in_reply_to = parents[0] if parents else ""
    mail.references = tuple(dict.fromkeys(ids_in(" ".join(headers_of(message, "References")))))
    mail.date = date_in(header_of(message, "Date"))
    mail.auto_submitted = is_automatic(message, mail.subject)
    mail.wants_no_answer = wants_no_answer(message, mail.from_address)


def tidy_body(text: str) -> str:
    """Return a body with plain line ends, nothing invisible, cut to a readable length."""
    return strip_invisible(text.replace("\r\n", "\n").replace("\r", "\n"))[:MAX_TEXT].strip("\n")


def _read_part(part: Message, reading: _Reading, *, depth: int, in_related: bool) -> _Body:
    reading.parts += 1
    if depth > MAX_DEPTH:
        raise TooMuch("too_deep")
    if reading.parts > MAX_PARTS:
        raise TooMuch("too_many_parts")
    kind = part.get_content_type()
    children: Any = part.get_payload() if part.is_multipart() else None
    if kind == "message/delivery-status" and isinstance(children, list):
        _read_status(children, reading)
        return _Body()
    if kind == "message/feedback-report" and isinstance(children, list) and children:
        _read_complaint(children[0], reading)
        return _Body()
    if part.get_content_maintype() == "message" and isinstance(children, list):
        _keep_message(part, children, reading)
        return _Body()
    if isinstance(children, list):
        return _read_children(part, kind, children, reading, depth)
    return _read_leaf(part, kind, reading, in_related=in_related)


def _read_children(part: Message, kind: str, children: list[Message], reading: _Reading, depth: int) -> _Body:
    related = kind == "multipart/related"
    bodies = [
        _read_part(child, reading, depth=depth + 1, in_related=related and index > 0)
        for index, child in enumerate(children)
    ]
    if kind == "multipart/alternative":
        texts = [body.text for body in bodies if body.text.strip()]
        pages = [body.html for body in bodies if body.html.strip()]
        return _Body(texts[0] if texts else "", pages[-1] if pages else "")
    full = [body for body in bodies if body.text.strip() or body.html.strip()]
    if len(full) <= 1:
        return full[0] if full else _Body()
    text = "\n\n".join(body.text.strip("\r\n") if body.text.strip() else html_to_text(body.html) for body in full)
    return _Body(text, "\n".join(body.html for body in full if body.html))


def _read_leaf(part: Message, kind: str, reading: _Reading, *, in_related: bool) -> _Body:
    name = _file_name(part)
    disposition = _disposition(part)
    content = _content(part)
    charset = param_of(part, "charset")
    if kind == "text/rfc822-headers":
        reading.original_ids += _ids_of(content)
        return _Body()
    if kind == "text/x-amp-html":  # a third copy of the words for one mail program
        return _Body()
    # a multipart without its boundary is one part of words
    is_words = kind.startswith(("text/", "multipart/")) and kind not in _TEXT_FILES
    if disposition != "attachment" and not name and is_words and not (in_related and kind != "text/html"):
        if kind == "text/html":
            meta = _META_CHARSET.search(content[:4096])
            return _Body(html=decode_text(content, charset or (meta[1].decode() if meta else None)))
        words = decode_text(content, charset)
        if _is_flowed(part):
            words = unflow(words, del_space=param_of(part, "delsp").lower() == "yes")
        return _Body(text=words)
    if (kind in _TNEF or name.lower() == "winmail.dat") and _take_apart(content, reading):
        return _Body()
    content_id = raw_text(header_of(part, "Content-ID")).strip().strip("<>")[:200]
    if not content and not name:
        return _Body()
    inline = disposition != "attachment" and bool(content_id) and (in_related or kind.startswith("image/"))
    reading.attachments.append(
        MailAttachment(name or _made_up_name(kind, len(reading.attachments)), kind, content, content_id, inline)
    )
    return _Body()


def _take_apart(content: bytes, reading: _Reading) -> bool:
    """Take Outlook's winmail.dat apart; False when it cannot be read and has to stay a file."""
    inside = unpack_tnef(content)
    if inside is None or not (inside.files or inside.text.strip() or inside.html.strip()):
        return False
    reading.tnef = inside
    for file in inside.files:
        name, shown = tidy_name(file.name), bool(file.content_id) and file.mime.startswith("image/")
        reading.attachments.append(
            MailAttachment(name or "attachment.bin", file.mime, file.content, file.content_id[:200], shown)
        )
    return True


def _keep_message(part: Message, children: list[Message], reading: _Reading) -> None:
    """Keep a forwarded or returned mail as a file, and note its id: a bounce names ours this way."""
    inner = children[0] if children else None
    if inner is None:
        return
    reading.original_ids += ids_in(header_of(inner, "Message-ID"))
    try:
        content = inner.as_bytes()
    except (UnicodeError, ValueError, TypeError, AttributeError, LookupError):
        content = str(inner).encode("utf-8", "replace")
    title = decode_words(header_of(inner, "Subject"))[:80]
    name = _file_name(part) or f"{_NAME_RUBBISH.sub(' ', title).replace('/', ' ').strip() or 'message'}.eml"
    reading.attachments.append(MailAttachment(name, "message/rfc822", content, "", False))


def _read_complaint(note: Message, reading: _Reading) -> None:
    """Read a complaint that a provider passes on (RFC 5965): its reader pressed "spam"."""
    kind = raw_text(header_of(note, "Feedback-Type")).strip().lower()
    reading.action = reading.action or ("complaint" if kind in {"abuse", "fraud", "virus", "other"} else "delayed")


def _read_status(blocks: list[Message], reading: _Reading) -> None:
    for block in blocks[:50]:
        action = raw_text(header_of(block, "Action")).strip().lower()
        status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", raw_text(header_of(block, "Status")))
        reading.action = reading.action or action[:20]
        reading.status = reading.status or (status[0] if status else "")
        reading.original_ids += ids_in(header_of(block, "X-Original-Message-ID"))


def _ids_of(headers: bytes) -> list[str]:
    found = re.search(rb"(?im)^message-id:\s*(<[^<>\s]+>)", headers[:MAX_HEADER_BYTES])
    return [found[1].decode("ascii", "replace")] if found else []


def _content(part: Message) -> bytes:
    """Return the decoded bytes of a leaf; broken base64 gives what can be saved."""
    encoding = header_of(part, "Content-Transfer-Encoding").strip().lower()
    if encoding == "base64":
        return _from_base64(str(part.get_payload() or ""))
    if encoding == "quoted-printable":
        return binascii.a2b_qp(str(part.get_payload() or "").encode("utf-8", "surrogateescape"))
    try:
        content = part.get_payload(decode=True)
    except (ValueError, TypeError, AssertionError, UnicodeError, LookupError):
        content = None
    if isinstance(content, bytes):
        return content
    plain = part.get_payload()
    return str(plain).encode("utf-8", "replace") if plain is not None else b""


def _from_base64(words: str) -> bytes:
    """Decode base64 that may hold rubbish, lack its padding or be several pieces, each padded."""
    pieces = re.sub(r"[^A-Za-z0-9+/=]", "", words).split("=")
    whole = [piece if len(piece) % 4 != 1 else piece[:-1] for piece in pieces]
    return b"".join(binascii.a2b_base64(piece + "=" * (-len(piece) % 4)) for piece in whole if piece)


def _disposition(part: Message) -> str:
    return raw_text(header_of(part, "Content-Disposition")).split(";")[0].strip().lower()


def _is_flowed(part: Message) -> bool:
    return param_of(part, "format").lower() == "flowed"


def _file_name(part: Message) -> str:
    """Return a file name as a person reads it: RFC 2231, RFC 2047 or raw bytes; no path, no control characters."""
    name = ""
    for header, param in (("Content-Disposition", "filename"), ("Content-Type", "name")):
        shadow = Message()  # the library would give raw 8-bit names back as question marks
        shadow[header] = raw_text(header_of(part, header))
        try:
            given = [value for name, value in shadow.get_params([], header=header) if name.lower() == param]
        except (ValueError, TypeError, IndexError, UnicodeError, LookupError, AttributeError):
            continue
        # written in two ways (RFC 6266, 4.3), the one that names its charset is the better
        value = next((one for one in given if isinstance(one, tuple)), given[0] if given else "")
        if isinstance(value, tuple):
            try:
                data = value[2].encode("latin-1")
            except UnicodeError:
                data = value[2].encode("utf-8", "replace")
            name = decode_text(data, value[0])
        elif value:
            name = decode_words(str(value))
        if name:
            break
    return tidy_name(name)


def tidy_name(name: str) -> str:
    """Return a file name without path, control characters and excess."""
    name = _NAME_RUBBISH.sub("_", strip_invisible(name)).replace("\\", "/").rpartition("/")[2].strip(" .")
    stem, dot, extension = name.rpartition(".")
    return f"{stem[:150]}.{extension[:20]}" if dot and stem else name[:170]


def _made_up_name(kind: str, index: int) -> str:
    if kind == "application/ms-tnef":
        return "winmail.dat"
    return f"attachment-{index + 1}{mimetypes.guess_extension(kind) or '.bin'}"
