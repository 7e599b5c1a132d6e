"""Lines for the system page: does mail come in, does it go out, what waits, what failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.ui import when
from notifications.enums import DeliveryState, InboundState, ReceiptState
from notifications.models import ChannelAccount, Delivery, InboundMail, Mailbox, MailboxPoll, ProviderReceipt
from notifications.wordings import words_for, words_for_receiving

LATE = timedelta(minutes=10)
RESTING_AFTER = 5
MANY_FAILED = 20


def mail_health() -> list[dict[str, Any]]:
    """Return {label, value, state, hint} lines; five queries."""
    now = timezone.now()
    boxes = Mailbox.objects.filter(is_active=True).aggregate(
        last_in=Max("last_in_at"), last_out=Max("last_out_at"), faulty=Count("pk", filter=~Q(last_error_code=""))
    )
    open_ones = Delivery.objects.filter(state__in=[DeliveryState.QUEUED, DeliveryState.SENDING], due_at__lte=now)
    queue = open_ones.aggregate(count=Count("pk"), oldest=Min("due_at"))
    failed = Delivery.objects.filter(state=DeliveryState.FAILED, failed_at__gte=now - timedelta(hours=1)).count()
    aside = InboundMail.objects.filter(state=InboundState.QUARANTINED).count()
    is_late = queue["oldest"] is not None and queue["oldest"] < now - LATE
    return [
        _line(_("Last mail in"), when(boxes["last_in"]) if boxes["last_in"] else _("None yet"), "ok"),
        _line(_("Last mail out"), when(boxes["last_out"]) if boxes["last_out"] else _("None yet"), "ok"),
        _line(
            _("Mailboxes with a fault"),
            boxes["faulty"],
            "bad" if boxes["faulty"] else "ok",
            _("Open the mailbox in the settings and send a test.") if boxes["faulty"] else "",
        ),
        _line(
            _("Messages waiting to be sent"),
            queue["count"],
            "warn" if is_late else "ok",
            _("The oldest has waited for more than ten minutes.") if is_late else "",
        ),
        _line(
            _("Not delivered in the last hour"),
            failed,
            "bad" if failed >= MANY_FAILED else "warn" if failed else "ok",
        ),
        _line(
            _("Mail that needs a look"),
            aside,
            "warn" if aside else "ok",
            ngettext("%(n)s mail could not be read.", "%(n)s mails could not be read.", aside) % {"n": aside}
            if aside
            else "",
        ),
        *fetching_lines(now),
    ]


def channel_health() -> list[dict[str, Any]]:
    """Return a line for each provider in use; two queries."""
    waiting = ProviderReceipt.objects.filter(state=ReceiptState.WAITING).count()
    lines = [_provider(row) for row in ChannelAccount.objects.filter(is_active=True).order_by("channel")]
    if waiting:
        lines.append(_line(_("Receipts that fit no message yet"), waiting, "ok" if waiting < MANY_FAILED else "warn"))
    return lines


def _provider(row: ChannelAccount) -> dict[str, Any]:
    label = _("Provider of %(channel)s") % {"channel": row.get_channel_display()}
    value = when(row.last_out_at) if row.last_out_at else _("Nothing sent yet")
    fault = str(words_for(row.last_error_code))
    return _line(label, value, "bad" if fault else "ok", fault)


def fetching_lines(now: datetime) -> list[dict[str, Any]]:
    """Return a line for each mailbox whose mail is fetched: the last good look, what waits, what is wrong."""
    rows = MailboxPoll.objects.filter(mailbox__is_active=True).select_related("mailbox").order_by("mailbox__address")
    return [_fetching(poll, now) for poll in rows[:50]]


def _fetching(poll: MailboxPoll, now: datetime) -> dict[str, Any]:
    label = _("Mail fetched from %(address)s") % {"address": poll.mailbox.address}
    value = when(poll.good_at) if poll.good_at else _("Not yet")
    if poll.failures:
        state = "bad" if poll.failures >= RESTING_AFTER else "warn"
        return _line(label, value, state, str(words_for_receiving(poll.error_code)))
    if poll.next_at < now - LATE:
        return _line(label, value, "warn", _("It should have been looked into minutes ago. Is a worker running?"))
    if poll.waiting:
        hint = ngettext("%(n)s mail waits to be fetched.", "%(n)s mails wait to be fetched.", poll.waiting)
        return _line(label, value, "ok", hint % {"n": poll.waiting})
    return _line(label, value, "ok")


def _line(label: str, value: Any, state: str, hint: str = "") -> dict[str, Any]:
    return {"label": label, "value": value, "state": state, "hint": hint}
