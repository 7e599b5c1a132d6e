"""Take the work of people who are away without a console back to the queue, in teams that hand tickets out."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Min
from django.utils import translation
from django.utils.translation import gettext

from accounts.enums import PresenceStatus
from accounts.models import Presence
from core.actors import SYSTEM
from core.models import Company
from tickets.errors import WorkMovedOn
from tickets.models.routing import RoutingMode
from tickets.services.handing_over import HandOver, go_off_shift

logger = logging.getLogger(__name__)


def release_absent(*, at: datetime) -> int:
    """Put off shift who has been away with no console open for as long as her team allows; return how many.

    Only in teams that hand tickets out: where people take them by hand, who closes the browser keeps hers.
    """
    away = (
        Presence.objects.filter(
            status=PresenceStatus.AWAY,
            staff__memberships__team__routing__mode=RoutingMode.AUTOMATIC,
            staff__memberships__team__archived_at__isnull=True,
        )
        .exclude(returns_to="")
        .annotate(minutes=Min("staff__memberships__team__routing__release_after_minutes"))
        .order_by("pk")
    )
    gone = [row.pk for row in away if row.seen_at <= at - timedelta(minutes=row.minutes)]
    for staff_id in gone:
        try:
            count = go_off_shift(
                staff_id=staff_id, plan=HandOver(note=_words()), actor=SYSTEM, at=at, reason="agent_absent"
            )
        except WorkMovedOn:
            continue  # the next look finds her again
        logger.info("routing.released staff_id=%s tickets=%s", staff_id, count)
    return len(gone)


def _words() -> str:
    language = Company.objects.filter(pk=1).values_list("language", flat=True).first()
    with translation.override(language or "zh-hans"):
        return gettext("Away for a while with no console open, so the system put the ticket back to the queue.")
