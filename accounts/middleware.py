import logging
from collections.abc import Callable
from functools import partial
from zoneinfo import ZoneInfo

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.middleware import get_user
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.availability import ABSENT_AFTER
from accounts.models import Staff
from accounts.services.presence import touch_presence

logger = logging.getLogger(__name__)


class SessionVersion:
    """Notice a session that was ended elsewhere, and show times in the person's own zone.

    The check itself stands in `Staff._get_session_auth_hash`: it covers password and session_version, so Django drops
    such a session wherever it is read, pages and sockets alike. Here the request learns why it is a stranger's now.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY not in request.session:
            return self.get_response(request)
        user = request.user
        if not isinstance(user, Staff):
            request.session_ended = True  # type: ignore[attr-defined]
            request.session.flush()
            return self.get_response(request)
        request.user = get_user(request)  # type: ignore[assignment]  # itself, not the promise that asks each time
        with timezone.override(ZoneInfo(user.timezone)):
            response = self.get_response(request)
        # once the page is on its way: nobody waits for it (Django closes what it served by the same list)
        response._resource_closers.append(partial(_note_console, user))  # type: ignore[attr-defined]
        return response


def _note_console(staff: Staff) -> None:
    """Count a page as a sign of life where no socket is heard: a proxy lets none through, or script is off.

    While the socket's heartbeat comes this is never due, so pages pay nothing for it.
    """
    row = getattr(staff, "_rail_row", None)
    if row is None or row["seen_at"] is None:
        return
    now = timezone.now()
    if row["seen_at"] < now - ABSENT_AFTER / 2:
        try:
            touch_presence(staff_id=staff.pk, at=now)
        except DatabaseError:  # the answer is out already; the next page notes it
            logger.warning("accounts.console_not_noted staff=%s", staff.pk)
