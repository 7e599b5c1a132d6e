"""The email adapter: compose the mail as queued, hand it to the mailbox's server."""

from __future__ import annotations

import mimetypes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime

from django.conf import settings
from django.core.files.storage import storages

from core.crypto import CannotDecrypt
from notifications.addresses import bounce_address, domain_of
from notifications.channels import Outcome
from notifications.channels.smtp import default_account, transmit
from notifications.models import Delivery
from notifications.rendering import check_header
from notifications.selectors.mailboxes import account_of

# Python's folding breaks long ids and links into encoded words; these are ASCII and written by hand.
RAW_HEADERS = ("Message-ID", "In-Reply-To", "References", "List-Unsubscribe", "List-Unsubscribe-Post")


class EmailAdapter:
    """Send by SMTP."""

    def send(self, delivery: Delivery) -> Outcome:
        """Compose and transmit; a missing attachment or an address that is no address is a permanent failure."""
        to = delivery.to
        if not to:
            return Outcome(False, False, "erased")
        try:
            raw = compose(delivery, to)
        except FileNotFoundError:
            return Outcome(False, False, "file_missing")
        except OSError:  # the store of files is away
            return Outcome(False, True, "store_away")
        except ValueError:
            return Outcome(False, False, "cannot_compose")
        try:
            account = account_of(delivery.mailbox) if delivery.mailbox else default_account()
        except CannotDecrypt:  # the key of the settings is missing here; another process may have it
            return Outcome(False, True, "key_missing")
        return transmit(account, envelope_sender(delivery), to, raw)

    def find_out(self, delivery: Delivery) -> Outcome | None:
        """A mail server cannot be asked; the same Message-ID says to it that this is the same mail."""
        return None


def envelope_sender(delivery: Delivery) -> str:
    """Return the envelope sender: our bounce address where the domain is ours, else the mailbox itself.

    A mailbox whose mail we fetch at a provider gets its delivery reports there.
    """
    if delivery.mailbox and delivery.mailbox.imap_sealed:
        return delivery.mailbox.address
    address = delivery.mailbox.address if delivery.mailbox else settings.DEFAULT_FROM_EMAIL
    if domain_of(address) == settings.MAIL_DOMAIN.lower():
        return bounce_address(delivery.pk)
    return address


def compose(delivery: Delivery, to: str) -> bytes:
    """Return the mail as bytes with CRLF: text and HTML as alternatives, files attached."""
    message = EmailMessage(policy=SMTP_POLICY)
    headers = dict(delivery.headers)
    message["From"] = Address(headers.pop("From-Name", ""), addr_spec=headers.pop("From-Address"))
    message["To"] = Address(addr_spec=to)
    message["Subject"] = check_header(delivery.subject)
    message["Date"] = format_datetime(delivery.queued_at)
    for name, value in headers.items():
        if name not in RAW_HEADERS:
            message[name] = check_header(value)
    message.set_content(delivery.text or " ", charset="utf-8")
    if delivery.html:
        message.add_alternative(delivery.html, subtype="html", charset="utf-8")
    for file in delivery.files:
        if file.get("cid") and delivery.html:
            _embed(message, file)
        else:
            _attach(message, file)
    lines = [f"Message-ID: {check_header(delivery.message_id)}"]
    lines += [f"{name}: {_folded(check_header(headers[name]))}" for name in RAW_HEADERS if name in headers]
    return "\r\n".join(lines).encode("ascii") + b"\r\n" + message.as_bytes()


def _folded(value: str) -> str:
    return "\r\n ".join(value.split(" "))


def _embed(message: EmailMessage, file: dict[str, str]) -> None:
    """Put a picture beside the HTML that shows it (multipart/related)."""
    content, main, sub = _read(file)
    page = message.get_body(("related", "html"))
    if page is None or main != "image":
        _attach(message, file)
        return
    cid, name = f"<{check_header(file['cid'])}>", check_header(file["name"])
    page.add_related(content, maintype=main, subtype=sub, cid=cid, filename=name, disposition="inline")


def _attach(message: EmailMessage, file: dict[str, str]) -> None:
    content, main, sub = _read(file)
    message.add_attachment(content, maintype=main, subtype=sub, filename=check_header(file["name"]))


def _read(file: dict[str, str]) -> tuple[bytes, str, str]:
    with storages["attachments"].open(file["storage"]) as handle:
        content = handle.read()
    mime = file.get("mime") or mimetypes.guess_type(file["name"])[0] or "application/octet-stream"
    main, _slash, sub = mime.partition("/")
    if main in {"multipart", "message"} or not sub:
        return content, "application", "octet-stream"
    return content, main, sub
