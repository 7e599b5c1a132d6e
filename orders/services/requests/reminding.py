"""Tell who asked, once, that the shop has not answered in time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from orders.models import OrderRequest
from orders.request_enums import REQUEST_OPEN
from orders.services.requests.moving import tell_asker, tell_pages

AT_ONCE = 200


@transaction.atomic
def remind_overdue_requests(*, at: datetime) -> int:
    """Tell of requests past their time; return how many. Two at once share the rows, nobody is told twice."""
    rows = OrderRequest.objects.select_for_update(no_key=True, skip_locked=True)
    rows = rows.filter(state__in=REQUEST_OPEN, due_at__lt=at, reminded_at__isnull=True).order_by("due_at", "pk")
    found = list(rows[:AT_ONCE])
    for request in found:
        request.reminded_at, request.version = at, request.version + 1
        request.save(update_fields=["reminded_at", "version"])
        tell_asker(request, "order_request.overdue", at)
        tell_pages(request)
    return len(found)
