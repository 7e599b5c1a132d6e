"""Where a mailbox's mail is fetched: set up, changed, tried out."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.crypto import CannotDecrypt, encrypt
from core.errors import InvalidInput
from core.events import Code, record
from notifications.enums import AfterTaking
from notifications.events import MailboxTested
from notifications.inbound.imap import ImapAccount, ImapFault, signed_in
from notifications.models import Mailbox, MailboxPoll, PulledMail
from notifications.rendering import check_header
from notifications.selectors.mailboxes import get_mailbox, imap_account

TEST_SECONDS = 20.0
CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True)
class Look:
    """What a trial sign-in found: `code` is empty when all is well."""

    code: str = ""
    mails: int = 0
    folders: tuple[str, ...] = ()


def fetched_from(box: Mailbox) -> ImapAccount | None:
    """Return the account as it is stored, without its password when the key is missing."""
    try:
        return imap_account(box)
    except CannotDecrypt:
        return ImapAccount(host="")


def fill_receiving(box: Mailbox, account: ImapAccount | None, seconds: int) -> None:
    """Put what a person typed into the row. Raises InvalidInput."""
    if account is None:
        box.imap_sealed = b""
        return
    old = fetched_from(box)
    same_place = old is not None and (old.host, old.port, old.username) == (
        account.host, account.port, account.username,
    )  # fmt: skip
    if not account.password and old is not None and same_place:
        account = replace(account, password=old.password)
    # The kept password only goes where it went before: a changed server must be given it again.
    if not account.password:
        raise InvalidInput(fields={"imap_password": [_("Enter the password for this server.")]})
    if account.after == AfterTaking.MOVE and account.move_to.strip() in {"", account.folder}:
        raise InvalidInput(fields={"imap_move_to": [_("Name another folder to move mail to.")]})
    for text in (account.host, account.username, account.folder, account.move_to):
        check_header(text)
    place = {name: str(getattr(account, name)) for name in ("host", "username", "password", "security")}
    box.imap_sealed = encrypt(json.dumps({**place, "port": account.port}))
    box.imap_folder = account.folder.strip() or "INBOX"
    box.imap_after, box.imap_move_to = str(account.after), account.move_to.strip()
    box.imap_seconds = seconds


def begin_fetching(box: Mailbox, *, old: ImapAccount | None, takes_old: bool, at: datetime) -> None:
    """Have the saved mailbox looked into soon. Another account or folder begins anew: its UIDs mean other mails."""
    new = fetched_from(box)
    if new is None:
        MailboxPoll.objects.filter(pk=box.pk).delete()
        PulledMail.objects.filter(mailbox=box).delete()
        return
    poll = MailboxPoll.objects.select_for_update().filter(pk=box.pk).first()
    if poll is None or old is None or _place(old) != _place(new):
        # moved to another server: what came in since the last good look must not fall between the two
        start = (poll and (poll.good_at or poll.since)) or at
        PulledMail.objects.filter(mailbox=box).delete()
        MailboxPoll.objects.filter(pk=box.pk).delete()
        MailboxPoll.objects.create(mailbox=box, next_at=at, since=None if takes_old else start - CLOCKS_DIFFER)
        return
    poll.next_at, poll.failures, poll.error_code, poll.failed_at = at, 0, "", None
    poll.save(update_fields=["next_at", "failures", "error_code", "failed_at"])


def try_receiving(*, mailbox_id: int, actor: Actor, at: datetime) -> Look:
    """Sign in to a mailbox's provider now, open its folders and say what was found; waits at most some seconds.

    Takes no mail and marks none. Raises NotFound. Not in a transaction: it talks to the network.
    """
    box = get_mailbox(mailbox_id)
    look = _look(box)
    _note_look(mailbox_id=mailbox_id, code=look.code, actor=actor, at=at)
    return look


def _look(box: Mailbox) -> Look:
    folders: tuple[str, ...] = ()
    try:
        account = imap_account(box)
        if account is None:
            return Look("not_set_up")
        with signed_in(account, seconds=TEST_SECONDS) as session:
            folders = tuple(session.folders())
            session.open_folder()
            if account.after == AfterTaking.MOVE and account.move_to not in folders:
                return Look("no_move_folder", session.exists, folders)
            return Look("", session.exists, folders)
    except CannotDecrypt:
        return Look("key_missing")
    except ImapFault as fault:
        return Look(fault.code, 0, folders)


@transaction.atomic
def _note_look(*, mailbox_id: int, code: str, actor: Actor, at: datetime) -> None:
    """Record the outcome; a good one has the mailbox looked into at once."""
    box = Mailbox.objects.select_for_update(no_key=True).get(pk=mailbox_id)
    if not code:
        MailboxPoll.objects.filter(pk=mailbox_id).update(next_at=at, failures=0, error_code="", failed_at=None)
    data = MailboxTested(Code(f"imap.{code or 'ok'}"[:64]), not code)
    record("mailbox.tested", subject=box, actor=actor, at=at, data=data)


def _place(account: ImapAccount) -> tuple[str, str, str]:
    return account.host.lower(), account.username.lower(), account.folder
