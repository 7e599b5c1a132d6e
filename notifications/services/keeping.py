"""Forget in time: orphan files, old raw mail, old texts, an erased person's words."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from notifications.enums import InboundState
from notifications.models import (
    CaughtMail,
    CaughtNote,
    Delivery,
    InboundMail,
    InboundText,
    Notice,
    NoticeCount,
    ProviderReceipt,
    PulledMail,
    PushSubscription,
    Suppression,
)
from notifications.storage import INBOUND, SINK, forget_all, forget_raw, raw_older_than

ORPHAN_AFTER = timedelta(hours=1)
BATCH = 500


def sweep_orphans(*, now: datetime) -> int:
    """Delete files older than an hour without a row: a process died between the two. Returns how many."""
    gone = 0
    for folder, model in ((INBOUND, InboundMail), (SINK, CaughtMail)):
        batch: list[str] = []
        for name in raw_older_than(folder, now - ORPHAN_AFTER):
            batch.append(name)
            if len(batch) == BATCH:
                gone += _drop_unknown(batch, model)
                batch = []
        gone += _drop_unknown(batch, model)
    return gone


def forget_old(*, now: datetime) -> int:
    """Delete raw mail past INBOUND_KEEP_DAYS and texts of messages past DELIVERY_KEEP_DAYS. Returns how many rows.

    A mail that nobody has dealt with yet is kept.
    """
    limit = now - timedelta(days=settings.INBOUND_KEEP_DAYS)
    old = InboundMail.objects.filter(received_at__lt=limit).exclude(raw_name="").exclude(state=InboundState.RECEIVED)
    rows = list(old.values_list("pk", "raw_name")[:20_000])
    for pk, name in rows:
        forget_raw(name)  # the file first: a row that still names it is found again tomorrow
        InboundMail.objects.filter(pk=pk).update(raw_name="")
    # the place in the folder stands in MailboxPoll; a folder counted anew finds the mails by their digest
    PulledMail.objects.filter(begun_at__lt=limit, settled_at__isnull=False).exclude(state="given_up").delete()
    limit = now - timedelta(days=settings.DELIVERY_KEEP_DAYS)
    texts = Delivery.objects.filter(queued_at__lt=limit).exclude(text="").exclude(state__in=["queued", "sending"])
    Notice.objects.filter(made_at__lt=limit).exclude(state="open").exclude(plan_enc=b"").update(
        plan_enc=b"", context_enc=b""
    )
    InboundText.objects.filter(received_at__lt=limit).delete()
    ProviderReceipt.objects.filter(received_at__lt=limit).delete()
    NoticeCount.objects.filter(day__lt=(now - timedelta(days=3)).date()).delete()
    gone = texts.update(subject="", text="", html="", to_enc=b"", files=[], params={}, erased_at=now)
    return len(rows) + gone


@transaction.atomic
def erase_customer(customer_id: int) -> int:
    """Erase the words and addresses of everything sent to or received from a customer; ids and times stay."""
    now = timezone.now()
    mine = Delivery.objects.filter(customer_id=customer_id)
    addresses = [bytes(value) for value in mine.values_list("to_index", flat=True).distinct()]
    mails = InboundMail.objects.filter(Q(customer_id=customer_id) | Q(from_index__in=addresses))
    caught = CaughtMail.objects.filter(
        Q(recipient_index__in=addresses) | Q(message_id__in=mine.values_list("message_id", flat=True))
    )
    files = [*mails.exclude(raw_name="").values_list("raw_name", flat=True), *caught.values_list("raw_name", flat=True)]
    count = caught.delete()[0] + mails.exclude(raw_name="").update(raw_name="")
    count += Suppression.objects.filter(Q(customer_id=customer_id), address_index__in=addresses).update(
        customer_id=None
    )
    notices = Notice.objects.filter(customer_id=customer_id)
    notices.filter(state="open").update(state="dropped", reason="erased", settled_at=now)
    count += notices.exclude(plan_enc=b"").update(plan_enc=b"", context_enc=b"")
    count += InboundText.objects.filter(Q(customer_id=customer_id) | Q(from_index__in=addresses)).update(
        from_enc=b"", text_enc=b"", customer_id=None
    )
    count += PushSubscription.objects.filter(customer_id=customer_id).delete()[0]
    count += CaughtNote.objects.filter(customer_id=customer_id).delete()[0]
    mine.filter(state="queued").update(state="failed", provider_code="erased", failed_at=now, sealed=None)
    count += mine.filter(erased_at__isnull=True).update(
        subject="", text="", html="", to_enc=b"", headers={}, files=[], params={}, sealed=None, erased_at=now
    )
    transaction.on_commit(lambda: forget_all(files), robust=True)  # what is left, the sweep takes
    return count


def _drop_unknown(names: list[str], model: type[InboundMail] | type[CaughtMail]) -> int:
    known = set(model.objects.filter(raw_name__in=names).values_list("raw_name", flat=True)) if names else set()
    orphans = [name for name in names if name not in known]
    for name in orphans:
        forget_raw(name)
    return len(orphans)
