"""Fetch mail from a provider's folder: keep it first, mark it there afterwards, each one exactly once.

What a crash leaves behind is found again: a mail that was begun is begun again and its row in InboundMail is found by
its digest; one that was kept and not marked is marked at the next look. A mail that cannot be had after three tries is
shown to a person and the others go on.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesHeaderParser

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from core.crypto import CannotDecrypt
from core.jobs import schedule
from notifications.enums import PullState
from notifications.inbound.headers import headers_of
from notifications.inbound.imap import ImapFault, ImapSession, MailFacts, MailRefused, signed_in
from notifications.inbound.words import addresses_in
from notifications.models import InboundMail, Mailbox, MailboxPoll, PulledMail
from notifications.selectors.inbound import Target, targets_named_in
from notifications.selectors.mailboxes import imap_account
from notifications.services.inbound import receive_mail, set_aside_unread

logger = logging.getLogger(__name__)
POLL = "notifications.poll_mailbox"
ATTEMPTS = 3
BATCH = 50
BUSY_SECONDS = 15.0  # after that no other mail is begun: the worker has other work too
HEAD_BYTES = 64 * 1024
ROOM_AROUND = 1_000_000  # lists of numbers, answers to marking
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=30)
LOGIN_REST = timedelta(minutes=10)  # providers lock an account that knocks too often
OPEN_AFTER = 5  # failures in a row after which a person should look
OVERDUE = timedelta(minutes=10)
_NEEDS_A_PERSON = frozenset({"login_refused", "unsafe_login", "no_folder", "key_missing", "certificate", "no_tls"})


class _OurFault(Exception):
    """We could not keep what we were given (disk, database): the mail is not to blame."""


def owe_due_polls(*, now: datetime) -> int:
    """Owe a look into each mailbox whose time has come; returns how many. One job at a time for each mailbox."""
    due = MailboxPoll.objects.filter(next_at__lte=now, mailbox__is_active=True).exclude(mailbox__imap_sealed=b"")
    made = 0
    for poll in due.order_by("next_at")[:200]:
        owed = _owe(poll.pk, poll.next_at)
        made += owed
        if not owed and poll.next_at < now - OVERDUE:  # its job came to nothing: begin again
            MailboxPoll.objects.filter(pk=poll.pk, next_at=poll.next_at).update(
                next_at=now, failures=F("failures") + 1, error_code="interrupted", failed_at=now
            )
    return made


@transaction.atomic
def _owe(mailbox_id: int, due_at: datetime) -> bool:
    key = f"{mailbox_id}:{due_at.isoformat()}"
    shard = f"mailbox:{mailbox_id}"
    return schedule(POLL, key=key, shard=shard, due_at=due_at, payload={"mailbox_id": mailbox_id})


def poll_mailbox(*, mailbox_id: int, at: datetime) -> None:
    """Look into a mailbox's folder once and take what is new. Not in a transaction: it talks to the network.

    What the server does wrong is written down and tried again later; it never raises for it.
    """
    box = Mailbox.objects.filter(pk=mailbox_id, is_active=True).first()
    if box is None or not MailboxPoll.objects.filter(pk=mailbox_id).exists():
        return
    waiting = 0
    try:
        account = imap_account(box)
        if account is None:
            return
        with signed_in(account) as session:
            session.open_folder()
            waiting = take_new(box, session, at)
    except CannotDecrypt:
        note_failure(mailbox_id=mailbox_id, code="key_missing", at=timezone.now())
    except ImapFault as fault:
        note_failure(mailbox_id=mailbox_id, code=fault.code, at=timezone.now())
    except _OurFault as fault:
        note_failure(mailbox_id=mailbox_id, code="not_kept", at=timezone.now())
        logger.warning("poll.not_kept mailbox=%s error=%s", mailbox_id, type(fault.__cause__).__name__)
    else:
        note_success(mailbox_id=mailbox_id, waiting=waiting, seconds=box.imap_seconds, at=timezone.now())


def take_new(box: Mailbox, session: ImapSession, at: datetime) -> int:
    """Take new mails, the oldest first, for some seconds; returns how many are left for the next look.

    Raises ImapFault and what storage and database raise; what is kept until then stays kept.
    """
    poll = find_place(mailbox_id=box.pk, uidvalidity=session.uidvalidity)
    settle_taken(box, session)
    end, room = time.monotonic() + BUSY_SECONDS, session.bytes_left
    left = 0
    for uids in _batches(box, session, poll):
        taken = 0 if left else _take_batch(box, session, poll, uids, end, room)
        left += len(uids) - taken
    return left


def _take_batch(box: Mailbox, session: ImapSession, poll: MailboxPoll, uids: list[int], end: float, room: int) -> int:
    """Take mails until the time, or what one look may hold, is up; returns how many were dealt with."""
    if time.monotonic() > end:
        return 0
    facts = session.facts(uids)
    for index, uid in enumerate(uids):
        has_taken = session.bytes_left <= room // 2
        if time.monotonic() > end or (has_taken and _weight(facts.get(uid)) > session.bytes_left):
            settle_taken(box, session)
            return index
        take_one(box, session, poll, uid, facts.get(uid))
    if uids:
        advance(mailbox_id=box.pk, uid=uids[-1])
    settle_taken(box, session)
    return len(uids)


def _weight(facts: MailFacts | None) -> int:
    """Return how much the server sends for a mail, with room for what it says around it."""
    size = facts.size if facts else 0
    return (HEAD_BYTES if size > settings.INBOUND_MAX_BYTES else size) + ROOM_AROUND


def _batches(box: Mailbox, session: ImapSession, poll: MailboxPoll) -> Iterator[list[int]]:
    """Yield the UIDs to take: the new ones, then those that were begun and refused, so that they hold nobody up."""
    open_ones = PulledMail.objects.filter(
        mailbox=box, uidvalidity=session.uidvalidity, state=PullState.FETCHING, uid__lte=poll.last_uid
    )
    again = list(open_ones.order_by("uid").values_list("uid", flat=True)[:BATCH])
    since = (poll.since - timedelta(days=1)).date() if poll.since else None
    for found in session.uids_after(poll.last_uid, since=since):
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]
    if again:
        yield again


def take_one(box: Mailbox, session: ImapSession, poll: MailboxPoll, uid: int, facts: MailFacts | None) -> None:
    """Take one mail: note that it is begun, fetch it, keep it, note what became of it. Raises ImapFault, _OurFault."""
    if facts is None:  # gone meanwhile
        drop_pull(mailbox_id=box.pk, uidvalidity=session.uidvalidity, uid=uid)
        return
    if poll.since and facts.arrived_at and facts.arrived_at < poll.since:  # it lay there before we began
        return
    at = timezone.now()
    row = begin_pull(mailbox_id=box.pk, uidvalidity=session.uidvalidity, uid=uid, at=at)
    if row.state != PullState.FETCHING:
        return
    try:
        inbound, state = _fetch(box, session, row, facts, at)
    except ImapFault:
        advance(mailbox_id=box.pk, uid=uid)  # the next look takes the others first
        raise
    except MailRefused:
        logger.warning("poll.mail_refused mailbox=%s uid=%s attempt=%s", box.pk, uid, row.attempts)
    except (DatabaseError, OSError) as error:
        forgive_attempt(pulled_id=row.pk)
        raise _OurFault from error
    except Exception:  # one mail we stumble over must not keep the others out; after three tries it is put aside
        logger.exception("poll.mail_not_taken mailbox=%s uid=%s", box.pk, uid)
    else:
        finish_pull(pulled_id=row.pk, inbound_id=inbound.pk, state=state, leave=session.account.after == "leave")


def _fetch(
    box: Mailbox, session: ImapSession, row: PulledMail, facts: MailFacts, at: datetime
) -> tuple[InboundMail, str]:
    named = hashlib.sha256(f"{row.mailbox_id}:{row.uidvalidity}:{row.uid}".encode()).digest()
    if row.attempts > ATTEMPTS:
        return set_aside_unread(box=box, digest=named, raw=b"", size=facts.size, reason="not_fetched", at=at), (
            PullState.GIVEN_UP
        )
    if facts.size > settings.INBOUND_MAX_BYTES:
        start = session.head(row.uid, first_bytes=HEAD_BYTES)
        return set_aside_unread(box=box, digest=named, raw=start, size=facts.size, reason="too_large", at=at), (
            PullState.TOO_LARGE
        )
    raw = session.mail(row.uid)
    sender, targets = envelope_of(raw, box)
    inbound, is_new = receive_mail(raw=raw, sender=sender, targets=targets, peer=session.account.host, at=at)
    return inbound, PullState.KEPT if is_new else PullState.DOUBLED


def envelope_of(raw: bytes, box: Mailbox) -> tuple[str, list[Target]]:
    """Return the envelope as the header tells it: the sender (empty for reports), and which of our addresses.

    Providers write Return-Path and Delivered-To; a signed address of ours counts wherever it stands.
    """
    head = BytesHeaderParser(policy=policy.compat32).parsebytes(raw[: 512 * 1024])
    back = headers_of(head, "Return-Path")
    found = addresses_in(back[0]) if back else addresses_in("".join(headers_of(head, "From")[:1]))
    sender = found[0][1] if found else ""
    if not back and not sender:
        sender = "unknown@invalid"  # no envelope was kept: this is no delivery report
    return sender, [Target(box.address, 2, box.pk, box.shop_id), *targets_named_in(head)]


def settle_taken(box: Mailbox, session: ImapSession) -> None:
    """Mark at the provider what is kept here, also what an earlier look kept and could not mark. Raises ImapFault."""
    open_ones = PulledMail.objects.filter(mailbox=box, uidvalidity=session.uidvalidity, settled_at__isnull=True)
    rows = list(open_ones.exclude(state=PullState.FETCHING).order_by("uid").values_list("pk", "uid", "state")[:200])
    # what is too large or could not be had stays where it is, unread: somebody has to look at it there
    session.settle([uid for _pk, uid, state in rows if state in {PullState.KEPT, PullState.DOUBLED}])
    if rows:
        PulledMail.objects.filter(pk__in=[pk for pk, _uid, _state in rows]).update(settled_at=timezone.now())


@transaction.atomic
def find_place(*, mailbox_id: int, uidvalidity: int) -> MailboxPoll:
    """Return how far the folder is fetched. When its UIDs count anew, all of it is looked through again.

    What is known by its digest then adds nothing, and what arrived before `since` stays aside.
    """
    poll = MailboxPoll.objects.select_for_update().get(pk=mailbox_id)
    if poll.uidvalidity == uidvalidity:
        return poll
    if poll.uidvalidity:
        logger.warning("poll.folder_renumbered mailbox=%s", mailbox_id)
    poll.uidvalidity, poll.last_uid = uidvalidity, 0
    poll.save(update_fields=["uidvalidity", "last_uid"])
    return poll


@transaction.atomic
def begin_pull(*, mailbox_id: int, uidvalidity: int, uid: int, at: datetime) -> PulledMail:
    """Note that a mail is begun, counting the attempt before anything can go wrong."""
    row, _is_new = PulledMail.objects.select_for_update().get_or_create(
        mailbox_id=mailbox_id, uidvalidity=uidvalidity, uid=uid, defaults={"begun_at": at}
    )
    if row.state == PullState.FETCHING:
        row.attempts += 1
        row.begun_at = at
        row.save(update_fields=["attempts", "begun_at"])
    return row


@transaction.atomic
def finish_pull(*, pulled_id: int, inbound_id: int, state: str, leave: bool) -> None:
    """Note what became of a mail; from now on it is not fetched again."""
    row = PulledMail.objects.select_for_update().get(pk=pulled_id)
    row.state, row.inbound_id = state, inbound_id
    row.settled_at = timezone.now() if leave else None
    row.save(update_fields=["state", "inbound_id", "settled_at"])
    advance(mailbox_id=row.mailbox_id, uid=row.uid)


def drop_pull(*, mailbox_id: int, uidvalidity: int, uid: int) -> None:
    """Forget a mail that was begun and is gone from the folder."""
    mine = PulledMail.objects.filter(mailbox_id=mailbox_id, uidvalidity=uidvalidity, uid=uid)
    mine.filter(state=PullState.FETCHING).delete()


def advance(*, mailbox_id: int, uid: int) -> None:
    """Note that all up to this UID was looked at; never backwards."""
    MailboxPoll.objects.filter(pk=mailbox_id).update(last_uid=Greatest(F("last_uid"), uid))


def forgive_attempt(*, pulled_id: int) -> None:
    """Take an attempt back that failed on our side."""
    try:
        PulledMail.objects.filter(pk=pulled_id, attempts__gt=0).update(attempts=F("attempts") - 1)
    except DatabaseError:  # the database is what is away
        logger.warning("poll.attempt_not_forgiven id=%s", pulled_id)


@transaction.atomic
def fetch_again(*, inbound_id: int, at: datetime) -> bool:
    """Try once more to have a mail that was given up; returns whether there is one behind this row."""
    row = PulledMail.objects.select_for_update().filter(inbound_id=inbound_id, state=PullState.GIVEN_UP).first()
    if row is None:
        return False
    PulledMail.objects.filter(pk=row.pk).update(state=PullState.FETCHING, attempts=0, inbound=None, settled_at=None)
    MailboxPoll.objects.filter(pk=row.mailbox_id).update(next_at=at)
    return True


@transaction.atomic
def note_success(*, mailbox_id: int, waiting: int, seconds: int, at: datetime) -> None:
    """Write down a good look; with mail waiting the next one follows at once."""
    MailboxPoll.objects.filter(pk=mailbox_id).update(
        looked_at=at,
        good_at=at,
        waiting=waiting,
        failures=0,
        error_code="",
        failed_at=None,
        next_at=at if waiting else at + timedelta(seconds=seconds),
    )


@transaction.atomic
def note_failure(*, mailbox_id: int, code: str, at: datetime) -> None:
    """Write down a failed look and rest, longer each time."""
    poll = MailboxPoll.objects.select_for_update().filter(pk=mailbox_id).first()
    if poll is None:
        return
    poll.failures += 1
    poll.error_code, poll.failed_at, poll.looked_at = code[:64], at, at
    poll.next_at = at + rest_after(poll.failures, code)
    poll.save(update_fields=["failures", "error_code", "failed_at", "looked_at", "next_at"])
    logger.warning("poll.failed mailbox=%s code=%s failures=%s", mailbox_id, code, poll.failures)


def rest_after(failures: int, code: str) -> timedelta:
    """Return how long to rest after so many failures in a row."""
    rest = min(FIRST_REST * 2 ** min(failures - 1, 10), LONGEST_REST)
    return max(rest, LOGIN_REST) if code in _NEEDS_A_PERSON and failures > 1 else rest
