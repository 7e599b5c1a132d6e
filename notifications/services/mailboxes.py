"""Mailboxes: made, changed, tried out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, make_msgid

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import encrypt
from core.errors import InvalidInput, StaleEdit
from core.events import Code, record
from core.text import normalise_email
from notifications.channels import Outcome
from notifications.channels.smtp import SmtpAccount, transmit
from notifications.events import MailboxSaved, MailboxTested
from notifications.inbound.imap import ImapAccount
from notifications.models import Mailbox
from notifications.rendering import check_header
from notifications.selectors.mailboxes import account_of, get_mailbox, own_account
from notifications.services.deliveries import loop_mark
from notifications.services.receiving import begin_fetching, fetched_from, fill_receiving

EDITED = ("address", "name_zh", "name_en", "shop_id", "signature_zh", "signature_en", "is_default", "is_active")
SECONDS = (30, 60, 120, 300, 900)


@dataclass(frozen=True)
class MailboxDraft:
    """What a person fills in. An empty password keeps the old one.

    `account` None: sent through the installation's server. `imap` None: its mail is brought to our listener.
    """

    address: str
    name_zh: str = ""
    name_en: str = ""
    shop_id: int | None = None
    signature_zh: str = ""
    signature_en: str = ""
    is_default: bool = False
    is_active: bool = True
    account: SmtpAccount | None = None
    imap: ImapAccount | None = None
    imap_seconds: int = 60
    takes_old: bool = False


@transaction.atomic
def create_mailbox(*, draft: MailboxDraft, actor: Actor, at: datetime) -> Mailbox:
    """Make a mailbox; the first one becomes the default. Raises InvalidInput."""
    box = Mailbox()
    _fill(box, draft)
    box.is_default = draft.is_active and (draft.is_default or not Mailbox.objects.filter(is_default=True).exists())
    _save(box)
    begin_fetching(box, old=None, takes_old=draft.takes_old, at=at)
    record("mailbox.added", subject=box, actor=actor, at=at, data=MailboxSaved())
    return box


@transaction.atomic
def edit_mailbox(*, mailbox_id: int, version: int, draft: MailboxDraft, actor: Actor, at: datetime) -> Mailbox:
    """Save a mailbox that still has `version`. Raises NotFound, InvalidInput, StaleEdit."""
    rows = {row.pk: row for row in Mailbox.objects.select_for_update(no_key=True).order_by("pk")}
    box = rows.get(mailbox_id) or get_mailbox(mailbox_id)
    if box.version != version:
        raise StaleEdit(changes=_changes(box, draft))
    if box.is_default and not draft.is_default:
        raise InvalidInput(fields={"is_default": [_("Make another mailbox the default one instead.")]})
    if draft.is_default and not draft.is_active:
        raise InvalidInput(fields={"is_active": [_("The default mailbox must stay in use.")]})
    changed = tuple(Code(str(change["field"])) for change in _changes(box, draft))
    if draft.account != own_account(box):
        changed += (Code("server"),)
    old = fetched_from(box)
    if draft.imap != old or draft.imap_seconds != box.imap_seconds:
        changed += (Code("receiving"),)
    _fill(box, draft)
    box.is_default = draft.is_default
    box.version += 1
    _save(box)
    begin_fetching(box, old=old, takes_old=draft.takes_old, at=at)
    record("mailbox.changed", subject=box, actor=actor, at=at, data=MailboxSaved(changed))
    return box


def test_mailbox(*, mailbox_id: int, to: str, actor: Actor, language: str, at: datetime) -> Outcome:
    """Send a real mail through the mailbox's server now and return what the server said; waits at most some seconds.

    Raises NotFound, InvalidInput. Not in a transaction: it talks to the network.
    """
    box = get_mailbox(mailbox_id)
    address = normalise_email(check_header(to))
    if not address:
        raise InvalidInput(fields={"to": [_("This is not a mail address.")]})
    outcome = transmit(account_of(box), box.address, address, _test_mail(box, address, language, at))
    _note_test(mailbox_id=mailbox_id, outcome=outcome, actor=actor, at=at)
    return outcome


test_mailbox.__test__ = False  # type: ignore[attr-defined] # its name begins like a test's


@transaction.atomic
def _note_test(*, mailbox_id: int, outcome: Outcome, actor: Actor, at: datetime) -> None:
    box = Mailbox.objects.select_for_update(no_key=True).get(pk=mailbox_id)
    fields = ["last_error_code", "last_error_at"]
    if outcome.is_accepted:
        box.tested_at, box.last_error_code, box.last_error_at = at, "", None
        fields.append("tested_at")
    else:
        box.last_error_code, box.last_error_at = outcome.code[:64], at
    box.save(update_fields=fields)
    data = MailboxTested(Code(outcome.code[:64]), outcome.is_accepted)
    record("mailbox.tested", subject=box, actor=actor, at=at, data=data)


def _test_mail(box: Mailbox, to: str, language: str, at: datetime) -> bytes:
    with translation.override(language):
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = Address(box.name_in(language), addr_spec=box.address)
        message["To"] = Address(addr_spec=to)
        message["Subject"] = gettext("Test mail from the customer service centre")
        message["Date"] = format_datetime(at)
        message["Message-ID"] = make_msgid(domain=settings.MAIL_DOMAIN)
        message["Auto-Submitted"] = "auto-generated"
        message["X-Loop"] = loop_mark()
        words = gettext("This mail shows that the mailbox can send. Nobody needs to answer it.")
        signature = box.signature_in(language)
        message.set_content(f"{words}\n" + (f"\n-- \n{signature}\n" if signature else ""))
    return message.as_bytes()


def _fill(box: Mailbox, draft: MailboxDraft) -> None:
    address = normalise_email(check_header(draft.address))
    if not address:
        raise InvalidInput(fields={"address": [_("This is not a mail address.")]})
    box.address, box.shop_id = address, draft.shop_id
    box.name_zh, box.name_en = check_header(draft.name_zh.strip()), check_header(draft.name_en.strip())
    box.signature_zh, box.signature_en = draft.signature_zh.strip(), draft.signature_en.strip()
    box.is_active = draft.is_active
    box.smtp_sealed = _sealed(box, draft.account)
    fill_receiving(box, draft.imap, draft.imap_seconds)


def _sealed(box: Mailbox, account: SmtpAccount | None) -> bytes:
    if account is None:
        return b""
    values = asdict(account)
    if not account.password and account.username and box.smtp_sealed:
        old = own_account(box)
        # The kept password only goes where it went before: a changed server must be given it again.
        if old and (old.host, old.port, old.username) == (account.host, account.port, account.username):
            values["password"] = old.password
    return encrypt(json.dumps({name: str(v) if name == "security" else v for name, v in values.items()}))


def _save(box: Mailbox) -> None:
    try:
        with transaction.atomic():
            if box.is_default:
                Mailbox.objects.filter(is_default=True).exclude(pk=box.pk).update(is_default=False)
            box.save()
    except IntegrityError as error:
        raise InvalidInput(fields={"address": [_("There is a mailbox with this address already.")]}) from error


def _changes(box: Mailbox, draft: MailboxDraft) -> list[dict[str, object]]:
    return [
        {"field": name, "yours": getattr(draft, name), "theirs": getattr(box, name)}
        for name in EDITED
        if getattr(draft, name) != getattr(box, name)
    ]
