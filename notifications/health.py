"""Lines for the system page: does mail come in, does it go out, what waits, what failed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.ui import when
from notifications.enums import DeliveryState, InboundState
from notifications.models import Delivery, InboundMail, Mailbox

LATE = timedelta(minutes=10)
MANY_FAILED = 20


def mail_health() -> list[dict[str, Any]]:
    """Return {label, value, state, hint} lines; four queries."""
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
    ]


def _line(label: str, value: Any, state: str, hint: str = "") -> dict[str, Any]:
    return {"label": label, "value": value, "state": state, "hint": hint}
