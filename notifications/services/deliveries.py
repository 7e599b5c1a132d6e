"""Queue a message, once per key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import blind_index, decrypt, encrypt, short_mac
from core.errors import DomainError, InvalidInput, NotFound
from core.events import Code, record
from core.inserting import insert_once
from core.jobs import schedule
from core.live import announce
from core.text import normalise_email, normalise_phone
from notifications.addresses import canonical, reply_address, thread_id
from notifications.channels import adapter_for
from notifications.enums import DELIVERY_MOVES, Channel, DeliveryState, Purpose
from notifications.errors import NotRetryable
from notifications.events import DeliveryMoved
from notifications.models import Delivery, Mailbox
from notifications.rendering import (
    DEFAULT_COLOUR,
    SUBJECT_MAX,
    Frame,
    Rendered,
    Wording,
    check_header,
    fill_variables,
    render_message,
    short_text,
)
from notifications.selectors.mailboxes import find_mailbox
from notifications.selectors.providers import fields_for, find_provider_template
from notifications.selectors.templates import own_wording
from notifications.templates import Template, get_template, language_for
from notifications.unsubscribing import unsubscribe_url

SEND = "notifications.send_delivery"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
_MAX_REFERENCES = 12
_OPEN = {DeliveryState.QUEUED, DeliveryState.SENDING}
SEALED = ("subject", "text", "html", "params")
HIDDEN = "••••••"


@dataclass(frozen=True)
class MailFile:
    """A file to attach: where it lies in STORAGES["attachments"], how it is called, what it is.

    One with a `content_id` is shown inside the HTML.
    """

    storage: str
    name: str
    mime: str = ""
    content_id: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the file as the delivery's row keeps it."""
        told = {"storage": self.storage, "name": check_header(self.name), "mime": self.mime}
        return told | ({"cid": check_header(self.content_id)} if self.content_id else {})


def queue_message(
    *,
    key: str,
    channel: str = Channel.EMAIL,
    template: str,
    language: str,
    to: str,
    context: Mapping[str, Any],
    rich: Mapping[str, str] | None = None,
    purpose: str = Purpose.SERVICE,
    ticket_id: int | None = None,
    customer_id: int | None = None,
    order_id: int | None = None,
    shop_id: int | None = None,
    notice_id: int | None = None,
    mailbox_id: int | None = None,
    headers: Mapping[str, str] | None = None,
    files: Sequence[MailFile] = (),
    at: datetime,
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Delivery:
    """Render a message now and owe its sending; the same `key` again returns the first one unchanged.

    `context` fills the template; `shop_name`, `shop_colour` and `shop_url` in it also brand the mail. Replies go to the
    ticket's signed address when `ticket_id` is given. `rich` holds HTML for variables of the context: it stands in the
    HTML part where the template has that variable as a paragraph of its own, cleaned once more.
    After commit: job notifications.send_delivery, at `due_at`. Raises BadHeader for a line break in a subject, name or
    header, InvalidInput for an address that is none, UnknownTemplate, NoChannel.
    """
    try:
        box = find_mailbox(mailbox_id, shop_id)
        delivery = Delivery(
            key=key,
            channel=str(channel),
            template=template,
            purpose=Purpose(purpose),
            language=language_for(language),
            mailbox=box,
            shop_id=shop_id or (box.shop_id if box else None),
            customer_id=customer_id,
            ticket_id=ticket_id,
            order_id=order_id,
            notice_id=notice_id,
            message_id=f"<{short_mac(key, 'mail.message-id')}.{len(key)}@{settings.MAIL_DOMAIN}>",
            queued_at=at,
            due_at=due_at or at,
            expires_at=expires_at,
        )
        _write(delivery, to, context, rich or {}, headers or {}, files)
    except DomainError:  # what was queued before stands, whatever the caller says now
        known = Delivery.objects.filter(key=key).first()
        if known is None:
            raise
        return known
    with transaction.atomic(savepoint=False):  # nothing in here is refused once it began
        if not insert_once(delivery):
            return Delivery.objects.get(key=key)
        schedule(SEND, key=str(delivery.pk), due_at=delivery.due_at, payload={"delivery_id": delivery.pk})
    return delivery


def _write(
    delivery: Delivery,
    to: str,
    context: Mapping[str, Any],
    rich: Mapping[str, str],
    headers: Mapping[str, str],
    files: Sequence[MailFile],
) -> None:
    """Address, render and head a message. Raises BadHeader, InvalidInput, UnknownTemplate, NoChannel."""
    adapter_for(delivery.channel)
    template, box = get_template(delivery.template, delivery.channel), delivery.mailbox
    address = checked_address(delivery.channel, to)
    delivery.to_enc, delivery.to_index = encrypt(address), address_index(address, delivery.channel)
    delivery.files = [file.as_json() for file in files]
    if template.secrets:
        whole = copy(delivery)
        _word(whole, template, box, context, rich, headers)
        delivery.sealed = encrypt(json.dumps({name: getattr(whole, name) for name in SEALED}))
        context = {**context, **dict.fromkeys(template.secrets, HIDDEN)}
    _word(delivery, template, box, context, rich, headers)


def _word(
    delivery: Delivery,
    template: Template,
    box: Mailbox | None,
    context: Mapping[str, Any],
    rich: Mapping[str, str],
    headers: Mapping[str, str],
) -> None:
    if delivery.channel != Channel.EMAIL:
        write_short(delivery, context)
        return
    stop_url = "" if delivery.purpose == Purpose.SERVICE else unsubscribe_url(delivery)
    rendered = _render(delivery, box, context, stop_url, rich)
    delivery.subject, delivery.text, delivery.html = rendered.subject, rendered.text, rendered.html
    delivery.headers = _headers(delivery, box, context, headers)
    if template.is_automatic:
        delivery.headers |= {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    if stop_url:
        delivery.headers |= {"List-Unsubscribe": f"<{stop_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def unseal(delivery: Delivery) -> Delivery:
    """Put the secrets of a message into the row in memory, for who sends it; do not save it then."""
    if delivery.sealed is not None:
        for name, value in json.loads(decrypt(delivery.sealed)).items():
            setattr(delivery, name, value)
    return delivery


def write_short(delivery: Delivery, context: Mapping[str, Any]) -> None:
    """Write a message without HTML: its words, and the values for the provider's own template."""
    own = own_wording(delivery.template, delivery.channel, delivery.language)
    original = get_template(delivery.template, delivery.channel)
    subject = own.subject if own else original.subject[delivery.language]
    body = own.body if own else original.body[delivery.language]
    delivery.subject = check_header(fill_variables(subject, context).strip())[:SUBJECT_MAX]
    delivery.text = short_text(body, context)
    url = str(context.get("url") or "")
    delivery.params = {"url": url if url.startswith(("https://", "http://")) else ""}
    provider = find_provider_template(delivery.channel, delivery.template, delivery.language)
    if provider is not None:
        delivery.params["fields"] = fields_for(provider, original.variables(), context)


@transaction.atomic
def retry_delivery(*, delivery_id: int, actor: Actor, at: datetime) -> Delivery:
    """Send a failed or late message once more, with the same Message-ID. Raises NotFound, NotRetryable."""
    delivery = lock_delivery(delivery_id)
    if delivery.state not in {DeliveryState.FAILED, DeliveryState.EXPIRED} or delivery.erased_at is not None:
        raise NotRetryable
    if get_template(delivery.template, delivery.channel).secrets:
        raise NotRetryable(_("What this message said is forgotten. A new one must be asked for."))
    move_delivery(delivery, DeliveryState.QUEUED)
    delivery.rounds += 1
    delivery.attempts = 0
    delivery.expires_at = None
    delivery.due_at = at
    delivery.save(update_fields=["state", "rounds", "attempts", "expires_at", "due_at", "version"])
    schedule(SEND, key=f"{delivery.pk}.{delivery.rounds}", due_at=at, payload={"delivery_id": delivery.pk})
    record_move("delivery.retried", delivery, actor=actor, at=at)
    return delivery


def lock_delivery(delivery_id: int) -> Delivery:
    """Return a message, locked. Raises NotFound."""
    delivery = Delivery.objects.select_for_update(no_key=True).filter(pk=delivery_id).first()
    if delivery is None:
        raise NotFound(delivery=delivery_id)
    return delivery


def move_delivery(delivery: Delivery, to: str) -> None:
    """Set the state; the only reader of the transition table. Raises NotRetryable for a step it does not know."""
    if to not in DELIVERY_MOVES[delivery.state]:
        raise NotRetryable(code="transition_not_allowed", before=delivery.state, after=str(to))
    delivery.state = to
    delivery.version += 1
    if to not in _OPEN:
        delivery.sealed = None


def record_move(kind: str, delivery: Delivery, *, actor: Actor, at: datetime) -> None:
    """Record what happened to a message and tell the pages that show it."""
    record(
        kind,
        subject=delivery,
        actor=actor,
        at=at,
        data=DeliveryMoved(
            channel=Code(delivery.channel),
            template=Code(delivery.template),
            purpose=Code(delivery.purpose),
            attempts=delivery.attempts,
            cause=Code(delivery.provider_code),
            mailbox_id=delivery.mailbox_id,
        ),
    )
    announce_delivery(delivery)


def announce_delivery(delivery: Delivery) -> None:
    """After commit, tell the pages that show a message to look again."""
    announce("deliveries", "delivery", delivery.pk, delivery.version)
    if delivery.ticket_id:
        announce(f"ticket.{delivery.ticket_id}", "delivery", delivery.pk, delivery.version)


def address_index(address: str, channel: str = Channel.EMAIL) -> bytes:
    """Return the digest by which an address is found on a channel."""
    known = canonical(address) if channel == Channel.EMAIL else address
    return blind_index(known, f"notifications.{channel}")


def checked_address(channel: str, to: str) -> str:
    """Return an address as its channel wants it. Raises BadHeader, InvalidInput."""
    check_header(to)
    address: str | None
    if channel == Channel.EMAIL:
        address = normalise_email(to)
        wrong = _("This is not a mail address.")
    elif channel == Channel.SMS:
        address = normalise_phone(to)
        wrong = _("This is not a phone number.")
    else:
        address, wrong = to.strip(), _("There is no address.")
    if not address:
        raise InvalidInput(fields={"to": [wrong]})
    return address


def _render(
    delivery: Delivery, box: Mailbox | None, context: Mapping[str, Any], stop_url: str, rich: Mapping[str, str]
) -> Rendered:
    own = own_wording(delivery.template, delivery.channel, delivery.language)
    original = get_template(delivery.template, delivery.channel)
    wording = (
        Wording(own.subject, own.body)
        if own
        else Wording(original.subject[delivery.language], original.body[delivery.language])
    )
    frame = Frame(
        shop_name=str(context.get("shop_name") or (box.name_in(delivery.language) if box else "")),
        shop_colour=str(context.get("shop_colour") or context.get("shop_color") or DEFAULT_COLOUR),
        shop_url=str(context.get("shop_url") or ""),
        signature=box.signature_in(delivery.language) if box else "",
        unsubscribe_url=stop_url,
        can_reply=delivery.ticket_id is not None,
    )
    return render_message(wording, context, frame, delivery.language, rich)


def _headers(
    delivery: Delivery, box: Mailbox | None, context: Mapping[str, Any], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the headers of a mail except To, Subject, Date and Message-ID. Raises BadHeader."""
    name = box.name_in(delivery.language) if box else ""
    headers = {
        "From-Name": check_header(name or str(context.get("shop_name") or "")),
        "From-Address": box.address if box else settings.DEFAULT_FROM_EMAIL,
        "Content-Language": "en" if delivery.language == "en" else "zh-CN",
        "X-Loop": loop_mark(),
    }
    if delivery.ticket_id and not (box and box.imap_sealed):  # a provider knows no address but the mailbox's own
        headers["Reply-To"] = reply_address(delivery.ticket_id, box)
    for header, value in given.items():
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,60}", header):
            raise InvalidInput(fields={"headers": [_("This is not a header.")]})
        checked = check_header(value)
        if header in {"In-Reply-To", "References"}:
            checked = " ".join(_MESSAGE_ID.findall(checked)[-_MAX_REFERENCES:])
        if checked:
            headers[header] = checked
    if delivery.ticket_id:
        headers["References"] = f"{thread_id(delivery.ticket_id)} {headers.get('References', '')}".strip()
    return headers


def loop_mark() -> str:
    """Return what marks our own mail, so that it is not taken for a customer's when it comes back."""
    return f"cs-portal-{short_mac(settings.MAIL_DOMAIN, 'mail.loop')}"
