"""What kind of mail it is, from its headers and from where it was sent."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from email import policy
from email.message import Message
from email.parser import BytesHeaderParser

from core.crypto import blind_index
from notifications.enums import MailKind
from notifications.inbound.headers import header_of, headers_of, mended
from notifications.inbound.machines import is_daemon, reads_like_report
from notifications.inbound.parsing import MAX_HEADER_BYTES, ParsedMail
from notifications.inbound.words import raw_text

_BAD_ADDRESS = re.compile(r"5\.1\.(?:0|1|2|3|6|10)")
_STATUS = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
_NO_SUCH = re.compile(
    r"\b55[013]\b|用户不存在|不存在的(?:用户|收件人)|无效的?收件人|user unknown|no such user|does not exist", re.I
)


@dataclass(frozen=True)
class Sorted:
    """A mail's kind; for a bounce what it means for our message."""

    kind: str
    reason: str = ""


@dataclass(frozen=True)
class BounceMeaning:
    """What a delivery report means: `outcome` is failed, delivered, delayed or complained."""

    outcome: str
    code: str
    is_bad_address: bool


def head_of(raw: bytes) -> Message:
    """Return the headers of a mail, parsed leniently; never raises for what is in them."""
    head = re.split(rb"\r?\n\r?\n", mended(raw)[:MAX_HEADER_BYTES], maxsplit=1)[0]
    return BytesHeaderParser(policy=policy.compat32).parsebytes(head + b"\r\n\r\n")


def sort_mail(
    mail: ParsedMail, head: Message, *, sender: str, to_bounce: bool, is_reply: bool, own_mark: str
) -> Sorted:
    """Say what a mail is. A mail to a ticket's signed address is never taken for list mail."""
    if mail.fault:
        return Sorted(MailKind.ODD, mail.fault)
    if own_mark in {raw_text(value).strip() for value in headers_of(head, "X-Loop")}:
        return Sorted(MailKind.LOOP, "own_mail")
    from_daemon = is_daemon(mail.from_address)
    if mail.report is not None or (from_daemon and (to_bounce or not sender or reads_like_report(head))):
        return Sorted(MailKind.BOUNCE)
    if mail.is_receipt:
        return Sorted(MailKind.AUTO, "receipt")
    if to_bounce:  # somebody's absence note goes to the envelope sender; nobody writes there
        return Sorted(MailKind.AUTO, "to_bounce_address")
    if not is_reply and (header_of(head, "List-Id") or header_of(head, "Precedence").strip().lower() == "list"):
        return Sorted(MailKind.LIST, "mailing_list")
    if mail.auto_submitted or not sender:
        return Sorted(MailKind.AUTO, "automatic")
    return Sorted(MailKind.MESSAGE)


def meaning_of_bounce(mail: ParsedMail) -> BounceMeaning:
    """Read a delivery report, a standard one or a provider's free text."""
    action = mail.report.action if mail.report else ""
    status = mail.report.status if mail.report else ""
    if not status and (found := _STATUS.search(mail.text[:20_000])):
        status = found[1]
    if action == "complaint":
        return BounceMeaning("complained", "complaint", False)
    if action in {"delivered", "relayed", "expanded"}:
        return BounceMeaning("delivered", "", False)
    if action == "delayed" or (status.startswith("4") and action != "failed"):
        return BounceMeaning("delayed", "", False)
    bad = bool(_BAD_ADDRESS.fullmatch(status)) if status else bool(_NO_SUCH.search(mail.text[:20_000]))
    return BounceMeaning("failed", f"bounce.{status}" if status else "bounce", bad)


def digest_of(raw: bytes, head: Message, recipient: str) -> bytes:
    """Name a mail for one of our addresses, the same when its sender tries again.

    Message-ID, sender, date and subject together: a program that gives every mail the same id loses none, and a
    mail without an id is named by everything but the lines that servers add on the way.
    """
    names = ("Message-ID", "From", "Date", "Subject")
    parts = [header_of(head, name).encode("utf-8", "surrogateescape") for name in names]
    if not parts[0].strip():
        parts.append(hashlib.sha256(_without_trace(raw)).digest())
    return hashlib.sha256(b"\0".join([recipient.encode(), *parts])).digest()


def message_id_digest(message_id: str) -> bytes:
    """Return the digest under which a message id is kept."""
    return blind_index(message_id, "notifications.message-id")


_TRACE = re.compile(
    rb"(?im)^(?:received|return-path|delivered-to|x-received|authentication-results|arc-[a-z-]+|dkim-signature|x-[a-z-]+):"
    rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*\r?\n"
)


def _without_trace(raw: bytes) -> bytes:
    head, gap, body = raw.partition(b"\r\n\r\n")
    return _TRACE.sub(b"", head[:MAX_HEADER_BYTES] + b"\r\n") + gap + body
