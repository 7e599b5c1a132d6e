"""What must be shown before it is done: a form carries the mark of what its reader was shown the effect of."""

from hashlib import sha256
from urllib.parse import urlencode

from django.http import HttpRequest

MARK = "seen"
_NOT_MEANT = {MARK, "csrfmiddlewaretoken", "preview", "version", "start", "hours"}


def mark_of(request: HttpRequest) -> str:
    """Return the mark of what a posted form asks for; other values give another one."""
    asked = [(name, value) for name in sorted(request.POST) for value in request.POST.getlist(name)]
    meant = [(name, value) for name, value in asked if name not in _NOT_MEANT]
    return sha256(f"{request.path}?{urlencode(meant)}".encode()).hexdigest()[:32]


def was_seen(request: HttpRequest) -> bool:
    """Say whether the effect of exactly this was shown to who posts it."""
    return request.POST.get(MARK) == mark_of(request)
