"""In the trial: write a mail as a customer's mail program would, and hand it to our listener by real SMTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, make_msgid

from django.conf import settings

from notifications.addresses import domain_of
from notifications.channels import Outcome
from notifications.channels.smtp import SmtpAccount, transmit
from notifications.inbound.parsing import MailAttachment
from notifications.rendering import check_header
from notifications.selectors.sink import OpenedMail

STARTING = 6.0  # seconds


@dataclass(frozen=True)
class CustomerMail:
    """What the customer writes."""

    sender: str
    to: str
    subject: str
    text: str
    files: tuple[MailAttachment, ...] = ()
    in_reply_to: str = ""
    references: str = ""


def answer_to(opened: OpenedMail, text: str, files: tuple[MailAttachment, ...]) -> CustomerMail:
    """Return the answer a customer's program would make: to Reply-To, quoted below, threaded by ids."""
    mail = opened.mail
    subject = mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}"
    quoted = "\n".join(f"> {line}" for line in mail.text.splitlines()[:200])
    when = f"{opened.row.caught_at:%Y-%m-%d %H:%M}"
    body = f"{text}\n\n{when}，{mail.from_name or mail.from_address} <{mail.from_address}> 写道：\n{quoted}\n"
    references = " ".join([*mail.references[-10:], mail.message_id]).strip()
    return CustomerMail(
        opened.row.recipient, mail.reply_to or mail.from_address, subject, body, files, mail.message_id, references
    )


def send_as_customer(*, mail: CustomerMail, at: datetime) -> Outcome:
    """Hand the mail to our own listener; returns what it said. One that is only starting is waited for."""
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"] = Address(addr_spec=mail.sender)
    message["To"] = Address(addr_spec=mail.to)
    message["Subject"] = check_header(mail.subject)
    message["Date"] = format_datetime(at)
    message.set_content(mail.text.replace("\r\n", "\n"))
    for file in mail.files:
        main, _slash, sub = (file.mime or "application/octet-stream").partition("/")
        if main in {"multipart", "message"} or not sub:
            main, sub = "application", "octet-stream"
        message.add_attachment(file.content, maintype=main, subtype=sub, filename=check_header(file.name))
    lines = [f"Message-ID: {make_msgid(domain=domain_of(mail.sender) or 'customer.example')}"]
    if mail.in_reply_to:
        lines += [f"In-Reply-To: {mail.in_reply_to}", f"References: {mail.references}"]
    raw = "\r\n".join(lines).encode("ascii", "replace") + b"\r\n" + message.as_bytes()
    account = SmtpAccount(settings.INBOUND_SMTP_HOST, settings.INBOUND_SMTP_PORT, is_typed=False)
    end = time.monotonic() + STARTING
    while (outcome := transmit(account, mail.sender, mail.to, raw)).code == "no_connection" and time.monotonic() < end:
        time.sleep(0.25)
    return outcome
